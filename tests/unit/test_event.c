/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "event/syscalls.h"
#include "util/utf8.h"

#define BOOT_NS	       7000000123ull
#define WALL_OFFSET_NS 1795341864206999877ll /* together 2026-11-22T10:04:31.207Z */

#define NO_NAME 100000

static const struct event_type *type_named(const char *name)
{
	return event_type_find(name, strlen(name));
}

static struct event event_of(const char *type, const void *record)
{
	return (struct event){
		.type = type_named(type),
		.record = record,
		.wall_offset_ns = WALL_OFFSET_NS,
	};
}

static struct value get(const struct event *ev, const char *name)
{
	const struct field *f = event_field_find(ev->type, name, strlen(name));
	struct value v;

	assert_non_null(f);
	event_get(ev, f, &v);
	return v;
}

/* As text, in a buffer that lasts until the next call. */
static const char *text_of(const struct event *ev, const char *name)
{
	static char text[64];
	CLEANUP(buf_fini) struct buf out = { 0 };
	const struct field *f = event_field_find(ev->type, name, strlen(name));
	struct value v;

	assert_non_null(f);
	event_get(ev, f, &v);
	value_write_text(&v, &out);
	assert_true(out.len < sizeof(text));
	strcpy(text, buf_str(&out));
	return text;
}

static cJSON *json_of(const struct event *ev)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	struct json j = { .out = &out };
	cJSON *json;

	event_write_json(ev, &j);
	for (size_t i = 0, n; i < out.len; i += n)
		assert_true((n = utf8_length(out.data + i, out.len - i)) > 0);
	json = cJSON_ParseWithOpts(buf_str(&out), NULL, 1);
	assert_non_null(json);
	return json;
}

static struct ev_syscall slow_read(void)
{
	return (struct ev_syscall){
		.ts_ns = BOOT_NS,
		.pid = 812,
		.tid = 4294967295,
		.syscall = SYS_read,
		.latency_ns = 31207123,
		.comm = "postgres",
		.ret = -4,
		.file_mode = S_IFIFO | 0600,
		.file_system_type = "pipefs",
		.start_time_ns = 1500000000,
	};
}

static void a_value_of_each_type_is_read(void **state)
{
	struct ev_syscall call = slow_read();
	struct ev_sched sample = { .voluntary_switches = UINT64_MAX - 1 };
	struct ev_tcp_retransmit segment = { .sport = 65535, .saddr = { [15] = 1 } };
	struct event ev = event_of("syscall", &call);
	struct event sched = event_of("sched", &sample);
	struct event tcp = event_of("tcp_retransmit", &segment);

	(void)state;
	assert_int_equal(get(&ev, "tid").type, FIELD_UINT);
	assert_true(get(&ev, "tid").u == 4294967295 && get(&ev, "tid").number == 4294967295.0);
	assert_int_equal(get(&ev, "ret").type, FIELD_INT);
	assert_true(get(&ev, "ret").i == -4 && get(&ev, "ret").number == -4.0);
	assert_int_equal(get(&ev, "latency_ms").type, FIELD_REAL);
	assert_true(get(&ev, "latency_ms").number == 31.207123);
	assert_int_equal(get(&ev, "comm").type, FIELD_TEXT);
	assert_int_equal(get(&ev, "comm").len, 8);
	assert_true(get(&sched, "voluntary_switches").u == UINT64_MAX - 1);
	assert_true(get(&tcp, "sport").u == 65535);
	assert_int_equal(get(&tcp, "saddr").type, FIELD_ADDR);
	assert_memory_equal(get(&tcp, "saddr").addr, segment.saddr, 16);
}

static void a_text_that_fills_its_field_ends_with_it(void **state)
{
	struct ev_syscall call = slow_read();
	struct event ev = event_of("syscall", &call);

	(void)state;
	memset(call.comm, 'x', sizeof(call.comm));
	memset(call.file_system_type, 'y', sizeof(call.file_system_type));
	assert_int_equal(get(&ev, "comm").len, 16);
	assert_int_equal(get(&ev, "file_system").len, 16);
	assert_string_equal(text_of(&ev, "comm"), "xxxxxxxxxxxxxxxx");
}

