/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules made of other rules: sequence and together. */
#include "compose_world.h"

/* Keeps alerts of these rules firing for so many ticks. */
static void hold(const char *names, unsigned key, unsigned n)
{
	while (n-- > 0) {
		for (const char *name = names; *name; name++)
			hit(*name, key);
		tick();
	}
}

static void a_sequence_fires_when_its_last_member_begins(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_SEQUENCE, "ab", 5);
	run();
	hit('a', 7);
	ticks(2);
	assert_said("a7+ a7- ");
	hit('b', 7);
	assert_said("b7+ c7+ ");
	assert_int_equal(cw.last.started_ns, ns(100.5));
	assert_int_equal(cw.last.n_members, 2);
	assert_string_equal(cw.last.members[0].rule->name, "a");
	assert_int_equal(cw.last.members[0].began_ns, ns(100.5));
	assert_string_equal(cw.last.members[1].rule->name, "b");
	assert_int_equal(cw.last.members[1].began_ns, ns(102.5));
	ticks(3);
	assert_said("b7- c7- ");
	assert_int_equal(cw.last.ended_ns, ns(104));
}

static void in_the_wrong_order_it_is_no_sequence(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_SEQUENCE, "ab", 5);
	run();
	hit('b', 7);
	tick();
	hit('a', 7);
	ticks(3);
	assert_said("b7+ a7+ b7- a7- ");
	/* but the b that comes now follows an a */
	hit('b', 7);
	assert_said("b7+ c7+ ");
}

static void a_sequence_must_be_quick_enough(void **state)
{
	(void)state;
	rules(4);
	compose('d', RULE_SEQUENCE, "abc", 5);
	run();
	hit('a', 7);
	ticks(3);
	hit('b', 7);
	ticks(3);
	hit('c', 7);
	assert_said("a7+ a7- b7+ b7- c7+ ");
	ticks(20);
	assert_said("c7- ");
	hit('a', 7);
	ticks(3);
	hit('b', 7);
	ticks(2);
	hit('c', 7);
	assert_said("a7+ a7- b7+ b7- c7+ d7+ ");
}

static void a_sequence_is_used_up(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_SEQUENCE, "ab", 60);
	run();
	hit('a', 7);
	tick();
	hit('b', 7);
	ticks(4);
	assert_said("a7+ b7+ c7+ a7- b7- c7- ");
	hit('b', 7);
	ticks(3);
	assert_said("b7+ b7- ");
	hit('a', 7);
	hit('b', 7);
	assert_said("a7+ b7+ c7+ ");
}

static void the_same_rule_may_come_twice_in_a_sequence(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_SEQUENCE, "aba", 60);
	run();
	hit('a', 7);
	ticks(3);
	hit('b', 7);
	ticks(3);
	assert_said("a7+ a7- b7+ b7- ");
	hit('a', 7);
	assert_said("a7+ c7+ ");
}

static void members_of_other_keys_do_not_count(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_SEQUENCE, "ab", 60);
	run();
	hit('a', 7);
	hit('b', 8);
	ticks(3);
	assert_said("a7+ b8+ a7- b8- ");
	/* without "by" they do */
	engine_free(cw.engine);
	rule('c')->n_by = 0;
	run();
	hit('a', 7);
	hit('b', 8);
	assert_said("a7+ b8+ c+ ");
	ticks(3);
	assert_said("a7- b8- c- ");
}

static void together_fires_when_all_do(void **state)
{
	(void)state;
	rules(4);
	compose('d', RULE_TOGETHER, "abc", 5);
	run();
	hit('c', 7);
	hit('a', 7);
	hold("ac", 7, 2);
	assert_said("c7+ a7+ ");
	hit('b', 7);
	assert_said("b7+ d7+ ");
	assert_int_equal(cw.last.started_ns, ns(100.5));
	assert_string_equal(cw.last.members[1].rule->name, "b");
	assert_int_equal(cw.last.members[1].began_ns, ns(102.5));
	hold("abc", 7, 9);
	assert_said("");
	hold("ab", 7, 1);
	assert_said("c7- ");
	hold("ab", 7, 1);
	assert_said("d7- ");
}

static void together_must_begin_close_to_each_other(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_TOGETHER, "ab", 5);
	run();
	hold("a", 7, 6);
	hold("ab", 7, 3);
	assert_said("a7+ b7+ ");
	ticks(3);
	assert_said("a7- b7- ");
}

