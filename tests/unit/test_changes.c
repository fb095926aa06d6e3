/* SPDX-License-Identifier: BSD-2-Clause */
/* Flap damping, inhibition, grace and rules that say nothing: each by itself, and together. */
#include "compose_world.h"

/* One change after another: a second up, a second down. */
static void blink(char name, unsigned key, unsigned times)
{
	while (times-- > 0) {
		hit(name, key);
		ticks(3);
	}
}

static void what_nothing_holds_back_is_said_as_it_comes(void **state)
{
	(void)state;
	rules(2);
	run();
	hit('a', 7);
	assert_said("a7+ ");
	hit('b', 7);
	hit('a', 8);
	assert_said("b7+ a8+ ");
	assert_int_equal(engine_stats(cw.engine)->firing, 3);
	ticks(2);
	assert_said("a7- a8- b7- ");
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
	assert_int_equal(engine_stats(cw.engine)->fired, 3);
	assert_int_equal(engine_stats(cw.engine)->resolved, 3);
	assert_int_equal(engine_stats(cw.engine)->held, 0);
}

static void a_rule_that_notifies_nobody_says_nothing(void **state)
{
	(void)state;
	rules(2);
	rule('a')->quiet = true;
	rule('a')->repeat_ns = ns(1);
	run();
	hit('a', 7);
	hit('b', 7);
	assert_int_equal(engine_stats(cw.engine)->firing, 2);
	ticks(3);
	assert_said("b7+ b7- ");
	assert_int_equal(engine_stats(cw.engine)->fired, 1);
	assert_int_equal(engine_stats(cw.engine)->held, 1);
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
}

/* --- flap damping ----------------------------------------------------------------------------- */

static void what_flaps_is_held_firing_until_it_is_quiet(void **state)
{
	char incident[ULID_LEN + 1];

	(void)state;
	rules(1);
	flap('a', 4, 60);
	run();
	blink('a', 7, 1);
	assert_said("a7+ a7- ");
	hit('a', 7);
	assert_int_equal(cw.last.flapping, 0);
	memcpy(incident, cw.last.id, sizeof(incident));
	ticks(3);
	assert_said("a7+ a7= ");
	assert_int_equal(cw.last.flapping, 4);
	assert_string_equal(cw.last.incident, incident);
	assert_int_equal(cw.last.ended_ns, 0);
	blink('a', 7, 5);
	assert_said("");
	assert_int_equal(engine_stats(cw.engine)->firing, 1);
	/* the last change was at the second tick of the last blink */
	ticks(58);
	assert_said("");
	ticks(1);
	assert_said("a7- ");
	assert_int_equal(cw.last.flapping, 14);
	assert_string_equal(cw.last.incident, incident);
	assert_int_equal(cw.last.ended_ns, ns(cw.now_s));
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
	assert_int_equal(engine_stats(cw.engine)->fired, 2);
	assert_int_equal(engine_stats(cw.engine)->resolved, 2);
	/* all is forgotten */
	blink('a', 7, 1);
	assert_said("a7+ a7- ");
}

static void with_an_odd_number_it_flaps_from_a_firing_on(void **state)
{
	(void)state;
	rules(1);
	flap('a', 3, 60);
	run();
	blink('a', 7, 1);
	assert_said("a7+ a7- ");
	hit('a', 7);
	assert_said("a7+ ");
	assert_int_equal(cw.last.flapping, 3);
	ticks(3);
	assert_said("");
	ticks(60);
	assert_said("a7- ");
}

static void one_that_stays_up_stops_flapping_and_resolves_as_any_other(void **state)
{
	(void)state;
	rules(1);
	flap('a', 4, 30);
	run();
	blink('a', 7, 2);
	assert_said("a7+ a7- a7+ a7= ");
	for (unsigned i = 0; i < 37; i++) {
		hit('a', 7);
		tick();
	}
	assert_said("");
	ticks(3);
	assert_said("a7- ");
	assert_int_equal(cw.last.flapping, 0);
}

static void keys_flap_by_themselves(void **state)
{
	(void)state;
	rules(1);
	flap('a', 4, 60);
	run();
	blink('a', 7, 1);
	blink('a', 8, 1);
	blink('a', 9, 1);
	assert_said("a7+ a7- a8+ a8- a9+ a9- ");
	blink('a', 8, 1);
	assert_said("a8+ a8= ");
	blink('a', 7, 1);
	assert_said("a7+ a7= ");
}

static void flapping_keys_are_bounded_and_each_is_resolved_once(void **state)
{
	unsigned fired = 0, resolved = 0;

	(void)state;
	cw.max_keys = 5;
	rules(1);
	flap('a', 2, 600);
	run();
	for (unsigned key = 10; key < 33; key++)
		blink('a', key, 1);
	assert_int_equal(engine_stats(cw.engine)->firing, 5);
	assert_int_equal(engine_stats(cw.engine)->alerts_forgotten, 18);
	ticks(700);
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
	for (const char *c = buf_str(&cw.said); *c; c++) {
		fired += *c == '+';
		resolved += *c == '-';
	}
	assert_int_equal(fired, 23);
	assert_int_equal(resolved, 23);
}