static void a_field_is_found_by_its_whole_name_only(void **state)
{
	const struct event_type *type = type_named("syscall");

	(void)state;
	assert_non_null(event_field_find(type, "pid", 3));
	assert_ptr_equal(event_field_find(type, "pid) > 1", 3), event_field_find(type, "pid", 3));
	assert_null(event_field_find(type, "pi", 2));
	assert_null(event_field_find(type, "pidx", 4));
	assert_null(event_field_find(type, "", 0));
	assert_null(event_field_find(type, "latency_ns", 10)); /* the stored member has no name */
	assert_null(event_field_find(type, "file_mode", 9));
	assert_null(type_named("sys"));
	assert_null(type_named("syscalls"));
}

static void names_are_unique_and_indexes_lead_back(void **state)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	(void)state;
	assert_true(n >= 3);
	for (unsigned t = 0; t < n; t++) {
		for (unsigned i = 0; i < types[t].n_fields; i++) {
			const struct field *f = &types[t].fields[i];

			assert_ptr_equal(event_field_find(&types[t], f->name, strlen(f->name)), f);
			assert_int_equal(event_field_index(&types[t], f), i);
			assert_true(f->derive || f->offset + f->size <= types[t].record_size);
		}
	}
}

static void json_has_the_keys_in_order_and_the_numbers_whole(void **state)
{
	static const char *const keys[] = { "timestamp", "time_str",	 "pid",	       "tid",
					    "syscall",	 "syscall_name", "latency_ms", "comm" };
	struct ev_syscall call = slow_read();
	struct event ev = event_of("syscall", &call);
	CLEANUP(buf_fini) struct buf out = { 0 };
	struct json j = { .out = &out };
	cJSON *json = json_of(&ev);
	const cJSON *member = json->child;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++, member = member->next)
		assert_string_equal(member->string, keys[i]);
	cJSON_Delete(json);
	event_write_json(&ev, &j);
	assert_non_null(strstr(buf_str(&out), "{\"timestamp\":1795341871207000000,"
					      "\"time_str\":\"2026-11-22T10:04:31.207Z\","
					      "\"pid\":812,\"tid\":4294967295,"));
	assert_non_null(strstr(buf_str(&out), "\"latency_ms\":31.207123,\"comm\":\"postgres\","
					      "\"ret\":-4,"));
}

