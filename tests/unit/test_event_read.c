/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/event_read.h"

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "event/event_write.h"
#include "event/member.h"

#define WALL_OFFSET_NS 1795341864206999877ll
#define ROUNDS	       499

/* --- random records --------------------------------------------------------------------------- */

static uint64_t state = 20261122;

static uint64_t random_u64(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Of all magnitudes, and now and then one that is not measured. */
static uint64_t random_number(void)
{
	return random_u64() % 31 == 0 ? NOT_MEASURED : random_u64() >> random_u64() % 64;
}

/* Any bytes but NUL, then NULs up to the end. */
static void fill_text(char *at, unsigned size)
{
	unsigned len = (unsigned)(random_u64() % (size + 1));

	for (unsigned i = 0; i < len; i++) {
		at[i] = (char)(random_u64() % 3 ? 'a' + random_u64() % 26 : random_u64());
		at[i] = at[i] ? at[i] : '\n';
	}
}

static void fill(const struct field *f, char *record)
{
	if (f->derive)
		return;
	if (f->type == FIELD_TEXT)
		fill_text(record + f->offset, f->size);
	else if (f->type == FIELD_ADDR)
		for (unsigned i = 0; i < f->size; i++)
			record[f->offset + i] = (char)(random_u64() % 2 ? random_u64() : 0);
	else
		member_store(record, f, random_number());
}

static void fill_record(const struct event_type *type, char *record)
{
	uint64_t ts_ns = random_number() & INT64_MAX;

	memset(record, 0, type->record_size);
	memcpy(record, &ts_ns, sizeof(ts_ns));
	for (unsigned i = 0; i < type->n_fields; i++)
		fill(&type->fields[i], record);
	for (unsigned i = 0; i < type->n_hidden; i++)
		fill(&type->hidden[i], record);
}

/* With numbers of which sums and averages are exact, and without hidden ones. */
static void fill_modestly(const struct event_type *type, char *record)
{
	uint64_t ts_ns = 3600 * NS_PER_S;

	memset(record, 0, type->record_size);
	memcpy(record, &ts_ns, sizeof(ts_ns));
	for (unsigned i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];

		if (f->derive || f == type->interval)
			continue;
		if (f->type == FIELD_TEXT || f->type == FIELD_ADDR)
			(void)snprintf(record + f->offset, f->size, "text");
		else
			member_store(record, f, random_u64() % 60000 * 1000);
	}
}

