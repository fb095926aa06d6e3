/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/expr.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ev_syscall call = {
	.ts_ns = 5000000000,
	.pid = 812,
	.tid = 813,
	.syscall = 74,
	.latency_ns = 31200000,
	.comm = "postgres",
	.ret = -4,
	.uid = 106,
};

static const struct ev_tcp_retransmit segment = {
	.comm = "nginx [w] \xff",
	.saddr = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3 },
	.daddr = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
	.sport = 443,
};

static struct event event_of(const char *type, const void *record)
{
	return (struct event){ .type = event_type_find(type, strlen(type)), .record = record };
}

static struct expr *parsed(const char *text, const char *source)
{
	struct expr_error error;
	struct expr *e = expr_parse(text, event_type_find(source, strlen(source)), &error);

	if (!e)
		fail_msg("\"%s\" at %zu: %s", text, error.offset, error.message);
	return e;
}

static bool matches(const char *text, const char *source, const void *record)
{
	struct event ev = event_of(source, record);
	struct expr *e = parsed(text, source);
	bool match = expr_match(e, &ev);

	expr_free(e);
	return match;
}

static void assert_call(const char *text, bool want)
{
	if (matches(text, "syscall", &call) != want)
		fail_msg("%s: is not %d", text, want);
}

static void assert_segment(const char *text, bool want)
{
	if (matches(text, "tcp_retransmit", &segment) != want)
		fail_msg("%s: is not %d", text, want);
}

static void numbers_compare(void **state)
{
	(void)state;
	assert_call("pid == 812", true);
	assert_call("pid != 812", false);
	assert_call("pid < 812", false);
	assert_call("pid <= 812", true);
	assert_call("pid > 811", true);
	assert_call("pid >= 813", false);
	assert_call("ret == -4", true);
	assert_call("ret < 0", true);
	assert_call("ret > -5", true);
	assert_call("pid in (9, 812, 1)", true);
	assert_call("pid in (9, 811, 813)", false);
	assert_call("pid not in (9, 811)", true);
}

static void quantities_are_converted_to_the_unit_of_the_field(void **state)
{
	(void)state;
	assert_call("latency_ms > 31ms", true);
	assert_call("latency_ms > 31.3 ms", false);
	assert_call("latency_ms > 31100us", true);
	assert_call("latency_ms < 0.1s", true);
	assert_call("latency_ms > 31", true);
	assert_call("latency_ms == 31200000ns", true);
	assert_call("latency_ms in (1s, 31.2ms)", true);
	assert_call("timestamp == 5s", true);
	assert_call("timestamp > 6s", false);
}

static void texts_compare_byte_by_byte(void **state)
{
	(void)state;
	assert_call("comm == 'postgres'", true);
	assert_call("comm == \"postgres\"", true);
	assert_call("comm == 'postgre'", false);
	assert_call("comm == 'postgresq'", false);
	assert_call("comm == 'Postgres'", false);
	assert_call("comm == ''", false);
	assert_call("comm != 'sshd'", true);
	assert_call("comm in ('zsh', 'postgres', 'ash', '')", true);
	assert_call("comm not in ('zsh', 'post', 'postgresql')", true);
	assert_call("syscall_name == 'fsync'", true);
	assert_segment("comm == 'nginx [w] \xff'", true);
}

static void escapes_stand_for_quotes_and_backslashes(void **state)
{
	struct ev_syscall quoted = { .comm = "a'b\"c\\d" };

	(void)state;
	assert_true(matches("comm == 'a\\'b\"c\\\\d'", "syscall", &quoted));
	assert_true(matches("comm == \"a'b\\\"c\\\\d\"", "syscall", &quoted));
}

static void globs_match_texts(void **state)
{
	(void)state;
	assert_call("comm like 'post*'", true);
	assert_call("comm like 'post'", false);
	assert_call("comm like '*g?es'", true);
	assert_call("comm like '[p-r]*'", true);
	assert_call("comm not like '*sql*'", true);
	assert_call("comm like '*'", true);
	assert_segment("comm like 'nginx *'", true);
	assert_segment("comm like '* \\\\[w\\\\] *'", true);
}