static void a_hostile_comm_stays_one_string(void **state)
{
	static const struct {
		char comm[17];
		const char *text;
	} cases[] = {
		{ "x\",\"pid\":1,\"y", "x\",\"pid\":1,\"y" },
		{ "a\nb\r\t\\\"{}", "a\nb\r\t\\\"{}" },
		{ "\x01\x1b[31m\x7f", "\x01\x1b[31m\x7f" },
		{ "\xff\xfe\xc3(\x80\xe2\x82",
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		/* a character cut off by the end of the field */
		{ "fifteen bytes:)\xc3", "fifteen bytes:)\xef\xbf\xbd" },
		/* a surrogate, and an overlong '/' */
		{ "\xed\xa0\x80\xc0\xaf",
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ev_syscall call = slow_read();
		struct event ev = event_of("syscall", &call);
		cJSON *json;

		memcpy(call.comm, cases[i].comm, sizeof(call.comm));
		json = json_of(&ev);
		assert_string_equal(cJSON_GetObjectItem(json, "comm")->valuestring, cases[i].text);
		assert_int_equal(cJSON_GetObjectItem(json, "pid")->valueint, 812);
		assert_int_equal(cJSON_GetArraySize(json), ev.type->n_fields);
		cJSON_Delete(json);
	}
}

static void addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{ "10.77.0.1", "10.77.0.1" },
		{ "::ffff:10.77.0.1", "10.77.0.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "2001:0db8:0:0::00ff", "2001:db8::ff" },
		{ "::10.77.0.1", "::10.77.0.1" }, /* not the same as the mapped one */
		{ "fe80:1:2:3:4:5:6:7", "fe80:1:2:3:4:5:6:7" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ev_tcp_retransmit segment = { 0 };
		struct event ev = event_of("tcp_retransmit", &segment);
		cJSON *json;

		assert_true(addr_parse(cases[i].text, segment.daddr));
		assert_string_equal(text_of(&ev, "daddr"), cases[i].written);
		json = json_of(&ev);
		assert_string_equal(cJSON_GetObjectItem(json, "daddr")->valuestring,
				    cases[i].written);
		cJSON_Delete(json);
	}
}

static void an_ipv4_address_is_stored_mapped(void **state)
{
	static const unsigned char mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 255 };
	unsigned char addr[16];

	(void)state;
	memset(addr, 0xaa, sizeof(addr));
	assert_true(addr_parse("192.0.2.255", addr));
	assert_memory_equal(addr, mapped, 16);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = {
		"",	     "10.77.0", "10.77.0.256", "10.77.0.1.2", "10.0.0.0/8", " 10.0.0.1",
		"localhost", "fd77::g", "1::2::3",     ":::",	      "fe80::1%lo", "[::1]"
	};
	unsigned char addr[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_false(addr_parse(texts[i], addr));
}

/* The number of a call by its name in one table; NO_NAME if it has none. */
static uint32_t number_of(const char *name, bool compat)
{
	for (uint32_t i = 0; i < 1024; i++) {
		const char *found = syscall_name(i, compat);

		if (found && strcmp(found, name) == 0)
			return i;
	}
	return NO_NAME;
}

static void calls_have_the_name_of_their_table(void **state)
{
	(void)state;
	assert_string_equal(syscall_name(SYS_nanosleep, false), "nanosleep");
	assert_string_equal(syscall_name(SYS_getrandom, false), "getrandom");
	assert_null(syscall_name(1023, false));
	assert_null(syscall_name(UINT32_MAX, false));
	assert_null(syscall_name(UINT32_MAX, true));
#if defined(__x86_64__)
	assert_string_equal(syscall_name(162, true), "nanosleep");
	assert_string_equal(syscall_name(0, true), "restart_syscall");
	assert_string_equal(syscall_name(162, false), "sync");
#endif
}

/* One that a search in the table of names misses, as it is not in its place there, shows here. */
static void calls_on_a_descriptor_are_known(void **state)
{
	static const char *const names[] = {
		"_llseek",	"accept",	"accept4",	   "bind",
		"close",	"connect",	"copy_file_range", "dup",
		"dup2",		"dup3",		"epoll_ctl",	   "epoll_pwait",
		"epoll_pwait2", "epoll_wait",	"fadvise64",	   "fallocate",
		"fchdir",	"fchmod",	"fchown",	   "fcntl",
		"fcntl64",	"fdatasync",	"fgetxattr",	   "flistxattr",
		"flock",	"fremovexattr", "fsetxattr",	   "fstat",
		"fstat64",	"fstatfs",	"fsync",	   "ftruncate",
		"ftruncate64",	"getdents",	"getdents64",	   "getpeername",
		"getsockname",	"getsockopt",	"io_uring_enter",  "ioctl",
		"listen",	"lseek",	"pread64",	   "preadv",
		"preadv2",	"pwrite64",	"pwritev",	   "pwritev2",
		"read",		"readahead",	"readv",	   "recvfrom",
		"recvmmsg",	"recvmsg",	"sendfile",	   "sendfile64",
		"sendmmsg",	"sendmsg",	"sendto",	   "setsockopt",
		"shutdown",	"splice",	"sync_file_range", "syncfs",
		"tee",		"vmsplice",	"write",	   "writev",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint32_t native = number_of(names[i], false), compat = number_of(names[i], true);

#if defined(__x86_64__)
		assert_true(native != NO_NAME || compat != NO_NAME);
#endif
		assert_true(native == NO_NAME || syscall_takes_fd(native, false));
		assert_true(compat == NO_NAME || syscall_takes_fd(compat, true));
	}
}

static void other_calls_take_no_descriptor(void **state)
{
	static const char *const names[] = { "nanosleep", "futex",  "mmap",  "openat",
					     "execve",	  "munmap", "wait4", "getrandom" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_false(syscall_takes_fd(number_of(names[i], false), false));
	assert_false(syscall_takes_fd(NO_NAME, false));
	assert_false(syscall_takes_fd(NO_NAME, true));
}

static void a_call_without_a_name_is_named_by_its_number(void **state)
{
	struct ev_syscall call = slow_read();
	struct event ev = event_of("syscall", &call);

	(void)state;
	assert_string_equal(text_of(&ev, "syscall_name"), "read");
	assert_string_equal(text_of(&ev, "abi"), "native");
	call.syscall = 4294967295;
	assert_string_equal(text_of(&ev, "syscall_name"), "syscall_4294967295");
	assert_string_equal(text_of(&ev, "file_type"), "none");
	call.compat = 1;
	assert_string_equal(text_of(&ev, "syscall_name"), "syscall_4294967295");
	assert_string_equal(text_of(&ev, "abi"), "i386");
}

static void the_file_is_shown_only_of_calls_that_take_one(void **state)
{
	static const struct {
		uint32_t mode;
		const char *type;
	} cases[] = {
		{ S_IFREG | 0644, "regular" },
		{ S_IFDIR | 0755, "directory" },
		{ S_IFBLK | 0600, "block" },
		{ S_IFCHR | 0666, "character" },
		{ S_IFIFO | 0600, "pipe" },
		{ S_IFSOCK | 0777, "socket" },
		{ 0600, "other" }, /* of an epoll or an eventfd, as anon_inodefs has them */
		{ 0, "none" },
	};
	struct ev_syscall call = slow_read();
	struct event ev = event_of("syscall", &call);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		call.file_mode = cases[i].mode;
		assert_string_equal(text_of(&ev, "file_type"), cases[i].type);
	}
	assert_string_equal(text_of(&ev, "file_system"), "");
	call.file_mode = S_IFIFO;
	assert_string_equal(text_of(&ev, "file_system"), "pipefs");
	call.syscall = SYS_nanosleep; /* its first argument may look like a descriptor */
	assert_string_equal(text_of(&ev, "file_type"), "none");
	assert_string_equal(text_of(&ev, "file_system"), "");
}

static void the_longest_part_of_a_call_has_a_word(void **state)
{
	static const struct {
		uint64_t on_cpu_ns, runq_ns, blocked_ns;
		const char *mostly;
	} cases[] = {
		{ 3, 2, 1, "working" },
		{ 2, 3, 1, "waiting for a CPU" },
		{ 1, 2, 3, "blocked" },
		{ 2, 2, 2, "working" },
		{ NOT_MEASURED, 2, 1, "waiting for a CPU" }, /* a wait */
		{ NOT_MEASURED, 1, 2, "blocked" },
		{ UINT64_MAX - 1, 1, 1, "working" },
		{ 0, 0, 0, "unknown" },
		{ NOT_MEASURED, NOT_MEASURED, NOT_MEASURED, "unknown" },
	};
	struct ev_syscall call = slow_read();
	struct event ev = event_of("syscall", &call);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		call.on_cpu_ns = cases[i].on_cpu_ns;
		call.runq_ns = cases[i].runq_ns;
		call.blocked_ns = cases[i].blocked_ns;
		assert_string_equal(text_of(&ev, "mostly"), cases[i].mostly);
	}
}

static bool is_one_of(const char *text, const char *const *texts)
{
	while (*texts && strcmp(*texts, text) != 0)
		texts++;
	return *texts;
}

static void the_texts_that_a_field_can_have_are_known(void **state)
{
	const struct event_type *self = type_named("self");
	const struct field *source = event_field_find(self, "source", strlen("source"));
	const char *const *names = event_field_texts(self, source);
	unsigned n, n_names = 0;
	const struct event_type *types = event_types(&n);

	(void)state;
	assert_null(event_field_texts(self, self->interval));
	/* a source is named by the first of its events */
	for (unsigned i = 0; i < n; i++) {
		if (&types[i] == self || (i && strcmp(types[i].object, types[i - 1].object) == 0))
			continue;
		assert_true(is_one_of(types[i].name, names));
		n_names++;
	}
	assert_true(is_one_of("processes", names) && is_one_of("kernelsight", names));
	assert_null(names[n_names + 2]);
}

static void a_sample_has_its_second_and_its_time_slice(void **state)
{
	struct ev_sched sample = {
		.ts_ns = BOOT_NS,
		.interval_ns = 1300000000, /* began 29.907 s after the minute */
		.voluntary_switches = 3,
		.involuntary_switches = 4,
		.cpu_time_ns = 70000500,
	};
	struct event ev = event_of("sched", &sample);

	(void)state;
	assert_true(get(&ev, "time_bucket").u == 1795341869);
	assert_true(get(&ev, "timestamp").u == 1795341871207000000);
	assert_true(get(&ev, "context_switches").u == 7);
	assert_string_equal(text_of(&ev, "avg_timeslice_us"), "10000.071429");
	sample.voluntary_switches = sample.involuntary_switches = 0;
	assert_string_equal(text_of(&ev, "avg_timeslice_us"), "70000.5");
}

static void states_and_owners_are_named(void **state)
{
	static const char *const states[] = { "UNKNOWN",    "ESTAB",	  "SYN-SENT",  "SYN-RECV",
					      "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE",
					      "CLOSE-WAIT", "LAST-ACK",	  "LISTEN",    "CLOSING",
					      "SYN-RECV",   "UNKNOWN" };
	struct ev_tcp_retransmit segment = { 0 };
	struct event ev = event_of("tcp_retransmit", &segment);

	(void)state;
	for (segment.tcp_state = 0; segment.tcp_state < ARRAY_SIZE(states); segment.tcp_state++)
		assert_string_equal(text_of(&ev, "state"), states[segment.tcp_state]);
	assert_string_equal(text_of(&ev, "owner"), "unknown");
	segment.owner_kind = TCP_OWNER_EXACT;
	assert_string_equal(text_of(&ev, "owner"), "exact");
	segment.owner_kind = 4294967295;
	assert_string_equal(text_of(&ev, "owner"), "unknown");
}

static void errors_of_disks_and_issuers_are_named(void **state)
{
	static const struct {
		int32_t status;
		const char *name;
	} cases[] = {
		{ 0, "none" },	     { 2, "timeout" },	    { 10, "io" }, { 11, "status 11" },
		{ 99, "status 99" }, { -110, "errno 110" }, { -5, "io" },
	};
	struct ev_io_request request = { 0 };
	struct event ev = event_of("io_request", &request);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		request.status = cases[i].status;
		assert_string_equal(text_of(&ev, "error"), cases[i].name);
	}
	assert_string_equal(text_of(&ev, "issuer"), "unknown");
	request.issuer_kind = IO_ISSUER_WRITEBACK;
	assert_string_equal(text_of(&ev, "issuer"), "writeback");
	request.issuer_kind = 4;
	assert_string_equal(text_of(&ev, "issuer"), "unknown");
}

