/* SPDX-License-Identifier: BSD-2-Clause */
/* Losses, and baselines. */
#include "engine_world.h"

static void nothing_resolves_while_events_are_lost(void **state)
{
	point_rule();
	(void)state;
	run(1);
	feed(100, "db", 7, 20);
	lose(120, 5);
	lose(125, 8);
	tick_until(100, 154);
	assert_int_equal(w.n_seen, 1);
	tick(155);
	assert_last(2, ALERT_RESOLVED);
	assert_int_equal(last()->quality, QUALITY_COMPLETE);
	/* only the source that lost */
	feed(200, "db", 7, 20);
	engine_loss(w.engine, type_of("sched"), 5, ns(229));
	lose(229, 0);
	tick(230);
	assert_last(4, ALERT_RESOLVED);
}

static void the_clearing_time_starts_after_the_loss(void **state)
{
	window_rule(AGGREGATE_SUM)->judge.leaves[0].above = (struct limit){ true, 100 };
	(void)state;
	run(1);
	feed(100, "a", 7, 101);
	tick_until(100, 115);
	lose(115.5, 3);
	tick_until(115, 135); /* complete again at 126 */
	assert_int_equal(w.n_seen, 1);
	tick(136);
	assert_last(2, ALERT_RESOLVED);
}

static void an_alert_says_what_was_lost_in_its_window(void **state)
{
	window_rule(AGGREGATE_SUM)->judge.leaves[0].above = (struct limit){ true, 100 };
	(void)state;
	run(1);
	lose(80, 100);
	lose(95, 5);
	lose(99, 8);
	feed(100, "a", 7, 101);
	assert_last(1, ALERT_FIRING);
	assert_int_equal(last()->quality, QUALITY_DEGRADED);
	assert_int_equal(last()->lost, 13);
}

static void nothing_is_below_a_limit_while_events_are_lost(void **state)
{
	window_rule(AGGREGATE_COUNT)->judge.leaves[0].below = (struct limit){ true, 1 };
	(void)state;
	run(1);
	feed(100, "a", 7, 1);
	for (unsigned s = 101; s < 160; s++) {
		lose(s, 1);
		tick(s);
	}
	assert_int_equal(w.n_seen, 0);
	tick_until(159, 168);
	assert_int_equal(w.n_seen, 0);
	tick(169);
	assert_last(1, ALERT_FIRING);
}

/* Against what is usual, after a minute, with a half-life of ten. */
static void set_baseline(struct rule *r, double deviations)
{
	r->judge.leaves[0].has_baseline = true;
	r->judge.leaves[0].baseline = (struct baseline_conf){ deviations, ns(60), ns(600) };
}

static struct rule *baseline_rule(void)
{
	struct rule *r = window_rule(AGGREGATE_RATE);

	set_baseline(r, 6);
	return r;
}

/* A steady rate: `latency_ms` every second, each followed by a tick. */
static unsigned steady(unsigned from_s, unsigned seconds, double latency_ms)
{
	for (unsigned s = from_s; s < from_s + seconds; s++) {
		feed(s, "a", 7, latency_ms);
		tick(s + 0.5);
	}
	return from_s + seconds;
}

static void a_value_far_from_its_baseline_fires_once_warm(void **state)
{
	unsigned now_s;

	(void)state;
	baseline_rule();
	run(1);
	/* the window fills for 10 s, and learning takes 60; the spike is in the window for 10 s */
	now_s = steady(100, 58, 100);
	now_s = steady(now_s, 2, 4000);
	now_s = steady(now_s, 100, 100);
	assert_int_equal(w.n_seen, 0);
	(void)steady(now_s, 2, 4000);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value > last()->threshold);
	assert_true(fabs(w.seen[0].center - 100) < 40);
}

static void the_filling_window_is_not_learnt(void **state)
{
	(void)state;
	baseline_rule()->judge.leaves[0].above = (struct limit){ true, 500 };
	run(1);
	(void)steady(100, 40, 100);
	w.rules[0].judge.leaves[0].above.at = 0;
	w.rules[0].judge.leaves[0].baseline.warm_up_ns = 0;
	w.rules[0].judge.leaves[0].baseline.deviations = 0.001;
	/* were the rise from 10 to 100 in it, 101 would lie above the centre by more than this */
	(void)steady(140, 1, 100.9);
	assert_last(1, ALERT_FIRING);
	assert_true(fabs(w.seen[0].center - 100) < 1e-9);
}

static void a_baseline_is_frozen_while_its_alert_is_up(void **state)
{
	struct rule *r = baseline_rule();
	unsigned now_s;
	double center;

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 1000 };
	r->repeat_ns = ns(100);
	r->clear.for_ns = 0;
	run(1);
	now_s = steady(100, 300, 100);
	now_s = steady(now_s, 1, 20000);
	assert_last(1, ALERT_FIRING);
	center = w.seen[0].center;
	now_s = steady(now_s, 3000, 4000);
	assert_true(w.n_seen > 25);
	assert_true(last()->repeat);
	assert_true(w.seen[w.n_seen - 1].center == center);
	/* nor is what the incident left in the window learnt when it is over */
	w.n_seen = 0;
	now_s = steady(now_s, 22, 100);
	assert_last(1, ALERT_RESOLVED);
	assert_true(last()->value > 800);
	assert_true(w.seen[0].center == center);
	(void)steady(now_s, 1, 20000);
	assert_last(2, ALERT_FIRING);
	assert_true(fabs(w.seen[1].center - center) < 0.1);
}

