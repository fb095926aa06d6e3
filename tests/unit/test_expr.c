/* SPDX-License-Identifier: BSD-2-Clause */
/* Which events satisfy a condition. */
#include "expr_check.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
