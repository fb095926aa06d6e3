/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an alert on single events, and several rules at once. */
#include "engine_world.h"

static void a_point_fires_on_arrival_and_resolves_when_nothing_matched_for_keep(void **state)
{
	(void)state;
	point_rule();
	run(1);
	feed(100.2, "db", 7, 31.5);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 31.5 && last()->threshold == 10);
	assert_int_equal(last()->samples, 1);
	assert_int_equal(last()->started_ns, ns(100.2));
	assert_int_equal(last()->ended_ns, 0);
	assert_true(last()->wall_offset_ns == WALL_OFFSET_NS);
	assert_true(last()->event.wall_offset_ns == WALL_OFFSET_NS);
	assert_int_equal(last()->quality, QUALITY_COMPLETE);
	assert_string_equal(last()->id, last()->incident);
	assert_string_equal(w.seen[0].key, "db");
	tick_until(100, 130);
	assert_int_equal(w.n_seen, 1);
	tick(131);
	assert_last(2, ALERT_RESOLVED);
	assert_int_equal(last()->started_ns, ns(100.2));
	assert_int_equal(last()->ended_ns, ns(131));
	assert_string_equal(last()->incident, w.seen[0].t.id);
	assert_string_not_equal(last()->id, w.seen[0].t.id);
	assert_int_equal(engine_stats(w.engine)->keys, 0);
}

static void an_incident_fires_once_however_many_events_match(void **state)
{
	(void)state;
	point_rule();
	run(1);
	for (unsigned i = 0; i < 101; i++) {
		feed(100 + i, "db", 7, 11 + i);
		tick(100.5 + i);
	}
	assert_int_equal(w.n_seen, 1);
	tick_until(200, 230);
	assert_last(2, ALERT_RESOLVED);
	assert_int_equal(last()->samples, 101);
	assert_true(last()->value == 111);
	/* the event is still the one that fired */
	assert_true(w.seen[1].latency_ms == 11);
	/* afterwards a new incident */
	feed(300, "db", 7, 12);
	assert_last(3, ALERT_FIRING);
	assert_string_not_equal(last()->incident, w.seen[0].t.incident);
	assert_int_equal(last()->samples, 1);
}

static void a_value_at_the_limit_is_not_beyond_it(void **state)
{
	(void)state;
	point_rule();
	run(1);
	feed(1, "db", 7, 10);
	assert_int_equal(w.n_seen, 0);
	assert_int_equal(engine_stats(w.engine)->keys, 0);
	feed(1, "db", 7, 10.000001);
	assert_last(1, ALERT_FIRING);
}

static void a_pending_point_fires_with_the_event_that_comes_late_enough(void **state)
{
	point_rule()->for_ns = ns(5);
	(void)state;
	run(1);
	feed(100, "db", 7, 20);
	tick_until(100, 104);
	feed(104.9, "db", 8, 20);
	tick(106);
	assert_int_equal(w.n_seen, 0);
	feed(106.5, "db", 9, 20);
	assert_last(1, ALERT_FIRING);
	assert_int_equal(last()->started_ns, ns(100));
	assert_int_equal(last()->samples, 3);
	assert_int_equal(w.seen[0].pid, 9);
}

static void a_gap_of_keep_starts_the_pending_time_over(void **state)
{
	struct rule *r = point_rule();

	(void)state;
	r->for_ns = ns(40);
	run(1);
	feed(100, "db", 7, 20);
	feed(129, "db", 7, 20);
	feed(160, "db", 7, 20); /* no tick saw the gap */
	assert_int_equal(w.n_seen, 0);
	tick_until(160, 200);
	assert_int_equal(engine_stats(w.engine)->keys, 0);
	feed(200, "db", 7, 20);
	feed(220, "db", 7, 20);
	feed(240, "db", 7, 20);
	assert_last(1, ALERT_FIRING);
	assert_int_equal(last()->started_ns, ns(200));
	assert_int_equal(last()->samples, 3);
	feed(300, "new", 7, 20);
	feed(330, "new", 7, 20); /* over again */
	feed(350, "new", 7, 20);
	feed(370, "new", 7, 20);
	assert_last(2, ALERT_FIRING);
	assert_int_equal(last()->started_ns, ns(330));
	assert_int_equal(last()->samples, 3);
}