static const struct event *asked_of;

static const struct process *find_postgres(struct process_lookup *lookup, const struct event *ev)
{
	static const struct process postgres = {
		.exe = "/usr/lib/postgresql/15/bin/postgres",
		.cmdline = "postgres: walwriter",
		.parent_comm = "postmaster",
		.user = "postgres",
		.cgroup = "/system.slice/postgresql.service",
		.container_id = "",
		.unit = "postgresql.service",
	};
	const struct process_id id = event_process_id(ev);

	(void)lookup;
	asked_of = ev;
	return id.pid == 812 && id.start_time_ns == 4711 ? &postgres : NULL;
}

static void texts_of_a_process_are_looked_up_when_asked_for(void **state)
{
	struct process_lookup lookup = { find_postgres };
	struct ev_syscall call = { .pid = 812, .ppid = 790, .uid = 106, .start_time_ns = 4711 };
	struct event ev = event_of("syscall", &call);

	(void)state;
	ev.processes = &lookup;
	asked_of = NULL;
	assert_string_equal(text_of(&ev, "pid"), "812");
	assert_null(asked_of);
	assert_string_equal(text_of(&ev, "exe"), "/usr/lib/postgresql/15/bin/postgres");
	assert_ptr_equal(asked_of, &ev);
	assert_string_equal(text_of(&ev, "cmdline"), "postgres: walwriter");
	assert_string_equal(text_of(&ev, "parent_comm"), "postmaster");
	assert_string_equal(text_of(&ev, "user"), "postgres");
	assert_string_equal(text_of(&ev, "cgroup"), "/system.slice/postgresql.service");
	assert_string_equal(text_of(&ev, "container_id"), "");
	assert_string_equal(text_of(&ev, "unit"), "postgresql.service");
	assert_int_equal(event_process_id(&ev).ppid, 790);
	assert_int_equal(event_process_id(&ev).uid, 106);
}