static void addresses_compare_with_networks(void **state)
{
	(void)state;
	assert_segment("saddr == '10.1.2.3'", true);
	assert_segment("saddr == '10.1.2.4'", false);
	assert_segment("saddr == '10.0.0.0/8'", true);
	assert_segment("saddr == '10.1.2.2/31'", true);
	assert_segment("saddr == '10.1.2.0/31'", false);
	assert_segment("saddr == '11.0.0.0/7'", true);
	assert_segment("saddr == '11.0.0.0/8'", false);
	assert_segment("saddr == '0.0.0.0/0'", true);
	assert_segment("daddr == '0.0.0.0/0'", false);
	assert_segment("daddr == '::/0'", true);
	assert_segment("daddr == 'fe80::1'", true);
	assert_segment("daddr in ('10.0.0.0/8', 'fe80::/10')", true);
	assert_segment("daddr not in ('10.0.0.0/8', 'fec0::/10')", true);
	assert_segment("saddr != '10.0.0.0/8'", false);
}

static void and_binds_tighter_than_or_and_not_tightest(void **state)
{
	(void)state;
	assert_call("pid == 812 or pid == 1 and tid == 1", true);
	assert_call("(pid == 812 or pid == 1) and tid == 1", false);
	assert_call("not pid == 1 and tid == 1", false);
	assert_call("not (pid == 1 and tid == 1)", true);
	assert_call("not not pid == 812", true);
	assert_call(" ( ( pid==812 ) )\n", true);
}

static void long_lists_and_rows_are_fine(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	(void)state;
	buf_adds(&text, "pid in (");
	for (int i = 2000; i > 0; i--)
		buf_addf(&text, "%d, ", i * 2);
	buf_adds(&text, "7) and pid not in (1");
	for (int i = 0; i < 2000; i++)
		buf_addf(&text, ", %d", i * 2 + 1);
	buf_adds(&text, ")");
	assert_call(buf_str(&text), true);

	buf_reset(&text);
	buf_adds(&text, "pid == 1");
	for (int i = 0; i < 4000; i++)
		buf_addf(&text, " or pid == %d", i);
	assert_call(buf_str(&text), true);
}

static void assert_wrong(const char *source, const char *text, size_t offset, const char *message)
{
	struct expr_error error = { .message = NULL };
	struct expr *e = expr_parse(text, event_type_find(source, strlen(source)), &error);

	assert_null(e);
	if (error.offset != offset || strcmp(error.message, message) != 0)
		fail_msg("\"%s\" at %zu: %s", text, error.offset, error.message);
	free(error.message);
}