/* --- inhibition ------------------------------------------------------------------------------- */

static void an_inhibited_alert_is_never_heard_of(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	run();
	hit('b', 7);
	assert_said("b7+ ");
	for (unsigned i = 0; i < 5; i++) {
		hit('a', 7);
		hit('b', 7);
		tick();
	}
	hit('b', 7);
	ticks(1);
	hit('b', 7);
	ticks(3);
	assert_said("b7- ");
	assert_int_equal(engine_stats(cw.engine)->held, 1);
}

static void one_that_still_fires_is_said_when_the_inhibitor_ends(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	run();
	hit('b', 7);
	hit('a', 7);
	tick();
	hit('a', 7);
	assert_said("b7+ ");
	ticks(1);
	assert_said("b7- a7+ ");
	assert_int_equal(cw.last.started_ns, ns(100.5));
	ticks(2);
	assert_said("a7- ");
	assert_int_equal(cw.last.started_ns, ns(100.5));
}

static void one_that_is_only_kept_up_is_not_said_when_the_inhibitor_ends(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	rule('a')->keep_ns = ns(30);
	rule('b')->keep_ns = ns(5);
	run();
	for (unsigned i = 0; i < 3; i++) {
		hit('b', 7);
		if (i == 1)
			hit('a', 7);
		tick();
	}
	assert_said("b7+ ");
	ticks(10);
	assert_said("b7- ");
	/* met once more while it is up */
	hit('a', 7);
	assert_said("");
	tick();
	assert_said("a7+ ");
	ticks(30);
	assert_said("a7- ");
	assert_int_equal(engine_stats(cw.engine)->held, 0);
	/* not met again */
	hit('b', 8);
	hit('a', 8);
	ticks(40);
	assert_said("b8+ b8- ");
	assert_int_equal(engine_stats(cw.engine)->held, 1);
}

static void one_with_a_window_must_be_met_when_the_inhibitor_ends(void **state)
{
	(void)state;
	cw.set = load_text("{'name': 'a', 'why': 'x', 'on': 'syscall', 'where': 'tid == 1',"
			   " 'by': ['pid'], 'flap': false, 'clear': {'for': '20s'},"
			   " 'when': {'value': 'count()', 'window': '3s', 'above': 1},"
			   " 'inhibited_by': ['b']},"
			   "{'name': 'b', 'why': 'x', 'on': 'syscall', 'where': 'tid == 2',"
			   " 'by': ['pid'], 'flap': false, 'keep': '7s',"
			   " 'when': {'value': 'latency_ms', 'above': 1}}");
	run();
	hit('b', 7);
	hit('a', 7);
	hit('a', 7);
	ticks(40);
	assert_said("b7+ b7- ");
	hit('b', 7);
	for (unsigned i = 0; i < 11; i++) {
		hit('a', 7);
		tick();
	}
	assert_said("b7+ b7- a7+ ");
}

static void a_rule_of_others_ends_unsaid_with_the_member_that_inhibits_it(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_TOGETHER, "ab", 5);
	inhibit('c', 'a');
	rule('b')->keep_ns = ns(20);
	rule('c')->keep_ns = ns(10);
	run();
	hit('a', 7);
	hit('b', 7);
	ticks(40);
	assert_said("a7+ b7+ a7- b7- ");
	assert_int_equal(engine_stats(cw.engine)->held, 1);
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
}

static void what_starts_together_does_not_race(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	run();
	hit('a', 7); /* before its inhibitor */
	hit('b', 7);
	tick();
	assert_said("b7+ ");
	ticks(3);
	assert_said("b7- ");
	/* alone, it comes with the tick */
	hit('a', 7);
	assert_said("");
	tick();
	assert_said("a7+ ");
	ticks(2);
	assert_said("a7- ");
}

static void one_said_already_is_not_taken_back_nor_repeated(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	rule('a')->repeat_ns = ns(2);
	run();
	hit('a', 7);
	tick();
	hit('a', 7);
	hit('b', 7);
	assert_said("a7+ b7+ ");
	for (unsigned i = 0; i < 5; i++) {
		hit('a', 7);
		hit('b', 7);
		tick();
	}
	assert_said("");
	ticks(3);
	assert_said("a7- b7- ");
}

static void one_that_came_and_went_within_a_tick_is_said_whole(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	rule('a')->keep_ns = 0;
	run();
	hit('a', 7);
	assert_said("");
	tick();
	assert_said("a7+ a7- ");
	assert_int_equal(cw.last.ended_ns, ns(cw.now_s));
	hit('b', 7);
	hit('a', 7);
	tick();
	assert_said("b7+ ");
	assert_int_equal(engine_stats(cw.engine)->held, 1);
}

