/* SPDX-License-Identifier: BSD-2-Clause */
/* What a condition can say beyond one aggregate and one limit. */
#include "engine_world.h"

static struct expr *where(const char *text)
{
	struct expr_error error = { 0 };
	struct expr *e = expr_parse(text, type_of("syscall"), &error);

	assert_non_null(e);
	return e;
}

static struct leaf *leaf_of(struct rule *r, unsigned i)
{
	return &r->judge.leaves[i];
}

/* "a / b" over the terms given. */
static void make_ratio(struct leaf *l, struct term a, struct term b)
{
	a.scale = b.scale = 1;
	l->value.terms[0] = a;
	l->value.terms[1] = b;
	l->value.n_terms = 2;
	l->value.ops[0] = (struct op){ .code = OP_TERM, .term = 0 };
	l->value.ops[1] = (struct op){ .code = OP_TERM, .term = 1 };
	l->value.ops[2] = (struct op){ .code = OP_DIV };
	l->value.n_ops = 3;
	l->value.unit = UNIT_NONE;
}

static void feed_ret(double at_s, int64_t ret, uint64_t latency_ns)
{
	struct ev_syscall record = {
		.ts_ns = ns(at_s), .pid = 7, .comm = "a", .latency_ns = latency_ns, .ret = ret
	};

	feed_record(&record);
}

static void a_share_of_events_is_judged_at_the_tick(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);
	struct expr *failed = where("ret < 0");

	(void)state;
	make_ratio(leaf_of(r, 0), (struct term){ .aggregate = AGGREGATE_COUNT, .where = failed },
		   (struct term){ .aggregate = AGGREGATE_COUNT });
	leaf_of(r, 0)->above = (struct limit){ true, 0.5 };
	leaf_of(r, 0)->min_samples = 4;
	run(1);
	feed_ret(100.1, -1, 0);
	feed_ret(100.2, -1, 0);
	feed_ret(100.3, 0, 0);
	tick(101);
	assert_int_equal(w.n_seen, 0); /* too few */
	feed_ret(101.1, 0, 0);
	tick(102);
	assert_int_equal(w.n_seen, 0); /* half is not more than half */
	feed_ret(102.1, -1, 0);
	tick(103);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 0.6 && last()->samples == 5);
	tick_until(103, 125); /* 0 / 0 is no value */
	assert_last(2, ALERT_RESOLVED);
	assert_true(isnan(last()->value));
	expr_free(failed);
}

static void what_was_not_measured_is_no_sample(void **state)
{
	struct rule *r = window_rule(AGGREGATE_AVG);

	(void)state;
	leaf_of(r, 0)->above = (struct limit){ true, 10 };
	leaf_of(r, 0)->min_samples = 2;
	run(1);
	feed_ret(100, 0, 30 * NS_PER_MS);
	feed_ret(100, 0, NOT_MEASURED);
	tick(101);
	assert_int_equal(w.n_seen, 0);
	feed_ret(101, 0, 10 * NS_PER_MS);
	tick(102);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 20 && last()->samples == 2);
}

static void two_sources_meet_in_one_key(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	r->with = type_of("sched");
	r->with_by[0] = field_of("sched", "pid");
	make_ratio(leaf_of(r, 0), (struct term){ .aggregate = AGGREGATE_COUNT },
		   (struct term){ .aggregate = AGGREGATE_SUM,
				  .source = 1,
				  .field = field_of("sched", "cpu_time_ms") });
	leaf_of(r, 0)->above = (struct limit){ true, 0.004 };
	run(1);
	feed(100.1, "a", 7, 1); /* feed_sched() is of pid 7 too */
	feed(100.2, "a", 8, 1);
	feed_sched(101, 1, 0.5);
	tick(101);
	assert_int_equal(w.n_seen, 0); /* 1 / 500 */
	assert_int_equal(engine_stats(w.engine)->keys, 2);
	feed(101.1, "a", 7, 1);
	feed(101.2, "a", 7, 1);
	tick(102);
	assert_last(1, ALERT_FIRING);
	assert_string_equal(w.seen[0].key, "7");
	assert_true(last()->value == 3.0 / 500);
	assert_int_equal(w.seen[0].pid, 7);
}