static void write_whole(const struct event_type *type, const void *record, struct buf *out)
{
	struct event ev = { .type = type, .record = record, .wall_offset_ns = WALL_OFFSET_NS };
	struct json j = { .out = out };

	json_open(&j, '{');
	event_write_whole(&ev, &j);
	json_close(&j, '}');
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct event_reader *reader;

static int start(void **unused)
{
	(void)unused;
	reader = event_reader_new();
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	event_reader_free(reader);
	return 0;
}

static bool read_into(const char *type_name, const char *text, size_t len, void *record,
		      struct event_read_error *error)
{
	const struct event_type *type = event_type_find(type_name, strlen(type_name));
	struct json_line line;

	event_blank(type, record);
	assert_true(json_line_open(&line, text, len));
	return event_read(reader, type, WALL_OFFSET_NS, &line, record, error);
}

/* A copy of the very length, so that the sanitizers see a byte read too many. */
static bool read_text(const char *type, const char *text, void *record, const char **ret_message,
		      size_t *ret_at)
{
	static struct event_read_error error;
	size_t len = strlen(text);
	AUTO_FREE char *copy = xcalloc(1, len);
	bool ok;

	memcpy(copy, text, len);
	ok = read_into(type, copy, len, record, &error);
	if (!ok) {
		*ret_message = error.message;
		*ret_at = (size_t)(error.at - copy);
	}
	return ok;
}

static void assert_reads(const char *type, const char *text, void *record)
{
	const char *message = "";
	size_t at;

	if (!read_text(type, text, record, &message, &at))
		fail_msg("%s: %s", text, message);
}

static void assert_refused(const char *type, const char *text, size_t at, const char *message)
{
	_Alignas(8) char record[512];
	const char *got = NULL;
	size_t got_at = 0;

	assert_false(read_text(type, text, record, &got, &got_at));
	assert_string_equal(got, message);
	assert_int_equal(got_at, at);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void every_record_comes_back_as_it_was(void **unused)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	(void)unused;
	for (unsigned i = 0; i < n * ROUNDS; i++) {
		const struct event_type *type = &types[i % n];
		AUTO_FREE char *record = xcalloc(1, type->record_size);
		AUTO_FREE char *back = xcalloc(1, type->record_size);
		CLEANUP(buf_fini) struct buf text = { 0 };
		struct event_read_error error;

		fill_record(type, record);
		write_whole(type, record, &text);
		if (!read_into(type->name, text.data, text.len, back, &error))
			fail_msg("%s: %s", buf_str(&text), error.message);
		if (memcmp(record, back, type->record_size) != 0)
			fail_msg("%s came back as another record: %s", type->name, buf_str(&text));
	}
}

/* What `kernelsight events` prints has no hidden members: what is shown comes back. */
static void what_is_shown_comes_back_from_what_is_shown(void **unused)
{
	struct ev_syscall call = {
		.ts_ns = 7000000123,
		.pid = 812,
		.tid = 813,
		.syscall = SYS_read,
		.latency_ns = 31207123,
		.comm = "postgres",
		.ret = -4,
		.file_mode = S_IFIFO,
		.file_system_type = "pipefs",
		.start_time_ns = 1500000000,
	};
	struct ev_tcp_retransmit segment = {
		.ts_ns = 1,
		.saddr = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
		.daddr = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
		.tcp_state = 8,
		.owner_kind = TCP_OWNER_EXACT,
	};
	struct ev_sched sample = { .ts_ns = 5,
				   .voluntary_switches = 3,
				   .involuntary_switches = 4,
				   .cpu_time_ns = 70000500,
				   .interval_ns = 1000000000 };
	const struct {
		const char *type;
		const void *record;
		size_t size;
	} cases[] = {
		{ "syscall", &call, sizeof(call) },
		{ "tcp_retransmit", &segment, sizeof(segment) },
		{ "sched", &sample, sizeof(sample) },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		struct json j = { .out = &text };
		struct event ev = { .type = event_type_find(cases[i].type, strlen(cases[i].type)),
				    .record = cases[i].record,
				    .wall_offset_ns = WALL_OFFSET_NS };
		_Alignas(8) char back[512];

		event_write_json(&ev, &j);
		assert_reads(cases[i].type, buf_str(&text), back);
		assert_memory_equal(back, cases[i].record, cases[i].size);
	}
}

/* The same of what is random: not the same record, for some of what it holds is not shown; but one that
 * shows the same. */
static void what_is_shown_of_any_event_comes_back(void **unused)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	(void)unused;
	for (unsigned i = 0; i < n * 53; i++) {
		const struct event_type *type = &types[i % n];
		AUTO_FREE char *record = xcalloc(1, type->record_size);
		AUTO_FREE char *back = xcalloc(1, type->record_size);
		CLEANUP(buf_fini) struct buf text = { 0 };
		CLEANUP(buf_fini) struct buf again = { 0 };
		struct json j = { .out = &text }, k = { .out = &again };
		struct event ev = { .type = type,
				    .record = record,
				    .wall_offset_ns = WALL_OFFSET_NS };
		struct event_read_error error;

		fill_modestly(type, record);
		event_write_json(&ev, &j);
		if (!read_into(type->name, text.data, text.len, back, &error))
			fail_msg("%s: %s", buf_str(&text), error.message);
		ev.record = back;
		event_write_json(&ev, &k);
		assert_string_equal(buf_str(&again), buf_str(&text));
	}
}