static void mistakes_say_what_was_found_and_what_is_allowed(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *message;
	} cases[] = {
		{ "latency > 5ms", 0,
		  "no field \"latency\" in source syscall; did you mean \"latency_ms\"?" },
		{ "pid == 1 and com == 'x'", 13,
		  "no field \"com\" in source syscall; did you mean \"comm\"?" },
		{ "", 0, "found the end; expected a field, \"not\" or \"(\"" },
		{ "pid == 1 and ", 13, "found the end; expected a field, \"not\" or \"(\"" },
		{ "5 == pid", 0, "found \"5\"; expected a field, \"not\" or \"(\"" },
		{ "(pid == 1", 9, "found the end; expected \"and\", \"or\" or \")\"" },
		{ "pid == 1)", 8, "found \")\"; expected \"and\", \"or\" or the end" },
		{ "pid == 1 tid == 2", 9, "found \"tid\"; expected \"and\", \"or\" or the end" },
		{ "pid == 1 AND tid == 2", 9,
		  "found \"AND\"; expected \"and\", \"or\" or the end" },
		{ "pid", 3,
		  "found the end after pid, which is a number; "
		  "allowed are == != < <= > >= in, not in" },
		{ "comm < 'x'", 5,
		  "found \"<\" after comm, which is a text; "
		  "allowed are == != in, not in, like, not like, matches, not matches" },
		{ "pid like '8*'", 4,
		  "found \"like\" after pid, which is a number; "
		  "allowed are == != < <= > >= in, not in" },
		{ "pid not == 5", 8, "found \"==\"; expected \"in\"" },
		{ "comm not 'x'", 9, "found 'x'; expected \"in\", \"like\" or \"matches\"" },
		{ "comm == 5", 8, "found \"5\"; comm compares with a text in quotes" },
		{ "comm == postgres", 8,
		  "found \"postgres\"; comm compares with a text in quotes, such as 'postgres'" },
		{ "pid == '5'", 7,
		  "found '5'; pid compares with a number without quotes, such as 5" },
		{ "latency_ms > '10ms'", 13,
		  "found '10ms'; latency_ms compares with a number without quotes, such as 10ms" },
		{ "latency_ms > 4MiB", 13,
		  "\"4MiB\" does not fit latency_ms, which is in ms; write as in 10ms" },
		{ "pid > 10ms", 6,
		  "\"10ms\" does not fit pid, which has no unit; write a plain number" },
		{ "pid in 5", 7, "found \"5\"; expected a list in parentheses or the name of one" },
		{ "pid in ()", 8,
		  "found \")\"; pid compares with a number without quotes, such as 5" },
		{ "pid in (1 2)", 10, "found \"2\"; expected \",\" or \")\"" },
		{ "pid in (1, 2ms)", 11,
		  "\"2ms\" does not fit pid, which has no unit; write a plain number" },
		{ "comm == 'x", 8, "\"'x\" has no closing quote" },
		{ "comm == 'x\\'", 8, "\"'x\\'\" has no closing quote" },
		{ "comm == 'a\\nb'", 10, "unknown escape; allowed are \\\\ \\' and \\\"" },
		{ "pid = 5", 4, "\"=\" means nothing here; write ==" },
		{ "pid == 1 && tid == 2", 9, "\"&&\" means nothing here; write and" },
		{ "pid == 1 & tid == 2", 9,
		  "\"&\" means nothing here; "
		  "allowed are == != < <= > >= in like matches and or not ( ) ," },
		{ "pid > 10furlongs", 6,
		  "\"10furlongs\" is no quantity; allowed are numbers such as 250 or 1.5, with or "
		  "without one of ns us ms s m h d B kB MB GB KiB MiB GiB % /s; "
		  "all else goes in quotes" },
		{ "pid > 10 furlongs", 9,
		  "found \"furlongs\"; expected \"and\", \"or\" or the end" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_wrong("syscall", cases[i].text, cases[i].offset, cases[i].message);
	assert_wrong("tcp_retransmit", "daddr == '10.0.0'", 9,
		     "'10.0.0' is no address; write as in '10.0.0.1', '10.0.0.0/8' or 'fe80::/10'");
	assert_wrong(
		"sched", "context_switches > 5ms", 19,
		"\"5ms\" does not fit context_switches, which is a count; write a plain number");
}

static void networks_are_checked(void **state)
{
	static const char *const wrong[] = { "",
					     "/8",
					     "10.0.0.0/",
					     "10.0.0.0/33",
					     "10.0.0.0/-1",
					     "10.0.0.0/8x",
					     "10.0.0.0/8/8",
					     "fe80::/129",
					     "10.0.0.0/0008",
					     "a.b.c.d",
					     "10.0.0.0/ 8",
					     "fe80::/4294967295" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		AUTO_FREE char *text = xasprintf("daddr == '%s'", wrong[i]);
		struct expr_error error;

		assert_null(expr_parse(text, event_type_find("tcp_retransmit", 14), &error));
		assert_int_equal(error.offset, 9);
		assert_non_null(strstr(error.message, "is no address"));
		free(error.message);
	}
	assert_wrong("tcp_retransmit", "daddr < '10.0.0.1'", 6,
		     "found \"<\" after daddr, which is an address; allowed are == != in, not in");
	assert_wrong("tcp_retransmit", "daddr == 10", 9,
		     "found \"10\"; daddr compares with an address or a network in quotes, such as "
		     "'10.0.0.0/8'");
}

static void a_foreign_name_gets_the_list_of_fields(void **state)
{
	struct expr_error error;

	(void)state;
	assert_null(expr_parse("bytes > 5", event_type_find("syscall", 7), &error));
	assert_non_null(
		strstr(error.message, "in source syscall; it has timestamp, time_str, pid"));
	free(error.message);
}

static void depth_and_size_are_bounded(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	(void)state;
	for (int i = 0; i < 63; i++)
		buf_adds(&text, "(");
	buf_adds(&text, "pid == 812");
	for (int i = 0; i < 63; i++)
		buf_adds(&text, ")");
	assert_call(buf_str(&text), true);

	buf_reset(&text);
	for (int i = 0; i < 100000; i++)
		buf_adds(&text, i % 2 ? "(" : "not ");
	assert_wrong("syscall", buf_str(&text), 32 * 5, "nested deeper than 64; that is the limit");

	buf_reset(&text);
	buf_adds(&text, "pid == 1");
	for (int i = 0; i < 100000; i++)
		buf_adds(&text, " and pid == 1");
	assert_wrong("syscall", buf_str(&text), 8 + 4095 * 13 - 1,
		     "more than 4096 comparisons, and, or, not; that is the limit");
}

static void field_indices_fit_the_mask_of_known_fields(void **state)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	(void)state;
	for (unsigned i = 0; i < n; i++)
		assert_in_range(types[i].n_fields, 1, 64);
}