static void different_values_are_counted(void **state)
{
	struct rule *r = window_rule(AGGREGATE_DISTINCT);

	(void)state;
	leaf_of(r, 0)->value.terms[0].field = field_of("syscall", "comm");
	leaf_of(r, 0)->above = (struct limit){ true, 2 };
	run(1);
	feed(100.1, "a", 7, 1);
	feed(100.2, "b", 7, 1);
	feed(100.3, "a", 7, 1);
	tick(101);
	assert_int_equal(w.n_seen, 0);
	feed(101.1, "c", 7, 1);
	tick(102);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 3);
	assert_int_equal(last()->samples, 4);
}

static void stddev_and_last_are_judged(void **state)
{
	(void)state;
	leaf_of(window_rule(AGGREGATE_STDDEV), 0)->above = (struct limit){ true, 4.9 };
	w.rules[1] = w.rules[0];
	leaf_of(&w.rules[1], 0)->value.terms[0].aggregate = AGGREGATE_LAST;
	leaf_of(&w.rules[1], 0)->above.at = 19;
	run(2);
	feed(100.2, "a", 7, 20);
	feed(100.1, "a", 7, 10); /* came late */
	tick(101);
	assert_int_equal(w.n_seen, 2);
	assert_true(w.seen[0].t.value == 5 && w.seen[1].t.value == 20);
}

static void outside_is_beyond_either(void **state)
{
	struct rule *r = window_rule(AGGREGATE_AVG);

	(void)state;
	leaf_of(r, 0)->outside_low = (struct limit){ true, 10 };
	leaf_of(r, 0)->outside_high = (struct limit){ true, 20 };
	r->clear.for_ns = 0;
	run(1);
	for (unsigned s = 100; s < 111; s++) { /* a window that is not full is not below */
		feed(s, "a", 7, s < 109 ? 15 : 14);
		tick(s + 0.5);
	}
	assert_int_equal(w.n_seen, 0);
	feed(120, "a", 7, 5);
	tick(121);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 5 && last()->threshold == 10);
	feed(131, "a", 7, 15);
	tick(132);
	assert_last(2, ALERT_RESOLVED);
	feed(133, "a", 7, 35);
	tick(134);
	assert_last(3, ALERT_FIRING);
	assert_true(last()->value == 25 && last()->threshold == 20);
}

/* n events a second for so many seconds, each second with its tick. */
static void steady(unsigned from_s, unsigned until_s, unsigned n)
{
	for (unsigned s = from_s; s < until_s; s++) {
		for (unsigned i = 0; i < n; i++)
			feed(s + (i + 0.5) / n, "a", 7, 1);
		tick(s + 1);
	}
}

static void a_change_is_against_the_same_window_earlier(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	leaf_of(r, 0)->change = (struct comparison){
		.ago_ns = ns(60), .relative = true, .above = { true, 0.5 }, .below = { true, -0.5 }
	};
	r->clear.for_ns = 0;
	run(1);
	steady(100, 180, 10);
	assert_int_equal(w.n_seen, 0);
	steady(180, 190, 14);
	assert_int_equal(w.n_seen, 0); /* 40 % more */
	steady(190, 200, 16);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value > 150 && last()->value < 160);
	assert_true(fabs(last()->threshold - 150) < 1e-9);
	steady(200, 300, 16);
	assert_last(2, ALERT_RESOLVED);
	tick_until(300, 311);
	assert_last(3, ALERT_FIRING);
	assert_true(last()->threshold <= 80);
}

static void silence_of_a_known_key_is_seen(void **state)
{
	struct rule *r = point_rule();

	(void)state;
	r->judge.leaves[0] = (struct leaf){ .absent_ns = ns(60), .value.unit = UNIT_S };
	r->judge.leaves[0].value.text = (char *)"absent";
	run(1);
	tick(99);
	feed(100, "a", 7, 1);
	feed(130, "b", 7, 1);
	tick_until(130, 159);
	assert_int_equal(w.n_seen, 0);
	tick(160);
	assert_last(1, ALERT_FIRING);
	assert_string_equal(w.seen[0].key, "a");
	assert_true(last()->value == 60 && last()->threshold == 60);
	tick(191);
	assert_last(2, ALERT_FIRING);
	assert_string_equal(w.seen[1].key, "b");
	feed(192, "a", 7, 1);
	tick_until(192, 203);
	assert_last(3, ALERT_RESOLVED);
	assert_string_equal(w.seen[2].key, "a");
}

