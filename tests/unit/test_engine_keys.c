/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys: what tells them apart, how many there may be, when they are forgotten. */
#include "engine_world.h"

static void keys_live_apart(void **state)
{
	(void)state;
	point_rule();
	run(1);
	feed(1, "a", 7, 20);
	feed(2, "b", 7, 20);
	feed(3, "a", 8, 20);
	assert_last(2, ALERT_FIRING);
	assert_string_equal(w.seen[1].key, "b");
	assert_int_equal(engine_stats(w.engine)->firing, 2);
	feed(25, "b", 7, 20);
	tick(40);
	assert_last(3, ALERT_RESOLVED);
	assert_string_equal(w.seen[2].key, "a");
	assert_int_equal(engine_stats(w.engine)->firing, 1);
	tick(55);
	assert_last(4, ALERT_RESOLVED);
	assert_string_equal(w.seen[3].key, "b");
}

/* Two texts must not run into each other: "ab" + "c" is not "a" + "bc". */
static void keys_are_told_apart_by_every_part(void **state)
{
	struct rule *r = point_rule();
	(void)state;
	r->by[1] = field_of("syscall", "syscall_name");
	r->by[2] = field_of("syscall", "pid");
	r->n_by = 3;
	run(1);
	feed(1, "a", 1, 20);
	feed(1, "a", 2, 20);
	feed(1, "a", 256, 20);
	feed(1, "", 1, 20);
	assert_int_equal(w.n_seen, 4);
	feed(2, "a", 256, 20);
	assert_int_equal(w.n_seen, 4);
}

static struct ev_syscall born(double start_time_s)
{
	return (struct ev_syscall){ .ts_ns = ns(100),
				    .pid = 7,
				    .tid = 7,
				    .comm = "a",
				    .latency_ns = 20 * NS_PER_MS,
				    .start_time_ns = ns(start_time_s) };
}

static unsigned keys_of_two_processes(const char *by)
{
	struct ev_syscall first = born(50), second = born(99.5);
	struct rule *r = window_rule(AGGREGATE_COUNT);

	r->by[0] = by ? field_of("syscall", by) : NULL;
	r->n_by = by ? 1 : 0;
	r->judge.leaves[0].above = (struct limit){ true, 2 };
	engine_free(w.engine);
	run(1);
	feed_record(&first);
	feed_record(&first);
	feed_record(&second);
	feed_record(&second);
	return (unsigned)engine_stats(w.engine)->keys;
}

static void a_process_with_the_id_of_one_that_ended_is_another(void **state)
{
	(void)state;
	assert_int_equal(keys_of_two_processes("pid"), 2);
	assert_int_equal(keys_of_two_processes("tid"), 2);
	assert_int_equal(w.n_seen, 0);
	assert_int_equal(keys_of_two_processes("comm"), 1);
	assert_int_equal(keys_of_two_processes(NULL), 1);
	assert_int_equal(w.n_seen, 2);
}

static void the_key_of_an_alert_does_not_show_the_start_time(void **state)
{
	struct ev_syscall first = born(50), second = born(99.5);

	(void)state;
	point_rule()->by[0] = field_of("syscall", "pid");
	run(1);
	feed_record(&first);
	feed_record(&second);
	assert_int_equal(w.n_seen, 2);
	assert_string_equal(w.seen[0].key, "7");
	assert_string_equal(w.seen[1].key, "7");
}

static void a_rule_without_keys_has_one_for_all(void **state)
{
	point_rule()->n_by = 0;
	(void)state;
	run(1);
	feed(1, "a", 7, 50);
	feed(1, "b", 8, 50);
	assert_int_equal(w.n_seen, 1);
	assert_int_equal(engine_stats(w.engine)->keys, 1);
}

static void a_key_that_fell_silent_is_below_and_is_not_forgotten(void **state)
{
	window_rule(AGGREGATE_COUNT)->judge.leaves[0].below = (struct limit){ true, 1 };
	(void)state;
	run(1);
	tick_until(0, 99);
	feed(100, "a", 7, 1);
	tick_until(100, 109);
	assert_int_equal(w.n_seen, 0);
	tick(110);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 0 && last()->threshold == 1);
	assert_int_equal(w.seen[0].pid, 7);
	tick_until(110, 1000);
	assert_int_equal(w.n_seen, 1);
	feed(1000.5, "a", 7, 1);
	tick_until(1000, 1010);
	assert_int_equal(w.n_seen, 1);
	for (unsigned s = 1010; s < 1025; s++) {
		feed(s + 0.5, "a", 7, 1);
		tick(s + 1);
	}
	assert_last(2, ALERT_RESOLVED);
}

static void silent_keys_are_forgotten_after_ten_minutes(void **state)
{
	window_rule(AGGREGATE_COUNT)->judge.leaves[0].above = (struct limit){ true, 100 };
	(void)state;
	run(1);
	feed(100, "a", 7, 1);
	feed(150, "a", 8, 1);
	tick(699);
	assert_int_equal(engine_stats(w.engine)->keys, 2);
	tick(700);
	assert_int_equal(engine_stats(w.engine)->keys, 1);
	tick(750);
	assert_int_equal(engine_stats(w.engine)->keys, 0);
}