static void texts_of_an_unknown_process_are_empty(void **state)
{
	static const char *const names[] = { "exe",    "cmdline",      "parent_comm", "user",
					     "cgroup", "container_id", "unit" };
	struct process_lookup lookup = { find_postgres };
	struct ev_syscall call = { .pid = 812, .start_time_ns = 4712 }; /* the pid was reused */
	struct event ev = event_of("syscall", &call);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ev.processes = &lookup;
		assert_string_equal(text_of(&ev, names[i]), "");
		ev.processes = NULL;
		assert_string_equal(text_of(&ev, names[i]), "");
	}
}

static void a_sample_of_unknown_length_is_of_its_end(void **state)
{
	const struct ev_sched record = { .ts_ns = 5 * NS_PER_S, .interval_ns = NOT_MEASURED };
	const struct event ev = { .type = event_type_find("sched", 5), .record = &record };
	struct value v;

	(void)state;
	assert_int_equal(event_middle_ns(&ev), 5 * NS_PER_S);
	event_get(&ev, event_field_find(ev.type, "time_bucket", 11), &v);
	assert_true(v.missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_of_unknown_length_is_of_its_end),
		cmocka_unit_test(a_value_of_each_type_is_read),
		cmocka_unit_test(a_text_that_fills_its_field_ends_with_it),
		cmocka_unit_test(a_field_is_found_by_its_whole_name_only),
		cmocka_unit_test(names_are_unique_and_indexes_lead_back),
		cmocka_unit_test(json_has_the_keys_in_order_and_the_numbers_whole),
		cmocka_unit_test(a_hostile_comm_stays_one_string),
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(an_ipv4_address_is_stored_mapped),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(calls_have_the_name_of_their_table),
		cmocka_unit_test(calls_on_a_descriptor_are_known),
		cmocka_unit_test(other_calls_take_no_descriptor),
		cmocka_unit_test(a_call_without_a_name_is_named_by_its_number),
		cmocka_unit_test(the_file_is_shown_only_of_calls_that_take_one),
		cmocka_unit_test(the_longest_part_of_a_call_has_a_word),
		cmocka_unit_test(the_texts_that_a_field_can_have_are_known),
		cmocka_unit_test(a_sample_has_its_second_and_its_time_slice),
		cmocka_unit_test(states_and_owners_are_named),
		cmocka_unit_test(errors_of_disks_and_issuers_are_named),
		cmocka_unit_test(texts_of_a_process_are_looked_up_when_asked_for),
		cmocka_unit_test(texts_of_an_unknown_process_are_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
