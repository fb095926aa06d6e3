/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditions with lists, macros and regular expressions, and on values that are missing. */
#include "rule/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rule/expr_choice.h"
#include "util/hash.h"

static struct expr_item noisy[] = { { .text = "sshd" }, { .text = "cron" } };
static struct expr_item web[] = { { .number = 443 }, { .number = 80 } };
static struct expr_item slow[] = { { .text = "31.2ms" }, { .text = "1s" }, { .number = 7 } };
static struct expr_item office[] = { { .text = "10.20.0.0/16" }, { .text = "fe80::1" } };
static struct expr_list lists[] = {
	{ .name = "noisy", .items = noisy, .n = 2 },
	{ .name = "web", .items = web, .n = 2 },
	{ .name = "slow", .items = slow, .n = 3 },
	{ .name = "office", .items = office, .n = 2 },
};
static struct expr_macro macros[] = {
	{ .name = "is_db", .text = "comm like 'post*' and not by_root" },
	{ .name = "by_root", .text = "uid == 0 or pid == 1" },
	{ .name = "ping", .text = "pid == 1 or pong" },
	{ .name = "pong", .text = "not ping" },
	{ .name = "broken", .text = "pid == 1 and pidd == 2" },
	{ .name = "outer", .text = "comm == 'x' or broken" },
};
static struct expr_names names = { lists, ARRAY_SIZE(lists), macros, ARRAY_SIZE(macros) };

static const struct ev_syscall call = {
	.pid = 812, .comm = "postgres", .latency_ns = 31200000, .uid = 106
};
static const struct ev_tcp_retransmit segment = {
	.daddr = { [10] = 0xff, [11] = 0xff, 10, 20, 2, 3 },
	.sport = 443,
};

static struct expr *parsed(const char *text, const char *source)
{
	struct expr_error error;
	struct expr *e =
		expr_parse_named(text, event_type_find(source, strlen(source)), &names, &error);

	if (!e)
		fail_msg("\"%s\" at %zu: %s", text, error.offset, error.message);
	return e;
}

static bool matches(const char *text, const char *source, const void *record)
{
	const struct event ev = { .type = event_type_find(source, strlen(source)),
				  .record = record };
	struct expr *e = parsed(text, source);
	bool match = expr_match(e, &ev);

	expr_free(e);
	return match;
}

static void lists_hold_what_the_field_compares_with(void **state)
{
	(void)state;
	assert_true(matches("comm not in noisy", "syscall", &call));
	assert_false(matches("comm in noisy", "syscall", &call));
	assert_true(matches("comm in noisy", "syscall", &(struct ev_syscall){ .comm = "cron" }));
	assert_true(matches("latency_ms in slow", "syscall", &call));
	assert_false(matches("latency_ms in web", "syscall", &call));
	assert_true(matches("sport in web and daddr in office", "tcp_retransmit", &segment));
	assert_false(matches("dport in web or saddr in office", "tcp_retransmit", &segment));
}

static void a_macro_stands_for_its_text_in_parentheses(void **state)
{
	const struct ev_syscall root = { .comm = "postgres", .uid = 0 };

	(void)state;
	assert_true(matches("is_db", "syscall", &call));
	assert_false(matches("is_db", "syscall", &root));
	assert_true(matches("not is_db", "syscall", &root));
	assert_true(matches("by_root and comm == 'postgres'", "syscall", &root));
	assert_false(matches("not by_root and comm == 'postgres'", "syscall", &root));
	assert_true(macros[0].used && macros[1].used);
	assert_false(macros[0].open);
}

static void mistakes_are_in_the_text_of_the_macro(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		int macro;
		const char *message;
	} cases[] = {
		{ "pid == 2 and broken", 13, 4,
		  "no field \"pidd\" in source syscall; did you mean \"pid\"?" },
		{ "outer", 13, 4, "no field \"pidd\" in source syscall; did you mean \"pid\"?" },
		{ "ping", 4, 3, "macro \"ping\" uses itself" },
		{ "uid == 1 or ping", 4, 3, "macro \"ping\" uses itself" },
		{ "is_db 5", 6, -1, "found \"5\"; expected \"and\", \"or\" or the end" },
		{ "is_bd", 0, -1, "no field \"is_bd\" in source syscall; did you mean \"is_db\"?" },
		{ "comm in nois", 8, -1, "no list \"nois\"; did you mean \"noisy\"?" },
		{ "comm in is_db", 8, -1,
		  "no list \"is_db\"; allowed are noisy, web, slow, office" },
		{ "comm in web", 8, -1, "list \"web\" has 443 in it; comm compares with texts" },
		{ "pid in noisy", 7, -1,
		  "list \"noisy\" has \"sshd\" in it; pid compares with numbers" },
		{ "latency_ms in noisy", 14, -1,
		  "list \"noisy\" has \"sshd\" in it; latency_ms compares with numbers in ms" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct expr_error error = { 0 };
		const struct expr_macro *macro =
			cases[i].macro < 0 ? NULL : &macros[cases[i].macro];

		assert_null(expr_parse_named(cases[i].text, event_type_find("syscall", 7), &names,
					     &error));
		if (error.offset != cases[i].offset || error.macro != macro ||
		    strcmp(error.message, cases[i].message) != 0)
			fail_msg("\"%s\" at %zu: %s", cases[i].text, error.offset, error.message);
		free(error.message);
		for (size_t j = 0; j < ARRAY_SIZE(macros); j++)
			assert_false(macros[j].open);
	}
}

