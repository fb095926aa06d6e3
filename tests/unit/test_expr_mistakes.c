/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong with a condition, where, and how large one may be. */
#include "expr_check.h"

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

static void globs_are_bounded(void **state)
{
	AUTO_FREE char *text = xasprintf("comm like '%0255d'", 0);

	(void)state;
	assert_wrong("syscall", text, 10, "glob of over 256 bytes; that is the limit");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_say_what_was_found_and_what_is_allowed),
		cmocka_unit_test(networks_are_checked),
		cmocka_unit_test(a_foreign_name_gets_the_list_of_fields),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(globs_are_bounded),
		cmocka_unit_test(literals_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
