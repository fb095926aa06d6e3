/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an alert on a window. */
#include "engine_world.h"

static void a_count_fires_with_the_event_that_crosses_the_limit(void **state)
{
	window_rule(AGGREGATE_COUNT)->judge.leaves[0].above = (struct limit){ true, 3 };
	(void)state;
	run(1);
	feed(100, "a", 7, 1);
	feed(101, "a", 8, 1);
	feed(102, "a", 7, 1);
	feed(103, "a", 7, 1);
	assert_int_equal(w.n_seen, 0);
	feed(104.3, "a", 7, 1);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 4 && last()->samples == 4);
	assert_int_equal(last()->started_ns, ns(104.3));
	assert_string_equal(w.seen[0].key, "7");
}

static void an_alert_clears_after_the_condition_was_false_for_the_clearing_time(void **state)
{
	window_rule(AGGREGATE_SUM)->judge.leaves[0].above = (struct limit){ true, 100 };
	(void)state;
	run(1);
	feed(100, "a", 7, 101);
	assert_last(1, ALERT_FIRING);
	tick_until(100, 115); /* false since 110 */
	feed(115.5, "a", 7, 101);
	tick_until(115, 135); /* false since 126 */
	assert_int_equal(w.n_seen, 1);
	tick(136);
	assert_last(2, ALERT_RESOLVED);
	assert_true(last()->value == 0);
	/* the next one clears by a time of its own */
	feed(200, "a", 7, 101);
	assert_last(3, ALERT_FIRING);
	tick(215);
	tick(224);
	assert_int_equal(w.n_seen, 3);
	tick(225);
	assert_last(4, ALERT_RESOLVED);
}

static void hysteresis_holds_an_alert_between_its_two_limits(void **state)
{
	struct rule *r = window_rule(AGGREGATE_MAX);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 100 };
	r->clear.below = (struct limit){ true, 50 };
	run(1);
	feed(100, "a", 7, 200);
	assert_last(1, ALERT_FIRING);
	for (unsigned s = 101; s < 160; s++) {
		feed(s, "a", 7, 60);
		tick(s);
	}
	assert_int_equal(w.n_seen, 1);
	for (unsigned s = 160; s < 180; s++) {
		feed(s, "a", 7, 49);
		tick(s);
	}
	/* the last 60 leaves at 169, ten seconds more */
	assert_last(2, ALERT_RESOLVED);
	assert_int_equal(last()->ended_ns, ns(179));
	assert_true(last()->value == 49);
}

static void hysteresis_works_from_below_too(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	r->judge.leaves[0].below = (struct limit){ true, 2 };
	r->clear.above = (struct limit){ true, 3 };
	r->clear.for_ns = 0;
	run(1);
	feed(100, "a", 7, 1);
	feed(109, "a", 7, 1);
	tick(110);
	assert_last(1, ALERT_FIRING);
	feed(110, "a", 7, 1);
	feed(110, "a", 7, 1);
	tick(111);
	assert_int_equal(w.n_seen, 1);
	feed(111, "a", 7, 1);
	tick(112);
	assert_last(2, ALERT_RESOLVED);
}

static void nothing_is_below_a_limit_before_the_window_is_full(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	r->judge.leaves[0].below = (struct limit){ true, 5 };
	run(1);
	feed(100, "a", 7, 1);
	tick_until(100, 109);
	assert_int_equal(w.n_seen, 0);
	tick(110);
	assert_last(1, ALERT_FIRING);
}

static void a_rate_without_a_field_counts_events(void **state)
{
	struct rule *r = window_rule(AGGREGATE_RATE);

	(void)state;
	r->judge.leaves[0].value.terms[0].field = NULL;
	r->judge.leaves[0].value.unit = UNIT_PER_S;
	r->judge.leaves[0].above = (struct limit){ true, 0.25 };
	run(1);
	feed(100, "a", 7, 99);
	feed(101, "a", 7, 99);
	assert_int_equal(w.n_seen, 0);
	feed(102, "a", 7, 99);
	assert_last(1, ALERT_FIRING);
	assert_true(fabs(last()->value - 0.3) < 1e-9);
}