static void without_keys_silence_from_the_start_is_seen_too(void **state)
{
	struct rule *r = point_rule();

	(void)state;
	r->n_by = 0;
	r->judge.leaves[0] = (struct leaf){ .absent_ns = ns(60), .value.unit = UNIT_S };
	run(1);
	tick_until(100, 160);
	assert_int_equal(w.n_seen, 0);
	tick(161);
	assert_last(1, ALERT_FIRING);
	assert_null(last()->event.type);
	assert_true(last()->event.wall_offset_ns == WALL_OFFSET_NS);
	/* a loss may be what was missed */
	lose(161.5, 3);
	for (unsigned s = 162; s < 220; s++)
		feed(s, "a", 7, 1);
	tick_until(162, 221);
	assert_int_equal(w.n_seen, 1);
	tick_until(221, 240);
	assert_last(2, ALERT_RESOLVED);
}

static void rules_that_share_their_windows_all_see_silence_from_the_start(void **state)
{
	struct rule *r = point_rule();

	(void)state;
	r->n_by = 0;
	r->judge.leaves[0] = (struct leaf){ .absent_ns = ns(60), .value.unit = UNIT_S };
	w.rules[1] = *r;
	w.rules[1].name = "slower";
	w.rules[1].judge.leaves[0].absent_ns = ns(90);
	run(2);
	tick_until(100, 161);
	assert_last(1, ALERT_FIRING);
	assert_ptr_equal(last()->rule, &w.rules[0]);
	tick_until(162, 190);
	assert_int_equal(w.n_seen, 1);
	tick(191);
	assert_last(2, ALERT_FIRING);
	assert_ptr_equal(last()->rule, &w.rules[1]);
}

/* count() above 2 and, or or, max(latency_ms) above 50 */
static struct rule *two_leaves(enum node_kind kind)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);
	struct when *when = &r->judge;

	when->leaves[1] = one_leaf((struct term){ .aggregate = AGGREGATE_MAX,
						  .field = field_of("syscall", "latency_ms") },
				   UNIT_MS, "max(latency_ms)", ns(20), (struct limit){ true, 50 })
				  .leaves[0];
	when->leaves[0].above = (struct limit){ true, 2 };
	when->n_leaves = 2;
	when->nodes[0] = (struct tree_node){ .kind = kind, .skip = 3 };
	when->nodes[1] = (struct tree_node){ .kind = NODE_LEAF, .leaf = 0, .skip = 1 };
	when->nodes[2] = (struct tree_node){ .kind = NODE_LEAF, .leaf = 1, .skip = 1 };
	when->n_nodes = 3;
	return r;
}

static void all_parts_must_hold(void **state)
{
	(void)state;
	two_leaves(NODE_ALL);
	run(1);
	feed(100, "a", 7, 60);
	feed(101, "a", 7, 1);
	assert_int_equal(w.n_seen, 0);
	feed(102, "a", 7, 1);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 3 && last()->threshold == 2);
	assert_int_equal(last()->n_conditions, 2);
	assert_true(last()->conditions[0].held && last()->conditions[1].held);
	assert_true(last()->conditions[1].value == 60 && last()->conditions[1].limit == 50);
	tick_until(102, 122); /* three in 10 s until 110 */
	assert_last(2, ALERT_RESOLVED);
	assert_false(last()->conditions[0].held);
}

static void any_part_is_enough_and_is_shown(void **state)
{
	(void)state;
	two_leaves(NODE_ANY);
	run(1);
	feed(100, "a", 7, 60);
	assert_last(1, ALERT_FIRING);
	assert_true(last()->value == 60 && last()->threshold == 50);
	assert_ptr_equal(last()->leaf, &w.rules[0].judge.leaves[1]);
	assert_false(last()->conditions[0].held);
	assert_true(last()->conditions[1].held);
	tick_until(100, 129);
	assert_int_equal(w.n_seen, 1);
	tick(130);
	assert_last(2, ALERT_RESOLVED);
}