static void keep_bridges_a_gap(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_TOGETHER, "ab", 5);
	rule('c')->keep_ns = ns(10);
	run();
	hold("ab", 7, 3);
	assert_said("a7+ b7+ c7+ ");
	hold("a", 7, 6);
	assert_said("b7- ");
	hold("ab", 7, 2);
	assert_said("b7+ ");
	hold("a", 7, 12);
	assert_said("b7- c7- ");
}

static void it_repeats_and_may_flap_be_inhibited_and_quiet(void **state)
{
	(void)state;
	rules(4);
	compose('c', RULE_TOGETHER, "ab", 5);
	rule('c')->repeat_ns = ns(4);
	rule('a')->quiet = rule('b')->quiet = true;
	run();
	hold("ab", 7, 6);
	assert_said("c7+ c7= ");
	ticks(5);
	assert_said("c7- ");
	engine_free(cw.engine);
	inhibit('c', 'd');
	run();
	hit('d', 7);
	hold("ab", 7, 2);
	assert_said("d7+ d7- c7+ ");
	ticks(4);
	assert_said("c7- ");
}

static void members_that_flap_or_are_inhibited_count_as_firing(void **state)
{
	(void)state;
	rules(4);
	compose('c', RULE_TOGETHER, "ab", 5);
	inhibit('a', 'd');
	run();
	hold("dab", 7, 2);
	assert_said("d7+ b7+ c7+ ");
	ticks(5);
	assert_said("b7- d7- c7- ");
	assert_int_equal(engine_stats(cw.engine)->held, 1);
}

static void a_composite_inhibits_its_members_if_it_is_told_to(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_TOGETHER, "ab", 5);
	inhibit('a', 'c');
	inhibit('b', 'c');
	run();
	hold("ab", 7, 5);
	ticks(2);
	ticks(2);
	assert_said("c7+ c7- ");
	hold("a", 7, 3);
	assert_said("a7+ ");
}

static void nothing_is_made_of_others_during_grace(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_TOGETHER, "ab", 5);
	rule('c')->grace_ns = ns(10);
	run();
	hold("ab", 7, 9);
	ticks(4);
	assert_said("a7+ b7+ a7- b7- ");
	hold("ab", 7, 1);
	assert_said("a7+ b7+ c7+ ");
}

static void keys_are_bounded(void **state)
{
	(void)state;
	cw.max_keys = 7;
	rules(3);
	compose('c', RULE_SEQUENCE, "ab", 100);
	rule('a')->quiet = true;
	run();
	for (unsigned key = 10; key < 33; key++) {
		hit('a', key);
		ticks(3);
	}
	assert_int_equal(engine_stats(cw.engine)->evicted, 16);
	hit('b', 11);
	assert_said("b11+ ");
	hit('b', 27);
	assert_said("b27+ c27+ ");
	ticks(200);
	assert_said("b11- b27- c27- ");
}

static void many_begin_and_the_nearest_counts(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_SEQUENCE, "ab", 50);
	rule('c')->n_by = 0;
	run();
	for (unsigned key = 0; key < 29; key++) {
		hit('a', key);
		tick();
	}
	buf_reset(&cw.said);
	hit('b', 1);
	assert_said("b1+ c+ ");
	assert_int_equal(cw.last.members[0].began_ns, ns(128.5));
	ticks(3);
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_sequence_fires_when_its_last_member_begins),
		TEST(in_the_wrong_order_it_is_no_sequence),
		TEST(a_sequence_must_be_quick_enough),
		TEST(a_sequence_is_used_up),
		TEST(the_same_rule_may_come_twice_in_a_sequence),
		TEST(members_of_other_keys_do_not_count),
		TEST(together_fires_when_all_do),
		TEST(together_must_begin_close_to_each_other),
		TEST(keep_bridges_a_gap),
		TEST(it_repeats_and_may_flap_be_inhibited_and_quiet),
		TEST(members_that_flap_or_are_inhibited_count_as_firing),
		TEST(a_composite_inhibits_its_members_if_it_is_told_to),
		TEST(nothing_is_made_of_others_during_grace),
		TEST(keys_are_bounded),
		TEST(many_begin_and_the_nearest_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