static void assert_bound(const char *text, const char *field, double want)
{
	const struct event_type *type = event_type_find("syscall", 7);
	struct expr *e = parsed(text, "syscall");
	double bound = expr_lower_bound(e, event_field_find(type, field, strlen(field)));

	if (bound != want)
		fail_msg("%s: %g", text, bound);
	expr_free(e);
}

static void globs_are_bounded(void **state)
{
	AUTO_FREE char *text = xasprintf("comm like '%0255d'", 0);

	(void)state;
	assert_wrong("syscall", text, 10, "glob of over 256 bytes; that is the limit");
}

static void lower_bounds_follow_from_the_condition(void **state)
{
	(void)state;
	assert_bound("latency_ms > 10ms", "latency_ms", 10);
	assert_bound("latency_ms >= 1s", "latency_ms", 1000);
	assert_bound("latency_ms == 7", "latency_ms", 7);
	assert_bound("latency_ms in (30, 20, 25)", "latency_ms", 20);
	assert_bound("latency_ms < 10", "latency_ms", -INFINITY);
	assert_bound("latency_ms != 10", "latency_ms", -INFINITY);
	assert_bound("pid > 10", "latency_ms", -INFINITY);
	assert_bound("comm == 'x'", "latency_ms", -INFINITY);
	assert_bound("comm == 'x'", "comm", -INFINITY);
	assert_bound("latency_ms > 10 and latency_ms > 20 and pid > 3", "latency_ms", 20);
	assert_bound("latency_ms > 20 or latency_ms > 10", "latency_ms", 10);
	assert_bound("latency_ms > 20 or pid == 3", "latency_ms", -INFINITY);
	assert_bound("latency_ms > 5 and (latency_ms > 20 or pid == 3)", "latency_ms", 5);
	assert_bound("not latency_ms < 5", "latency_ms", 5);
	assert_bound("not (latency_ms <= 5 or pid == 3)", "latency_ms", 5);
	assert_bound("not (latency_ms < 5 and pid == 3)", "latency_ms", -INFINITY);
	assert_bound("not (latency_ms < 5 and latency_ms < 3)", "latency_ms", 3);
	assert_bound("not not latency_ms > 9", "latency_ms", 9);
	assert_bound("not latency_ms > 9", "latency_ms", -INFINITY);
	assert_bound("ret > -5 and pid == 1", "ret", -5);
	assert_bound("latency_ms > 1e305s", "latency_ms", INFINITY);
	assert_bound("latency_ms >= 0", "latency_ms", 0);
}

static void assert_upper_bound(const char *text, double want)
{
	const struct event_type *type = event_type_find("syscall", 7);
	struct expr *e = parsed(text, "syscall");
	double bound = expr_upper_bound(e, event_field_find(type, "latency_ms", 10));

	if (bound != want)
		fail_msg("%s: %g", text, bound);
	expr_free(e);
}

static void upper_bounds_follow_from_the_condition(void **state)
{
	(void)state;
	assert_upper_bound("latency_ms < 10ms", 10);
	assert_upper_bound("latency_ms in (30, 20, 25)", 30);
	assert_upper_bound("latency_ms > 10ms", INFINITY);
	assert_upper_bound("latency_ms < 5 and latency_ms <= 3 and pid == 1", 3);
	assert_upper_bound("latency_ms < 5 or latency_ms <= 7", 7);
	assert_upper_bound("latency_ms < 5 or pid == 1", INFINITY);
	assert_upper_bound("not (latency_ms >= 5 or pid == 3)", 5);
	assert_upper_bound("not latency_ms < 5", INFINITY);
}