static void a_macro_that_grows_without_end_is_refused(void **state)
{
	static char texts[20][64], called[20][8];
	static struct expr_macro bombs[20];
	struct expr_names bomb = { .macros = bombs, .n_macros = ARRAY_SIZE(bombs) };
	struct expr_error error = { 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bombs); i++) {
		(void)snprintf(called[i], sizeof(called[i]), "m%u", i);
		(void)snprintf(texts[i], sizeof(texts[i]),
			       i ? "m%u and m%u and m%u and m%u" : "pid == 1", i - 1, i - 1, i - 1,
			       i - 1);
		bombs[i] = (struct expr_macro){ .name = called[i], .text = texts[i] };
	}
	assert_null(expr_parse_named("m19", event_type_find("syscall", 7), &bomb, &error));
	assert_non_null(strstr(error.message, "that is the limit"));
	free(error.message);
}

static void the_hash_is_of_what_names_stand_for(void **state)
{
	struct expr *a = parsed("comm in noisy and by_root", "syscall");
	struct expr *b = parsed("comm in ('cron', 'sshd') and (uid == 0 or pid == 1)", "syscall");
	struct expr *c =
		parsed("comm not in ('cron', 'sshd') and (uid == 0 or pid == 1)", "syscall");

	(void)state;
	assert_int_equal(expr_hash(a, HASH_INIT), expr_hash(b, HASH_INIT));
	assert_int_not_equal(expr_hash(b, HASH_INIT), expr_hash(c, HASH_INIT));
	assert_int_not_equal(expr_hash(b, HASH_INIT), expr_hash(NULL, HASH_INIT));
	expr_free(a);
	expr_free(b);
	expr_free(c);
}

static void regular_expressions_match_parts(void **state)
{
	const struct ev_syscall quoted = { .comm = "it's \\ x\n" };

	(void)state;
	assert_true(matches("comm matches 'post'", "syscall", &call));
	assert_true(matches("comm matches '^p[a-z]+s$'", "syscall", &call));
	assert_false(matches("comm matches '^ostgres'", "syscall", &call));
	assert_true(matches("comm not matches '^ostgres'", "syscall", &call));
	assert_true(matches("comm matches '(gre|sql)s'", "syscall", &call));
	assert_true(matches("comm matches '(?i)POST\\w{4}$'", "syscall", &call));
	/* its backslashes are its own, and one before a quote does not end the text */
	assert_true(matches("comm matches 'it\\'s'", "syscall", &quoted));
	assert_true(matches("comm matches \"t's \\\\ x\"", "syscall", &quoted));
	assert_true(matches("comm matches 'x.$'", "syscall", &quoted));
}

static void matches_of_too_much_cost_are_given_up_and_counted(void **state)
{
	struct expr *e = parsed("comm matches '(a|aa)+[bc]' or pid == 3", "syscall");
	const struct ev_syscall record = { .comm = "aaaaaaaaaaaaaaa" };
	const struct event ev = { .type = event_type_find("syscall", 7), .record = &record };

	(void)state;
	assert_int_equal(expr_given_up(e), 0);
	assert_false(expr_match(e, &ev));
	expr_free(e);
	e = parsed("comm matches '^(((a|aa)+)+)+[bc]'", "syscall");
	assert_false(expr_match(e, &ev));
	assert_false(expr_match(e, &ev));
	assert_int_equal(expr_given_up(e), 2);
	expr_free(e);
	e = parsed("comm not matches '^(((a|aa)+)+)+[bc]'", "syscall");
	assert_true(expr_match(e, &ev));
	assert_int_equal(expr_given_up(e), 1);
	expr_free(e);
}

static void a_missing_value_satisfies_no_comparison(void **state)
{
	const struct ev_syscall record = { .latency_ns = NOT_MEASURED, .comm = "x" };
	static const struct {
		const char *text;
		bool match;
	} cases[] = {
		{ "latency_ms > 0", false },
		{ "latency_ms <= 0", false },
		{ "latency_ms == 5", false },
		{ "latency_ms != 5", false },
		{ "latency_ms in (1, 2)", false },
		{ "latency_ms not in (1, 2)", false },
		{ "not latency_ms > 0", true },
		{ "not (latency_ms != 5)", true },
		{ "latency_ms != 5 or comm == 'x'", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (matches(cases[i].text, "syscall", &record) != cases[i].match)
			fail_msg("%s", cases[i].text);
}

static void count_choice(void *ctx, const struct expr_choice *choice)
{
	unsigned *n = ctx;

	assert_non_null(choice->field);
	++*n;
}

static unsigned choices(const char *text)
{
	struct expr *e = parsed(text, "syscall");
	unsigned n = 0;

	expr_each_choice(e, count_choice, &n);
	expr_free(e);
	return n;
}

static void what_is_excluded_is_no_choice(void **state)
{
	(void)state;
	assert_int_equal(choices("comm in noisy and pid == 5 and syscall_name like 'f*'"), 3);
	assert_int_equal(choices("comm != 'x' and pid not in (1, 2) and comm not like 'a*'"), 0);
	assert_int_equal(choices("comm matches '^a' and comm not in noisy"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_hold_what_the_field_compares_with),
		cmocka_unit_test(a_macro_stands_for_its_text_in_parentheses),
		cmocka_unit_test(mistakes_are_in_the_text_of_the_macro),
		cmocka_unit_test(a_macro_that_grows_without_end_is_refused),
		cmocka_unit_test(the_hash_is_of_what_names_stand_for),
		cmocka_unit_test(regular_expressions_match_parts),
		cmocka_unit_test(matches_of_too_much_cost_are_given_up_and_counted),
		cmocka_unit_test(what_is_excluded_is_no_choice),
		cmocka_unit_test(a_missing_value_satisfies_no_comparison),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