static void a_firing_point_is_repeated_in_the_same_incident(void **state)
{
	point_rule()->repeat_ns = ns(60);
	(void)state;
	run(1);
	for (unsigned s = 1; s <= 150; s++) {
		feed(s, "db", 7, 20);
		tick(s);
	}
	assert_int_equal(w.n_seen, 3);
	assert_true(w.seen[1].t.repeat && w.seen[2].t.repeat && !w.seen[0].t.repeat);
	assert_int_equal(w.seen[1].t.state, ALERT_FIRING);
	assert_int_equal(w.seen[1].t.samples, 61);
	assert_string_equal(w.seen[2].t.incident, w.seen[0].t.id);
	assert_true(strcmp(w.seen[2].t.id, w.seen[1].t.id) > 0);
	assert_int_equal(engine_stats(w.engine)->fired, 1);
}

static void late_events_do_no_harm(void **state)
{
	point_rule()->for_ns = ns(1);
	(void)state;
	run(1);
	feed(100, "db", 7, 20);
	feed(99.5, "db", 7, 20);
	feed(98, "db", 7, 20);
	tick(99);
	assert_int_equal(w.n_seen, 0);
	feed(101, "db", 7, 20);
	assert_last(1, ALERT_FIRING);
	assert_int_equal(last()->started_ns, ns(100));
	feed(90, "db", 7, 20);
	tick(130.9);
	assert_int_equal(w.n_seen, 1);
	tick(131);
	assert_last(2, ALERT_RESOLVED);
}

static void rules_see_only_their_own_events(void **state)
{
	struct ev_sched record = { .ts_ns = ns(1), .pid = 7, .cpu_time_ns = 900 * NS_PER_MS };
	struct event ev = { .type = type_of("sched"), .record = &record, .wall_offset_ns = 0 };

	(void)state;
	w.rules[1] = *point_rule();
	w.rules[1].judge.leaves[0].above.at = 15;
	point_rule();
	w.rules[2] = (struct rule){
		.name = "hog",
		.on = type_of("sched"),
		.judge = one_leaf((struct term){ .aggregate = AGGREGATE_NONE,
						 .field = field_of("sched", "cpu_time_ms"),
						 .quantile = 0 },
				  UNIT_MS, "", 0, (struct limit){ true, 800 }),
	};
	run(3);
	engine_feed(w.engine, &ev);
	assert_int_equal(w.n_seen, 1);
	assert_ptr_equal(last()->rule, &w.rules[2]);
	feed(2, "db", 7, 12);
	assert_int_equal(w.n_seen, 2);
	assert_ptr_equal(last()->rule, &w.rules[0]);
	assert_int_equal(engine_stats(w.engine)->events, 2);
	assert_int_equal(engine_stats(w.engine)->matched, 3);
}

static void where_selects_events(void **state)
{
	struct expr_error error;
	struct expr *where = expr_parse("comm == 'db'", type_of("syscall"), &error);

	(void)state;
	assert_non_null(where);
	point_rule()->where = where;
	run(1);
	feed(1, "other", 7, 50);
	assert_int_equal(w.n_seen, 0);
	assert_int_equal(engine_stats(w.engine)->matched, 0);
	feed(1, "db", 7, 50);
	assert_int_equal(w.n_seen, 1);
	expr_free(where);
}

static void churn(void)
{
	window_rule(AGGREGATE_COUNT)->judge.leaves[0].above = (struct limit){ true, 3 };
	w.max_keys = 20;
	run(1);
	for (unsigned i = 0; i < 3001; i++) {
		feed(i / 10.0, "a", i * i % 37, 1);
		if (i % 10 == 0)
			tick(i / 10.0);
	}
	engine_free(w.engine);
	w.engine = NULL;
}

static void the_same_calls_give_the_same_transitions(void **state)
{
	static struct seen first[SEEN_MAX];
	unsigned n;

	(void)state;
	churn();
	n = w.n_seen;
	assert_true(n > 10);
	memcpy(first, w.seen, sizeof(first));
	w.n_seen = 0;
	churn();
	assert_int_equal(w.n_seen, n);
	for (unsigned i = 0; i < n; i++) {
		assert_string_equal(first[i].t.id, w.seen[i].t.id);
		assert_string_equal(first[i].key, w.seen[i].key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_point_fires_on_arrival_and_resolves_when_nothing_matched_for_keep),
		TEST(an_incident_fires_once_however_many_events_match),
		TEST(a_value_at_the_limit_is_not_beyond_it),
		TEST(a_pending_point_fires_with_the_event_that_comes_late_enough),
		TEST(a_gap_of_keep_starts_the_pending_time_over),
		TEST(a_firing_point_is_repeated_in_the_same_incident),
		TEST(late_events_do_no_harm),
		TEST(rules_see_only_their_own_events),
		TEST(where_selects_events),
		TEST(the_same_calls_give_the_same_transitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