static void escalate(struct rule *r, unsigned i, enum severity severity, double above)
{
	r->escalations[i] = (struct escalation){ .severity = severity, .above = { true, above } };
	r->n_escalations = i + 1;
}

static void severity_rises_at_once_and_falls_after_a_while(void **state)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);

	(void)state;
	r->severity = SEVERITY_INFO;
	leaf_of(r, 0)->above = (struct limit){ true, 1 };
	escalate(r, 0, SEVERITY_WARNING, 3);
	escalate(r, 1, SEVERITY_CRITICAL, 5);
	run(1);
	feed(100, "a", 7, 1);
	feed(100.1, "a", 7, 1);
	assert_last(1, ALERT_FIRING);
	assert_int_equal(last()->severity, SEVERITY_INFO);
	assert_true(last()->threshold == 1);
	for (unsigned i = 2; i < 6; i++)
		feed(100 + i / 10.0, "a", 7, 1);
	assert_int_equal(w.n_seen, 3);
	assert_int_equal(w.seen[1].t.severity, SEVERITY_WARNING);
	assert_true(w.seen[1].t.value == 4 && w.seen[1].t.threshold == 3);
	assert_int_equal(w.seen[2].t.severity, SEVERITY_CRITICAL);
	assert_false(w.seen[2].t.repeat);
	assert_string_equal(w.seen[2].t.incident, w.seen[0].t.id);
	/* three to five from 110.5 on */
	for (unsigned s = 0; s < 30; s++) {
		tick(100.7 + s);
		if (s % 13 == 0 || s % 13 == 3 || s % 13 == 5 || s % 13 == 8 || s % 13 == 11)
			feed(101 + s, "a", 7, 1);
		if (s < 20)
			assert_int_equal(w.n_seen, 3);
	}
	assert_int_equal(w.n_seen, 4);
	assert_int_equal(last()->severity, SEVERITY_WARNING);
	assert_int_equal(last()->state, ALERT_FIRING);
	tick_until(129, 160);
	assert_last(5, ALERT_RESOLVED);
	assert_int_equal(last()->severity, SEVERITY_WARNING);
}

/* Fires when three of the last five ticks were above 10 ms. */
static void run_three_of_five(void)
{
	struct rule *r = window_rule(AGGREGATE_LAST);

	leaf_of(r, 0)->above = (struct limit){ true, 10 };
	leaf_of(r, 0)->window_ns = ns(1);
	r->hits = 3;
	r->of = 5;
	run(1);
}

static void so_many_of_the_last_ticks_make_it_fire(void **state)
{
	(void)state;
	run_three_of_five();
	for (unsigned s = 100; s < 110; s++) { /* every second one: never more than 3 of 5 */
		feed(s + 0.5, "a", 7, s % 2 ? 20 : 5);
		tick(s + 1);
		if (s == 104)
			assert_int_equal(w.n_seen, 0);
	}
	assert_int_equal(w.n_seen, 1);
	assert_int_equal(last()->started_ns, ns(102));
}

static void two_hits_of_five_are_not_three(void **state)
{
	(void)state;
	run_three_of_five();
	for (unsigned s = 100; s < 140; s++) {
		feed(s + 0.5, "a", 7, s % 5 < 2 ? 20 : 5);
		tick(s + 1);
	}
	assert_int_equal(w.n_seen, 0);
}

static uint64_t matched_by(const char *condition, const char *comm)
{
	struct rule *r = window_rule(AGGREGATE_COUNT);
	struct expr *e = where(condition);
	uint64_t matched;

	leaf_of(r, 0)->above = (struct limit){ true, 100 };
	w.rules[1] = *r; /* so that there is another to be told apart from */
	w.rules[0].where = e;
	run(2);
	feed(100, comm, 7, 20);
	matched = engine_stats(w.engine)->matched;
	engine_free(w.engine);
	w.engine = NULL;
	expr_free(e);
	return matched - 1;
}