static void collect_text(void *ctx, const struct expr_literal *l)
{
	buf_addf(ctx, "%s %s %s at %zu; ", l->f->name, l->negated ? "!=" : "==", l->text, l->at);
}

static void texts_are_told_with_their_place(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	struct expr *e = parsed("comm in ('b', 'a') and not (comm != 'c' or comm == 'd') and "
				"comm like 'e' and pid == 1",
				"syscall");

	(void)state;
	expr_each_text(e, collect_text, &out);
	assert_string_equal(buf_str(&out), "comm == a at 14; comm == b at 9; comm == c at 36; "
					   "comm != d at 51; ");
	expr_free(e);
}

static void literals_are_bounded(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *right = NULL;
	size_t offset;

	(void)state;
	buf_adds(&text, "pid == 1 and tid in (1");
	while (text.len < 22 + 4094 * 3)
		buf_adds(&text, ", 1");
	right = xasprintf("%s)", buf_str(&text));
	expr_free(parsed(right, "syscall"));
	offset = text.len + 2;
	buf_adds(&text, ", 1)");
	assert_wrong("syscall", buf_str(&text), offset,
		     "more than 4096 numbers and texts; that is the limit");
}

/*
 * Random conditions over three fields of three values each. The generator writes the text and, with
 * bitwise operations on a set of all 27 combinations, what it should mean.
 */
#define COMBINATIONS 27
#define EVERYTHING   ((1u << COMBINATIONS) - 1)

static const char *const names[] = { "a", "b", "c" };

static unsigned digit(unsigned combination, unsigned field)
{
	static const unsigned powers[] = { 1, 3, 9 };

	return combination / powers[field] % 3;
}

static struct ev_syscall combination_event(unsigned combination)
{
	struct ev_syscall record = {
		.pid = digit(combination, 0),
		.latency_ns = digit(combination, 1) * NS_PER_MS,
	};

	strcpy(record.comm, names[digit(combination, 2)]);
	return record;
}

static bool holds(unsigned field, unsigned op, unsigned value, unsigned operand)
{
	if (field == 2)
		return (value == operand) == (op % 2 == 0);
	switch (op) {
	case 0:
		return value == operand;
	case 1:
		return value != operand;
	case 2:
		return value < operand;
	case 3:
		return value <= operand;
	case 4:
		return value > operand;
	default:
		return value >= operand;
	}
}

static uint32_t random_comparison(struct buf *text)
{
	static const char *const fields[] = { "pid", "latency_ms", "comm" };
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	unsigned field = (unsigned)rand() % 3, op = (unsigned)rand() % (field == 2 ? 2 : 6);
	unsigned operand = (unsigned)rand() % 3;
	uint32_t set = 0;

	if (field == 2)
		buf_addf(text, "comm %s '%s'", ops[op], names[operand]);
	else
		buf_addf(text, "%s %s %u", fields[field], ops[op], operand);
	for (unsigned i = 0; i < COMBINATIONS; i++)
		if (holds(field, op, digit(i, field), operand))
			set |= 1u << i;
	return set;
}

static uint32_t random_condition(struct buf *text, int depth)
{
	int kind = depth == 0 ? 0 : rand() % 4;
	uint32_t left, right;

	if (kind == 0)
		return random_comparison(text);
	if (kind == 1) {
		buf_adds(text, "not (");
		left = ~random_condition(text, depth - 1) & EVERYTHING;
		buf_adds(text, ")");
		return left;
	}
	buf_adds(text, "(");
	left = random_condition(text, depth - 1);
	buf_adds(text, kind == 2 ? ") and (" : ") or (");
	right = random_condition(text, depth - 1);
	buf_adds(text, ")");
	return kind == 2 ? left & right : left | right;
}

/* All combinations that agree with this one in the known fields. */
static uint32_t completions(unsigned combination, unsigned known)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < COMBINATIONS; i++) {
		bool agrees = true;

		for (unsigned f = 0; f < 3; f++)
			agrees &= !(known >> f & 1) || digit(i, f) == digit(combination, f);
		set |= (uint32_t)agrees << i;
	}
	return set;
}