/* A tick that comes late must not bring a third sample into a window of two seconds. */
static void a_window_of_n_seconds_holds_n_samples_of_one_second(void **state)
{
	(void)state;
	cpu_rule()->judge.leaves[0].above = (struct limit){ true, 1000 };
	run(1);
	for (unsigned i = 0; i < 5; i++) {
		double at_s = 100 + i - (i == 4 ? 0.01 : 0);

		feed_sched(at_s, 1, 1);
		tick(at_s);
	}
	assert_int_equal(w.n_seen, 0);
}

/* After a tick that came ten seconds late neither all of its sample nor nothing is in the window. */
static void a_sample_longer_than_the_window_brings_its_share(void **state)
{
	(void)state;
	cpu_rule()->judge.leaves[0].above = (struct limit){ true, 400 };
	run(1);
	feed_sched(100, 1, 0.1);
	tick(100);
	feed_sched(110, 10, 0.5);
	assert_last(1, ALERT_FIRING);
	assert_true(fabs(last()->value - 500) < 1e-9);
	tick(110);
	assert_int_equal(w.n_seen, 1);
}

static void a_tick_that_is_early_by_a_little_does_not_wait_for_the_next(void **state)
{
	struct rule *r = window_rule(AGGREGATE_AVG);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 10 };
	r->for_ns = ns(5);
	run(1);
	feed(100, "a", 7, 20);
	tick(100.02);
	tick(104.02);
	assert_int_equal(w.n_seen, 0);
	tick(105.001);
	assert_last(1, ALERT_FIRING);
}

static void a_value_that_is_gone_is_no_longer_beyond_any_limit(void **state)
{
	struct rule *r = window_rule(AGGREGATE_AVG);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 10 };
	r->clear.below = (struct limit){ true, 5 };
	run(1);
	feed(100, "a", 7, 20);
	tick_until(100, 119);
	assert_int_equal(w.n_seen, 1);
	tick(120);
	assert_last(2, ALERT_RESOLVED);
}

static void a_windowed_rule_fires_after_holding_for_the_pending_time(void **state)
{
	struct rule *r = window_rule(AGGREGATE_AVG);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 10 };
	r->for_ns = ns(3);
	run(1);
	feed(100, "a", 7, 20);
	assert_int_equal(w.n_seen, 0);
	tick_until(100, 102);
	feed(102.5, "a", 7, 0); /* average 10: not above */
	tick(103);
	feed(103.5, "a", 7, 40); /* 20 */
	tick_until(103, 106);
	assert_int_equal(w.n_seen, 0);
	tick(107);
	assert_last(1, ALERT_FIRING);
	assert_int_equal(last()->started_ns, ns(104));
	assert_true(last()->value == 20 && last()->samples == 3);
}

static void quantiles_are_judged_at_the_tick_and_show_the_worst_event(void **state)
{
	window_rule(AGGREGATE_QUANTILE)->judge.leaves[0].above = (struct limit){ true, 10 };
	(void)state;
	run(1);
	feed(100, "a", 7, 11);
	feed(100.1, "a", 7, 90);
	feed(100.2, "a", 7, 5);
	assert_int_equal(w.n_seen, 0);
	tick(101);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 11);
	assert_true(w.seen[0].latency_ms == 90);
	tick_until(101, 119);
	assert_int_equal(w.n_seen, 1);
	tick_until(119, 121); /* without samples since 111 */
	assert_last(2, ALERT_RESOLVED);
	assert_true(isnan(last()->value));
}