static void a_key_is_remembered_for_a_long_window(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 1 };
	r->judge.leaves[0].window_ns = ns(1200);
	run(1);
	feed(100, "a", 7, 1);
	tick(1200);
	feed(1299, "a", 7, 1);
	assert_last(1, ALERT_FIRING);
}

static void a_baseline_is_forgotten_after_an_hour_and_six_half_lives(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	r->judge.leaves[0].has_baseline = true;
	r->judge.leaves[0].baseline = (struct baseline_conf){ 6, ns(60), ns(60) };
	w.rules[1] = *r;
	w.rules[1].judge.leaves[0].baseline.half_life_ns = ns(1000);
	w.rules[2] = *r;
	w.rules[2].judge.leaves[0].below = (struct limit){ true, -1 };
	run(3);
	feed(100, "a", 7, 1);
	tick(3699);
	assert_int_equal(engine_stats(w.engine)->keys, 3);
	tick(3700);
	assert_int_equal(engine_stats(w.engine)->keys, 2);
	tick(6099);
	assert_int_equal(engine_stats(w.engine)->keys, 2);
	tick(1e6);
	assert_int_equal(engine_stats(w.engine)->keys, 1);
}

static void the_key_that_was_quiet_for_longest_is_evicted(void **state)
{
	window_rule(AGGREGATE_COUNT)->judge.leaves[0].above = (struct limit){ true, 2 };
	(void)state;
	w.max_keys = 3;
	run(1);
	feed(100, "a", 1, 1);
	feed(100, "a", 2, 1);
	feed(100, "a", 3, 1);
	feed(101, "a", 1, 1); /* now 2 is the oldest */
	feed(102, "a", 4, 1);
	assert_int_equal(engine_stats(w.engine)->evicted, 1);
	assert_int_equal(engine_stats(w.engine)->keys, 3);
	feed(103, "a", 1, 1); /* still known: its third */
	assert_last(1, ALERT_FIRING);
	feed(103, "a", 2, 1);
	feed(104, "a", 2, 1); /* forgotten between: its second */
	assert_int_equal(w.n_seen, 1);
}

static void a_firing_key_is_never_evicted(void **state)
{
	window_rule(AGGREGATE_MAX)->judge.leaves[0].above = (struct limit){ true, 10 };
	(void)state;
	w.max_keys = 2;
	run(1);
	feed(100, "a", 1, 20);
	feed(101, "a", 2, 5);
	feed(102, "a", 3, 20); /* in place of 2 */
	assert_int_equal(engine_stats(w.engine)->evicted, 1);
	feed(103, "a", 4, 20);
	assert_int_equal(engine_stats(w.engine)->refused, 1);
	assert_int_equal(engine_rule_stats(w.engine, 0)->refused, 1);
	assert_int_equal(engine_rule_stats(w.engine, 0)->evicted, 1);
	assert_int_equal(w.n_seen, 2);
	tick_until(103, 125);
	assert_int_equal(engine_stats(w.engine)->resolved, 2);
	feed(126, "a", 4, 20);
	assert_int_equal(engine_stats(w.engine)->evicted, 2);
	assert_last(5, ALERT_FIRING);
}

/* Of a large table, those that were heard of lately stay. */
static void many_keys_come_and_go(void **state)
{
	window_rule(AGGREGATE_COUNT)->judge.leaves[0].above = (struct limit){ true, 2 };
	(void)state;
	w.max_keys = 1000;
	run(1);
	for (unsigned pid = 0; pid < 1000; pid++)
		feed(100, "a", pid, 1);
	for (unsigned pid = 0; pid < 500; pid++)
		feed(101, "a", pid, 1);
	for (unsigned pid = 1000; pid < 1307; pid++)
		feed(102, "a", pid, 1);
	assert_int_equal(engine_stats(w.engine)->keys, 1000);
	assert_int_equal(engine_stats(w.engine)->evicted, 307);
	for (unsigned pid = 0; pid < 500; pid++)
		feed(103, "a", pid, 1);
	assert_int_equal(engine_stats(w.engine)->firing, 500);
	tick_until(103, 130);
	assert_int_equal(engine_stats(w.engine)->resolved, 500);
	tick(800);
	assert_int_equal(engine_stats(w.engine)->keys, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_live_apart),
		TEST(keys_are_told_apart_by_every_part),
		TEST(a_process_with_the_id_of_one_that_ended_is_another),
		TEST(the_key_of_an_alert_does_not_show_the_start_time),
		TEST(a_rule_without_keys_has_one_for_all),
		TEST(a_key_that_fell_silent_is_below_and_is_not_forgotten),
		TEST(silent_keys_are_forgotten_after_ten_minutes),
		TEST(a_key_is_remembered_for_a_long_window),
		TEST(a_baseline_is_forgotten_after_an_hour_and_six_half_lives),
		TEST(the_key_that_was_quiet_for_longest_is_evicted),
		TEST(a_firing_key_is_never_evicted),
		TEST(many_keys_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