static uint64_t known_mask(const struct event_type *type, unsigned known)
{
	static const char *const fields[] = { "pid", "latency_ms", "comm" };
	uint64_t mask = 0;

	for (unsigned f = 0; f < 3; f++) {
		const struct field *field = event_field_find(type, fields[f], strlen(fields[f]));

		if (known >> f & 1)
			mask |= 1ull << event_field_index(type, field);
	}
	return mask;
}

static void check_partly(const struct expr *e, const struct event *ev, unsigned combination,
			 uint32_t set)
{
	for (unsigned known = 0; known < 8; known++) {
		uint32_t all = completions(combination, known);
		enum truth t = expr_match_partly(e, known ? ev : NULL, known_mask(ev->type, known));

		assert_false(t == TRUTH_FALSE && (set & all));
		assert_false(t == TRUTH_TRUE && (set & all) != all);
		assert_false(t == TRUTH_MAYBE && known == 7);
	}
}

static void random_conditions_mean_what_they_say(void **state)
{
	const struct field *latency =
		event_field_find(event_type_find("syscall", 7), "latency_ms", 10);

	unsigned n_excluded = 0;

	(void)state;
	srand(7);
	for (int round = 0; round < 1500; round++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		uint32_t set = random_condition(&text, 4);
		struct expr *e = parsed(buf_str(&text), "syscall");
		double least = expr_lower_bound(e, latency), most = expr_upper_bound(e, latency);

		if (set && expr_excluded_field(e, event_type_find("syscall", 7)))
			fail_msg("%s: said to exclude all", buf_str(&text));
		n_excluded += expr_excluded_field(e, event_type_find("syscall", 7)) != NULL;
		for (unsigned i = 0; i < COMBINATIONS; i++) {
			struct ev_syscall record = combination_event(i);
			struct event ev = event_of("syscall", &record);

			if (expr_match(e, &ev) != (set >> i & 1))
				fail_msg("%s: wrong for %u", buf_str(&text), i);
			if ((set >> i & 1) && (digit(i, 1) < least || digit(i, 1) > most))
				fail_msg("%s: bounds %g %g", buf_str(&text), least, most);
			check_partly(e, &ev, i, set);
		}
		expr_free(e);
	}
	assert_true(n_excluded > 10);
}

static void unknown_fields_are_maybe(void **state)
{
	const struct event_type *type = event_type_find("syscall", 7);
	uint64_t pid = 1ull << event_field_index(type, event_field_find(type, "pid", 3));
	struct event ev = event_of("syscall", &call);
	struct expr *e = parsed("pid == 1 and comm == 'x'", "syscall");

	(void)state;
	assert_int_equal(expr_match_partly(e, NULL, 0), TRUTH_MAYBE);
	assert_int_equal(expr_match_partly(e, &ev, pid), TRUTH_FALSE);
	expr_free(e);
	e = parsed("pid == 812 or comm == 'x'", "syscall");
	assert_int_equal(expr_match_partly(e, &ev, pid), TRUTH_TRUE);
	expr_free(e);
	e = parsed("not (pid == 812 and comm == 'x')", "syscall");
	assert_int_equal(expr_match_partly(e, &ev, pid), TRUTH_MAYBE);
	expr_free(e);
	expr_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_compare),
		cmocka_unit_test(quantities_are_converted_to_the_unit_of_the_field),
		cmocka_unit_test(texts_compare_byte_by_byte),
		cmocka_unit_test(escapes_stand_for_quotes_and_backslashes),
		cmocka_unit_test(globs_match_texts),
		cmocka_unit_test(addresses_compare_with_networks),
		cmocka_unit_test(and_binds_tighter_than_or_and_not_tightest),
		cmocka_unit_test(long_lists_and_rows_are_fine),
		cmocka_unit_test(mistakes_say_what_was_found_and_what_is_allowed),
		cmocka_unit_test(networks_are_checked),
		cmocka_unit_test(a_foreign_name_gets_the_list_of_fields),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(field_indices_fit_the_mask_of_known_fields),
		cmocka_unit_test(globs_are_bounded),
		cmocka_unit_test(lower_bounds_follow_from_the_condition),
		cmocka_unit_test(upper_bounds_follow_from_the_condition),
		cmocka_unit_test(texts_are_told_with_their_place),
		cmocka_unit_test(literals_are_bounded),
		cmocka_unit_test(random_conditions_mean_what_they_say),
		cmocka_unit_test(unknown_fields_are_maybe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