static void the_worst_event_may_be_of_the_older_half_of_the_window(void **state)
{
	window_rule(AGGREGATE_SUM)->judge.leaves[0].above = (struct limit){ true, 82 };
	(void)state;
	run(1);
	feed(100, "a", 7, 81);
	feed(106, "a", 7, 1);
	feed(107, "a", 7, 1);
	assert_last(1, ALERT_FIRING);
	assert_true(w.seen[0].latency_ms == 81);
}

static void a_worse_event_that_left_the_window_hides_no_other(void **state)
{
	struct rule *r = window_rule(AGGREGATE_QUANTILE);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 10 };
	r->judge.leaves[0].min_samples = 3;
	run(1);
	feed(100, "a", 7, 90);
	feed(106, "a", 7, 80);
	feed(110.5, "a", 7, 11);
	feed(110.6, "a", 7, 12);
	tick(111);
	assert_last(1, ALERT_FIRING);
	assert_true(w.seen[0].latency_ms == 80);
}

static void the_event_stays_the_same_until_the_alert_resolves(void **state)
{
	struct rule *r = window_rule(AGGREGATE_MAX);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 10 };
	r->repeat_ns = ns(20);
	r->for_ns = ns(6);
	run(1);
	feed(100, "a", 7, 90);
	feed(106, "a", 7, 20);
	assert_last(1, ALERT_FIRING);
	for (unsigned s = 107; s < 140; s++)
		feed(s, "a", 7, s == 120 ? 99 : 30);
	tick_until(139, 170);
	assert_last(4, ALERT_RESOLVED);
	for (unsigned i = 0; i < w.n_seen; i++)
		assert_true(w.seen[i].latency_ms == 90);
	feed(200, "a", 7, 15);
	feed(206, "a", 7, 14);
	assert_last(5, ALERT_FIRING);
	assert_true(w.seen[4].latency_ms == 15);
}

static void an_event_to_show_is_not_older_than_the_window(void **state)
{
	window_rule(AGGREGATE_SUM)->judge.leaves[0].above = (struct limit){ true, 100 };
	(void)state;
	run(1);
	feed(100, "a", 7, 90);
	feed(111, "a", 7, 60);
	feed(112, "a", 7, 50);
	assert_last(1, ALERT_FIRING);
	assert_true(w.seen[0].latency_ms == 60);
}

static void too_few_samples_are_no_verdict(void **state)
{
	struct rule *r = window_rule(AGGREGATE_AVG);

	(void)state;
	r->judge.leaves[0].above = (struct limit){ true, 10 };
	r->judge.leaves[0].min_samples = 3;
	run(1);
	feed(100, "a", 7, 50);
	feed(100, "a", 7, 50);
	tick(101);
	assert_int_equal(w.n_seen, 0);
	feed(101, "a", 7, 50);
	tick(102);
	assert_last(1, ALERT_FIRING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_count_fires_with_the_event_that_crosses_the_limit),
		TEST(an_alert_clears_after_the_condition_was_false_for_the_clearing_time),
		TEST(hysteresis_holds_an_alert_between_its_two_limits),
		TEST(hysteresis_works_from_below_too),
		TEST(nothing_is_below_a_limit_before_the_window_is_full),
		TEST(a_rate_without_a_field_counts_events),
		TEST(a_window_of_n_seconds_holds_n_samples_of_one_second),
		TEST(a_sample_longer_than_the_window_brings_its_share),
		TEST(a_tick_that_is_early_by_a_little_does_not_wait_for_the_next),
		TEST(a_value_that_is_gone_is_no_longer_beyond_any_limit),
		TEST(a_windowed_rule_fires_after_holding_for_the_pending_time),
		TEST(quantiles_are_judged_at_the_tick_and_show_the_worst_event),
		TEST(the_worst_event_may_be_of_the_older_half_of_the_window),
		TEST(a_worse_event_that_left_the_window_hides_no_other),
		TEST(the_event_stays_the_same_until_the_alert_resolves),
		TEST(an_event_to_show_is_not_older_than_the_window),
		TEST(too_few_samples_are_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