static void the_keys_must_agree(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	run();
	hit('b', 8);
	hit('a', 7);
	tick();
	assert_said("b8+ a7+ ");
	ticks(3);
	assert_said("a7- b8- ");
	/* with nothing in common, any will do */
	engine_free(cw.engine);
	rule('b')->n_by = 0;
	run();
	hit('b', 8);
	hit('a', 7);
	ticks(1);
	assert_said("b+ ");
	ticks(3);
	assert_said("b- ");
}

static void it_lasts_until_the_last_inhibitor_for_the_key_ends(void **state)
{
	(void)state;
	rules(3);
	inhibit('a', 'b');
	inhibit('a', 'c');
	rule('a')->n_by = 0;
	run();
	hit('b', 7);
	hit('b', 8);
	hit('c', 9);
	for (unsigned i = 0; i < 3; i++) {
		hit('a', 1);
		if (i < 2)
			hit('b', 8);
		hit('c', 9);
		tick();
	}
	assert_said("b7+ b8+ c9+ b7- b8- ");
	hit('a', 1);
	tick();
	assert_said("c9- a+ ");
	ticks(2);
	assert_said("a- ");
}

static void inhibitors_count_when_they_are_inhibited_or_quiet_themselves(void **state)
{
	(void)state;
	rules(3);
	inhibit('a', 'b');
	inhibit('b', 'c');
	rule('c')->quiet = true;
	run();
	for (unsigned i = 0; i < 5; i++) {
		hit('a', 7);
		hit('b', 7);
		hit('c', 7);
		tick();
	}
	ticks(3);
	assert_said("");
	assert_int_equal(engine_stats(cw.engine)->held, 3);
}

static void a_flapping_inhibitor_goes_on_inhibiting(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	flap('b', 4, 60);
	run();
	blink('b', 7, 2);
	assert_said("b7+ b7- b7+ b7= ");
	for (unsigned i = 0; i < 61; i++) {
		hit('a', 7);
		tick();
	}
	assert_said("b7- a7+ ");
	ticks(2);
	assert_said("a7- ");
}

static void a_flapping_alert_may_be_inhibited(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	flap('a', 4, 20);
	run();
	for (unsigned i = 0; i < 10; i++) {
		hit('b', 7);
		if (i < 7 && i % 3 == 0)
			hit('a', 7);
		tick();
	}
	assert_said("b7+ ");
	/* that it flaps is no reason to say it when the inhibitor ends, but that it fires again is */
	ticks(2);
	assert_said("b7- ");
	hit('a', 7);
	tick();
	assert_said("a7+ ");
	assert_true(cw.last.flapping >= 4);
	ticks(30);
	assert_said("a7- ");
}

/* --- grace ------------------------------------------------------------------------------------ */

static void nothing_fires_during_grace(void **state)
{
	(void)state;
	rules(2);
	rule('a')->grace_ns = ns(5);
	run();
	for (unsigned i = 0; i < 4; i++) {
		hit('a', 7);
		tick();
	}
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
	hit('b', 7);
	hit('a', 7);
	assert_said("b7+ ");
	tick();
	hit('a', 7);
	assert_said("a7+ ");
	assert_int_equal(cw.last.started_ns, ns(105.5));
	ticks(3);
	assert_said("b7- a7- ");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_nothing_holds_back_is_said_as_it_comes),
		TEST(a_rule_that_notifies_nobody_says_nothing),
		TEST(what_flaps_is_held_firing_until_it_is_quiet),
		TEST(with_an_odd_number_it_flaps_from_a_firing_on),
		TEST(one_that_stays_up_stops_flapping_and_resolves_as_any_other),
		TEST(keys_flap_by_themselves),
		TEST(flapping_keys_are_bounded_and_each_is_resolved_once),
		TEST(an_inhibited_alert_is_never_heard_of),
		TEST(one_that_still_fires_is_said_when_the_inhibitor_ends),
		TEST(one_that_is_only_kept_up_is_not_said_when_the_inhibitor_ends),
		TEST(one_with_a_window_must_be_met_when_the_inhibitor_ends),
		TEST(a_rule_of_others_ends_unsaid_with_the_member_that_inhibits_it),
		TEST(what_starts_together_does_not_race),
		TEST(one_said_already_is_not_taken_back_nor_repeated),
		TEST(one_that_came_and_went_within_a_tick_is_said_whole),
		TEST(the_keys_must_agree),
		TEST(it_lasts_until_the_last_inhibitor_for_the_key_ends),
		TEST(inhibitors_count_when_they_are_inhibited_or_quiet_themselves),
		TEST(a_flapping_inhibitor_goes_on_inhibiting),
		TEST(a_flapping_alert_may_be_inhibited),
		TEST(nothing_fires_during_grace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