static void a_baseline_is_frozen_while_pending(void **state)
{
	unsigned now_s;

	(void)state;
	baseline_rule()->for_ns = ns(500);
	run(1);
	now_s = steady(100, 300, 100);
	now_s = steady(now_s, 502, 4000);
	assert_last(1, ALERT_FIRING);
	assert_true(fabs(w.seen[0].center - 100) < 1);
}

/* Pending for 10 s of every 19, never quiet for a whole window; never firing. */
static void a_key_that_is_pending_on_and_off_still_learns(void **state)
{
	unsigned now_s;

	(void)state;
	baseline_rule()->for_ns = ns(30);
	run(1);
	now_s = steady(100, 300, 100);
	for (unsigned i = 0; i < 100; i++) {
		now_s = steady(now_s, 1, 520);
		now_s = steady(now_s, 18, 120);
	}
	assert_int_equal(w.n_seen, 0);
	(void)steady(now_s, 32, 4000);
	assert_last(1, ALERT_FIRING);
	assert_true(w.seen[0].center > 115 && w.seen[0].center < 160);
}

static void a_little_after_silence_is_no_news(void **state)
{
	struct rule *r = cpu_rule();

	(void)state;
	set_baseline(r, 6);
	run(1);
	for (unsigned s = 100; s < 500; s++) {
		feed_sched(s, 1, 0);
		tick(s);
	}
	feed_sched(500, 1, 0.055);
	tick(500);
	assert_int_equal(w.n_seen, 0);
	feed_sched(501, 1, 0.015);
	tick(501);
	assert_last(1, ALERT_FIRING);
}

static void a_move_that_is_small_for_the_limit_is_no_news(void **state)
{
	struct rule *r = cpu_rule();

	(void)state;
	set_baseline(r, 25);
	r->judge.leaves[0].above = (struct limit){ true, 200 };
	run(1);
	for (unsigned s = 100; s < 500; s++) {
		feed_sched(s, 1, 0);
		tick(s);
	}
	/* 25 spreads of 5 % are 250 ms/s */
	feed_sched(500, 1, 0.49);
	tick(500);
	assert_int_equal(w.n_seen, 0);
	feed_sched(501, 1, 0.04);
	tick(501);
	assert_last(1, ALERT_FIRING);
}

static void nothing_is_learnt_from_a_window_with_a_loss(void **state)
{
	unsigned now_s;

	(void)state;
	baseline_rule();
	run(1);
	now_s = steady(100, 300, 100);
	for (unsigned i = 0; i < 300; i++) {
		lose(now_s, 1000);
		now_s = steady(now_s, 1, 5); /* most of it was lost */
	}
	now_s = steady(now_s, 20, 100);
	(void)steady(now_s, 1, 4000);
	assert_last(1, ALERT_FIRING);
	assert_true(fabs(w.seen[0].center - 100) < 5);
}

static void silence_is_learnt_as_zero(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	set_baseline(r, 6);
	run(1);
	feed(100, "a", 7, 1);
	tick_until(100, 800);
	for (unsigned i = 0; i < 6; i++)
		feed(800.1, "a", 7, 1);
	tick(801);
	assert_int_equal(w.n_seen, 0);
	feed(801.1, "a", 7, 1);
	tick(802);
	assert_last(1, ALERT_FIRING);
	assert_true(w.seen[0].center < 0.1);
}

static void a_rule_with_below_watches_the_low_side_of_its_baseline(void **state)
{
	struct rule *r = baseline_rule();
	unsigned now_s;

	(void)state;
	r->judge.leaves[0].below = (struct limit){ true, 1e6 };
	run(1);
	now_s = steady(100, 300, 100);
	now_s = steady(now_s, 20, 4000);
	assert_int_equal(w.n_seen, 0);
	now_s = steady(now_s, 600, 100);
	w.n_seen = 0;
	(void)steady(now_s, 20, 1);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value < w.seen[0].center);
}

static void a_baseline_and_a_limit_must_both_be_passed(void **state)
{
	unsigned now_s;

	(void)state;
	baseline_rule()->judge.leaves[0].above = (struct limit){ true, 1000 };
	run(1);
	now_s = steady(100, 300, 100);
	now_s = steady(now_s, 2, 4000);
	assert_int_equal(w.n_seen, 0);
	feed(now_s, "a", 7, 4000);
	assert_int_equal(w.n_seen, 0); /* baselines are for the tick */
	tick(now_s);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->threshold == 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_resolves_while_events_are_lost),
		TEST(the_clearing_time_starts_after_the_loss),
		TEST(an_alert_says_what_was_lost_in_its_window),
		TEST(nothing_is_below_a_limit_while_events_are_lost),
		TEST(a_value_far_from_its_baseline_fires_once_warm),
		TEST(the_filling_window_is_not_learnt),
		TEST(a_baseline_is_frozen_while_its_alert_is_up),
		TEST(a_baseline_is_frozen_while_pending),
		TEST(a_key_that_is_pending_on_and_off_still_learns),
		TEST(a_little_after_silence_is_no_news),
		TEST(a_move_that_is_small_for_the_limit_is_no_news),
		TEST(nothing_is_learnt_from_a_window_with_a_loss),
		TEST(silence_is_learnt_as_zero),
		TEST(a_rule_with_below_watches_the_low_side_of_its_baseline),
		TEST(a_baseline_and_a_limit_must_both_be_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