static void derived_fields_set_what_they_come_from(void **unused)
{
	struct ev_syscall call;
	struct ev_sched sample;
	struct ev_tcp_retransmit segment;
	struct ev_io_request request;
	struct ev_page_fault faults;

	(void)unused;
	assert_reads("syscall", "{\"syscall_name\":\"fsync\",\"file_type\":\"regular\"}", &call);
	assert_int_equal(call.syscall, SYS_fsync);
	assert_int_equal(call.file_mode, S_IFREG);
	assert_reads("syscall", "{\"syscall_name\":\"syscall_4294967295\",\"abi\":\"i386\"}",
		     &call);
	assert_true(call.syscall == 4294967295 && call.compat == 1);
	assert_reads("syscall", "{\"syscall_name\":\"fsync\",\"file_system\":\"ext4\"}", &call);
	assert_string_equal(call.file_system_type, "ext4");
	assert_reads("syscall", "{\"time_str\":\"2026-11-22T10:04:31.207000001Z\"}", &call);
	assert_true(call.ts_ns == 1795341871207000001 - WALL_OFFSET_NS);
	/* the members themselves are believed rather than what is computed from them */
	assert_reads("syscall", "{\"syscall_name\":\"fsync\",\"syscall\":1}", &call);
	assert_int_equal(call.syscall, SYS_write);

	assert_reads("sched", "{\"context_switches\":700}", &sample);
	assert_true(sample.voluntary_switches == 700 && sample.involuntary_switches == 0);
	assert_reads("sched", "{\"context_switches\":700,\"involuntary_switches\":600}", &sample);
	assert_true(sample.voluntary_switches == 100 && sample.involuntary_switches == 600);
	assert_reads("sched", "{\"voluntary_switches\":1,\"context_switches\":700}", &sample);
	assert_true(sample.voluntary_switches == 1 && sample.involuntary_switches == 699);
	assert_reads("sched", "{\"avg_timeslice_us\":40.5,\"context_switches\":1000}", &sample);
	assert_true(sample.cpu_time_ns == 40500000);
	assert_reads("sched", "{\"time_bucket\":1795341871,\"interval_ms\":1000}", &sample);
	assert_true(sample.ts_ns == 1795341872000000000 - WALL_OFFSET_NS);

	assert_reads("io_request", "{\"error\":\"medium\",\"issuer\":\"writeback\"}", &request);
	assert_true(request.status == 7 && request.issuer_kind == IO_ISSUER_WRITEBACK);
	assert_reads("io_request", "{\"error\":\"errno 6\"}", &request);
	assert_int_equal(request.status, -6);
	assert_reads("page_fault", "{\"fault_avg_us\":2.5,\"fault_ms\":1}", &faults);
	assert_true(faults.fault_ns == 1000000 && faults.timed_faults == 400);

	assert_reads("tcp_retransmit", "{\"state\":\"LISTEN\",\"owner\":\"listener\"}", &segment);
	assert_true(segment.tcp_state == 10 && segment.owner_kind == TCP_OWNER_LISTENER);
}

static void assert_text(const struct event *ev, const struct field *f, const char *const *texts)
{
	struct value v;
	char text[64];

	event_get(ev, f, &v);
	(void)snprintf(text, sizeof(text), "%.*s", (int)v.len, v.text);
	while (*texts && fnmatch(*texts, text, 0) != 0)
		texts++;
	if (!*texts)
		fail_msg("%s of %s is \"%s\"", f->name, ev->type->name, text);
}

/* Of any record the field is one of its texts, and each of these is read and shown again. */
static void assert_one_of(const struct event_type *type, const struct field *f,
			  const char *const *texts)
{
	AUTO_FREE char *record = xcalloc(1, type->record_size);
	char json[128];
	struct event ev = { .type = type, .record = record };

	for (unsigned i = 0; f->derive && i < ROUNDS; i++) {
		fill_record(type, record);
		assert_text(&ev, f, texts);
	}
	for (; *texts; texts++) {
		if (strchr(*texts, '*'))
			continue;
		(void)snprintf(json, sizeof(json), "{%s\"%s\":\"%s\"}",
			       strcmp(f->name, "file_type") == 0 ? "\"syscall_name\":\"fsync\","
								 : "",
			       f->name, *texts);
		assert_reads(type->name, json, record);
		assert_text(&ev, f, (const char *const[]){ *texts, NULL });
	}
}

static void of_a_field_with_few_texts_there_are_no_others(void **unused)
{
	unsigned n, n_fields = 0;
	const struct event_type *types = event_types(&n);

	(void)unused;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < types[i].n_fields; k++) {
			const struct field *f = &types[i].fields[k];
			const char *const *texts = event_field_texts(&types[i], f);

			if (!texts)
				continue;
			n_fields++;
			assert_one_of(&types[i], f, texts);
		}
	}
	assert_true(n_fields > 10);
}