/* What the table of what conditions ask for leaves out, does not match; the rest is tried. */
static void a_rule_sees_what_its_condition_asks_for(void **state)
{
	(void)state;
	assert_int_equal(matched_by("comm == 'nginx'", "nginx"), 1);
	assert_int_equal(matched_by("comm == 'nginx'", "ngin"), 0);
	assert_int_equal(matched_by("comm == 'nginx'", "nginxx"), 0);
	assert_int_equal(matched_by("comm == 'worker-8'", "worker-8"), 1);
	assert_int_equal(matched_by("comm == 'worker-8'", "worker-80"), 0);
	assert_int_equal(matched_by("comm == 'fifteen-letters'", "fifteen-letters"), 1);
	assert_int_equal(matched_by("comm == 'fifteen-letters'", "fifteen-letter"), 0);
	assert_int_equal(matched_by("comm == 'fifteen-letters.'", "fifteen-letters"), 0);
	assert_int_equal(matched_by("comm == ''", ""), 1);
	assert_int_equal(matched_by("comm == ''", "a"), 0);
	assert_int_equal(matched_by("comm in ('a', 'b', 'nginx')", "nginx"), 1);
	assert_int_equal(matched_by("comm in ('a', 'b', 'nginx')", "c"), 0);
	assert_int_equal(matched_by("comm like 'postgres*'", "postgres: x"), 1);
	assert_int_equal(matched_by("comm like 'postgres*'", "postgre"), 0);
	assert_int_equal(matched_by("comm like 'pos*ql'", "posql"), 1);
	assert_int_equal(matched_by("comm like 'pos*ql'", "po"), 0);
	assert_int_equal(matched_by("comm like '*ql'", "ql"), 1);
	assert_int_equal(matched_by("pid == 7", "a"), 1);
	assert_int_equal(matched_by("pid in (1, 2)", "a"), 0);
	assert_int_equal(matched_by("not (comm == 'nginx')", "a"), 1);
	assert_int_equal(matched_by("not (comm == 'nginx')", "nginx"), 0);
	assert_int_equal(matched_by("comm != 'nginx'", "a"), 1);
	assert_int_equal(matched_by("comm != 'nginx'", "nginx"), 0);
	assert_int_equal(matched_by("comm not in ('b', 'nginx')", "a"), 1);
	assert_int_equal(matched_by("comm not like 'post*'", "a"), 1);
	assert_int_equal(matched_by("pid != 8", "a"), 1);
	assert_int_equal(matched_by("comm == 'a' or pid == 7", "b"), 1);
	assert_int_equal(matched_by("comm == 'a' and pid == 8", "a"), 0);
	assert_int_equal(matched_by("comm == 'a' and pid == 7 and latency_ms > 19", "a"), 1);
	assert_int_equal(matched_by("latency_ms > 19.9 and latency_ms <= 20", "a"), 1);
	assert_int_equal(matched_by("latency_ms < 20", "a"), 0);
	assert_int_equal(matched_by("latency_ms >= 20", "a"), 1);
	assert_int_equal(matched_by("latency_ms > 20", "a"), 0);
	assert_int_equal(matched_by("ret >= 0 and ret < 1", "a"), 1);
	assert_int_equal(matched_by("ret > -1 and ret <= -0.5", "a"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_share_of_events_is_judged_at_the_tick),
		TEST(what_was_not_measured_is_no_sample),
		TEST(two_sources_meet_in_one_key),
		TEST(different_values_are_counted),
		TEST(stddev_and_last_are_judged),
		TEST(outside_is_beyond_either),
		TEST(a_change_is_against_the_same_window_earlier),
		TEST(silence_of_a_known_key_is_seen),
		TEST(without_keys_silence_from_the_start_is_seen_too),
		TEST(rules_that_share_their_windows_all_see_silence_from_the_start),
		TEST(all_parts_must_hold),
		TEST(any_part_is_enough_and_is_shown),
		TEST(severity_rises_at_once_and_falls_after_a_while),
		TEST(so_many_of_the_last_ticks_make_it_fire),
		TEST(two_hits_of_five_are_not_three),
		TEST(a_rule_sees_what_its_condition_asks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