static void numbers_are_read_in_every_form_of_json(void **unused)
{
	struct ev_syscall call;

	(void)unused;
	assert_reads("syscall", " { \"pid\" : 8e2 , \"latency_ms\" : 0.0000005 } ", &call);
	assert_int_equal(call.pid, 800);
	assert_int_equal(call.latency_ns, 1); /* rounded */
	assert_reads("syscall", "{\"latency_ms\":1.5e3,\"ret\":-9223372036854775808}", &call);
	assert_true(call.latency_ns == 1500000000 && call.ret == INT64_MIN);
	assert_reads("syscall", "{\"latency_ms\":18446744073709.551614}", &call);
	assert_true(call.latency_ns == UINT64_MAX - 1);
	assert_reads("syscall", "{\"latency_ms\":null}", &call);
	assert_true(call.latency_ns == NOT_MEASURED);
	assert_reads("syscall", "{\"pid\":5}", &call);
	assert_true(call.latency_ns == NOT_MEASURED && call.start_time_ns == NOT_MEASURED);
	assert_reads("syscall", "{\"comm\":\"a\\u00e9\\n\\udcff\"}", &call);
	assert_string_equal(call.comm, "a\xc3\xa9\n\xff");
}

static void what_is_wrong_is_said_with_its_place(void **unused)
{
	static const struct {
		const char *type, *text;
		size_t at;
		const char *message;
	} cases[] = {
		{ "syscall", "{\"latency\":3}", 1,
		  "source syscall has no field \"latency\"; did you mean \"latency_ms\"?" },
		{ "syscall", "{\"xyzzy\":3}", 1, "source syscall has no field \"xyzzy\"" },
		{ "syscall", "{\"pid\":1,\"pid\":1}", 9, "field \"pid\" is there twice" },
		{ "syscall", "{\"pid\":\"1\"}", 7,
		  "field \"pid\": found a string; expected a whole number from 0 to 4294967295" },
		{ "syscall", "{\"pid\":4294967296}", 7,
		  "field \"pid\": found the number 4294967296; expected a whole number from 0 to "
		  "4294967295" },
		{ "syscall", "{\"pid\":1.5}", 7,
		  "field \"pid\": found the number 1.5; expected a whole number from 0 to 4294967295" },
		{ "syscall", "{\"pid\":-1}", 7,
		  "field \"pid\": found the number -1; expected a whole number from 0 to 4294967295" },
		{ "syscall", "{\"pid\":null}", 7,
		  "field \"pid\": found null; expected a whole number from 0 to 4294967295" },
		{ "syscall", "{\"latency_ms\":-1}", 14,
		  "field \"latency_ms\": found the number -1; expected a number that is not negative" },
		{ "syscall", "{\"latency_ms\":18446744073709.551616}", 14,
		  "field \"latency_ms\": found the number 18446744073709.551616; expected a number that "
		  "is not negative" },
		{ "syscall", "{\"ret\":9223372036854775808}", 7,
		  "field \"ret\": found the number 9223372036854775808; expected a whole number from "
		  "-9223372036854775808 to 9223372036854775807" },
		{ "syscall", "{\"comm\":7}", 8,
		  "field \"comm\": found the number 7; expected a string" },
		{ "syscall", "{\"comm\":[7]}", 8,
		  "field \"comm\": found a list or an object; expected a string" },
		{ "syscall", "{\"comm\":\"12345678901234567\"}", 8,
		  "field \"comm\": longer than 16 bytes" },
		{ "syscall", "{\"comm\":\"a\\u0000b\"}", 8,
		  "field \"comm\": a text cannot hold \\u0000" },
		{ "syscall", "{\"syscall_name\":\"fsnyc\"}", 16,
		  "field \"syscall_name\": no event of source syscall has that value; did you "
		  "mean \"fsync\"?" },
		{ "syscall", "{\"syscall_name\":\"nanosleep\",\"file_type\":\"regular\"}", 40,
		  "field \"file_type\": the other fields say otherwise" },
		{ "sched", "{\"context_switches\":5,\"voluntary_switches\":6}", 20,
		  "field \"context_switches\": no event of source sched has that value" },
		{ "tcp_retransmit", "{\"daddr\":\"10.0.0\"}", 9,
		  "field \"daddr\": found a string; expected an IPv4 or IPv6 address" },
		{ "syscall", "{\"pid\":1", 8, "this is not JSON" },
		{ "syscall", "{\"pid\":1}x", 9, "this is not JSON" },
		{ "syscall", "{\"pid\":01}", 8, "this is not JSON" },
		{ "syscall", "{\"pid\":}", 7, "this is not JSON" },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].type, cases[i].text, cases[i].at, cases[i].message);
}

/* It is read all the same; who cares about it asks. */
static void a_text_that_no_event_has_is_noted(void **unused)
{
	static const struct {
		const char *text, *message; /* NULL: it is fine */
		size_t at;
	} cases[] = {
		{ "{\"op\":\"read\"}", NULL, 0 },
		{ "{\"op\":\"\"}", NULL, 0 },
		{ "{\"device\":\"raed\"}", NULL, 0 },
		{ "{\"op\":\"raed\",\"ops\":3}",
		  "field \"op\": no event of source io has that value; did you mean \"read\"?", 6 },
		{ "{\"ops\":3,\"op\":\"rea\\u0064s\"}",
		  "field \"op\": no event of source io has that value; did you mean \"read\"?",
		  14 },
		{ "{\"op\":\"sixteen bytes xy\"}",
		  "field \"op\": no event of source io has that value; allowed are read, write, flush, "
		  "discard, other",
		  6 },
	};
	const struct event_type *type = event_type_find("io", 2);
	struct event_read_error error;
	struct json_line line;
	struct ev_io record;

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		event_blank(type, &record);
		assert_true(json_line_open(&line, cases[i].text, strlen(cases[i].text)));
		assert_true(event_read(reader, type, 0, &line, &record, &error));
		assert_int_equal(event_reader_odd_text(reader, &record, &error),
				 cases[i].message != NULL);
		if (!cases[i].message)
			continue;
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(error.at - cases[i].text, cases[i].at);
	}
}

static const struct process *process_of(const struct ev_syscall *call)
{
	struct process_lookup *lookup = known_processes_lookup(event_reader_processes(reader));
	struct event ev = { .type = event_type_find("syscall", 7), .record = call };

	return lookup->find(lookup, &ev);
}

static void texts_about_the_process_are_kept_with_it(void **unused)
{
	struct ev_syscall first, second;

	(void)unused;
	assert_reads("syscall",
		     "{\"pid\":7,\"start_time_s\":1.5,\"exe\":\"/bin/a\",\"cmdline\":\"a -b\"}",
		     &first);
	assert_true(event_reader_news(reader));
	assert_null(process_of(&first));
	event_reader_processes_put(reader);
	assert_string_equal(process_of(&first)->exe, "/bin/a");
	assert_string_equal(process_of(&first)->cmdline, "a -b");
	assert_string_equal(process_of(&first)->unit, "");
	/* the same again is no news, and what was put once is not put again */
	assert_reads("syscall",
		     "{\"pid\":7,\"start_time_s\":1.5,\"exe\":\"/bin/a\",\"cmdline\":\"a -b\"}",
		     &first);
	assert_false(event_reader_news(reader));
	/* another process with the same id */
	assert_reads("syscall", "{\"exe\":\"/bin/b\",\"pid\":7,\"start_time_s\":2}", &second);
	assert_true(event_reader_news(reader));
	event_reader_processes_put(reader);
	assert_string_equal(process_of(&second)->exe, "/bin/b");
	assert_string_equal(process_of(&second)->cmdline, "");
	assert_string_equal(process_of(&first)->exe, "/bin/a");
	/* an event without such texts leaves all as it is */
	assert_reads("syscall", "{\"pid\":7,\"start_time_s\":2}", &second);
	assert_false(event_reader_news(reader));
	assert_string_equal(process_of(&second)->exe, "/bin/b");
}

static void of_too_many_processes_the_first_is_forgotten(void **unused)
{
	struct known_processes *t = known_processes_new();
	struct process p = { "/bin/x", "", "", "", "", "", "" };
	struct process_id id = { 0 };

	(void)unused;
	for (id.pid = 1; id.pid <= KNOWN_PROCESSES_MAX + 1; id.pid++)
		known_processes_put(t, &id, &p);
	id.pid = 1;
	assert_false(known_processes_has(t, &id, &p));
	id.pid = 2;
	assert_true(known_processes_has(t, &id, &p));
	id.pid = KNOWN_PROCESSES_MAX + 1;
	assert_true(known_processes_has(t, &id, &p));
	known_processes_free(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_record_comes_back_as_it_was),
		TEST(what_is_shown_comes_back_from_what_is_shown),
		TEST(what_is_shown_of_any_event_comes_back),
		TEST(derived_fields_set_what_they_come_from),
		TEST(of_a_field_with_few_texts_there_are_no_others),
		TEST(numbers_are_read_in_every_form_of_json),
		TEST(what_is_wrong_is_said_with_its_place),
		TEST(a_text_that_no_event_has_is_noted),
		TEST(texts_about_the_process_are_kept_with_it),
		TEST(of_too_many_processes_the_first_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
