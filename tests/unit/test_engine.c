/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine in virtual time: rules built by hand, events made up, transitions written down. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/engine.h"

#define SEEN_MAX       4096
#define WALL_OFFSET_NS 1700000000000000000

/* A transition as it was when it came. */
struct seen {
	struct transition t;
	char key[64];
	unsigned pid;	   /* of its event */
	double latency_ms; /* of its event, for syscall */
	double center;	   /* of its baseline */
};

struct world {
	struct rule rules[3];
	struct rule_set set;
	struct engine *engine;
	unsigned max_keys;
	struct seen seen[SEEN_MAX];
	unsigned n_seen;
};

static struct world w;

static const struct event_type *type_of(const char *name)
{
	return event_type_find(name, strlen(name));
}

static const struct field *field_of(const char *type, const char *name)
{
	return event_field_find(type_of(type), name, strlen(name));
}

static uint64_t ns(double seconds)
{
	return (uint64_t)llround(seconds * 1e9);
}

static void write_down(void *ctx, const struct transition *t)
{
	struct seen *s = &w.seen[w.n_seen++];
	CLEANUP(buf_fini) struct buf key = { 0 };

	(void)ctx;
	assert_true(w.n_seen < SEEN_MAX);
	s->t = *t;
	for (unsigned i = 0; i < t->rule->n_by; i++) {
		buf_adds(&key, i ? "," : "");
		value_write_text(&t->key[i], &key);
	}
	(void)snprintf(s->key, sizeof(s->key), "%s", buf_str(&key));
	if (t->event.type == type_of("syscall")) {
		const struct ev_syscall *r = t->event.record;

		s->pid = r->pid;
		s->latency_ms = (double)r->latency_ns / 1e6;
	}
	s->center = t->baseline ? t->baseline->center : NAN;
}

static int start_world(void **state)
{
	(void)state;
	w = (struct world){ 0 };
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	engine_free(w.engine);
	w.engine = NULL;
	return 0;
}

/* The rules are in; from here on events and ticks. */
static void run(unsigned n_rules)
{
	struct engine_conf conf = {
		.rules = &w.set,
		.seed = 42,
		.max_keys = w.max_keys,
		.on_transition = write_down,
	};

	w.set = (struct rule_set){ .rules = w.rules, .n_rules = n_rules };
	w.engine = engine_new(&conf);
}

/* "latency_ms above 10 ms by comm" */
static struct rule *point_rule(void)
{
	w.rules[0] = (struct rule){
		.name = "slow",
		.why = "",
		.on = type_of("syscall"),
		.by = { field_of("syscall", "comm") },
		.n_by = 1,
		.when.value = { AGGREGATE_NONE, field_of("syscall", "latency_ms"), 0, UNIT_MS,
				"latency_ms" },
		.when.above = { true, 10 },
		.keep_ns = ns(30),
		.clear.for_ns = ns(10),
	};
	return &w.rules[0];
}

/* An aggregate of latency_ms over 10 s by pid; no limit yet. */
static struct rule *window_rule(enum aggregate aggregate)
{
	w.rules[0] = (struct rule){
		.name = "window",
		.why = "",
		.on = type_of("syscall"),
		.by = { field_of("syscall", "pid") },
		.n_by = 1,
		.when.value = { aggregate, field_of("syscall", "latency_ms"), 0.5, UNIT_MS, "" },
		.when.window_ns = ns(10),
		.clear.for_ns = ns(10),
	};
	if (aggregate == AGGREGATE_COUNT)
		w.rules[0].when.value.field = NULL;
	return &w.rules[0];
}

static void feed(double at_s, const char *comm, unsigned pid, double latency_ms)
{
	struct ev_syscall record = {
		.ts_ns = ns(at_s),
		.pid = pid,
		.latency_ns = (uint64_t)llround(latency_ms * 1e6),
	};
	struct event ev = { type_of("syscall"), &record, WALL_OFFSET_NS };

	(void)snprintf(record.comm, sizeof(record.comm), "%s", comm);
	engine_feed(w.engine, &ev);
}

static void tick(double at_s)
{
	engine_tick(w.engine, ns(at_s), WALL_OFFSET_NS);
}

/* Ticks at whole seconds in (from, until]. */
static void tick_until(unsigned from_s, unsigned until_s)
{
	for (unsigned s = from_s + 1; s <= until_s; s++)
		tick(s);
}

static void lose(double at_s, uint64_t lost)
{
	engine_loss(w.engine, type_of("syscall"), lost, ns(at_s));
}

static const struct transition *last(void)
{
	assert_true(w.n_seen > 0);
	return &w.seen[w.n_seen - 1].t;
}

static void assert_last(unsigned n_seen, enum alert_state state)
{
	assert_int_equal(w.n_seen, n_seen);
	assert_int_equal(last()->state, state);
}

/* --- single events --- */

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

/* --- windows --- */

static void a_count_fires_with_the_event_that_crosses_the_limit(void **state)
{
	window_rule(AGGREGATE_COUNT)->when.above = (struct limit){ true, 3 };
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
	window_rule(AGGREGATE_SUM)->when.above = (struct limit){ true, 100 };
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
	r->when.above = (struct limit){ true, 100 };
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
	r->when.below = (struct limit){ true, 2 };
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
	r->when.below = (struct limit){ true, 5 };
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
	r->when.value.field = NULL;
	r->when.value.unit = UNIT_PER_S;
	r->when.above = (struct limit){ true, 0.25 };
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
	struct rule *r = window_rule(AGGREGATE_RATE);

	(void)state;
	r->on = type_of("sched");
	r->by[0] = field_of("sched", "pid");
	r->when.value.field = field_of("sched", "cpu_time_ms");
	r->when.value.unit = UNIT_MS_PER_S;
	r->when.window_ns = ns(2);
	r->when.above = (struct limit){ true, 1000 };
	run(1);
	for (unsigned i = 0; i < 5; i++) {
		double at_s = 100 + i - (i == 4 ? 0.01 : 0);
		struct ev_sched record = {
			.ts_ns = ns(at_s), .pid = 7, .cpu_time_ns = ns(1), .interval_ns = ns(1)
		};
		struct event ev = { type_of("sched"), &record, WALL_OFFSET_NS };

		engine_feed(w.engine, &ev);
		tick(at_s);
	}
	assert_int_equal(w.n_seen, 0);
}

static void a_value_that_is_gone_is_no_longer_beyond_any_limit(void **state)
{
	struct rule *r = window_rule(AGGREGATE_AVG);

	(void)state;
	r->when.above = (struct limit){ true, 10 };
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
	r->when.above = (struct limit){ true, 10 };
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
	window_rule(AGGREGATE_QUANTILE)->when.above = (struct limit){ true, 10 };
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

static void an_event_to_show_is_not_older_than_the_window(void **state)
{
	window_rule(AGGREGATE_SUM)->when.above = (struct limit){ true, 100 };
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
	r->when.above = (struct limit){ true, 10 };
	r->when.min_samples = 3;
	run(1);
	feed(100, "a", 7, 50);
	feed(100, "a", 7, 50);
	tick(101);
	assert_int_equal(w.n_seen, 0);
	feed(101, "a", 7, 50);
	tick(102);
	assert_last(1, ALERT_FIRING);
}

static void a_key_that_fell_silent_is_below_and_is_not_forgotten(void **state)
{
	window_rule(AGGREGATE_COUNT)->when.below = (struct limit){ true, 1 };
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
	window_rule(AGGREGATE_COUNT)->when.above = (struct limit){ true, 100 };
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
	r->when.above = (struct limit){ true, 1 };
	r->when.window_ns = ns(1200);
	run(1);
	feed(100, "a", 7, 1);
	tick(1200);
	feed(1299, "a", 7, 1);
	assert_last(1, ALERT_FIRING);
}

/* --- bounds --- */

static void the_key_that_was_quiet_for_longest_is_evicted(void **state)
{
	window_rule(AGGREGATE_COUNT)->when.above = (struct limit){ true, 2 };
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
	window_rule(AGGREGATE_MAX)->when.above = (struct limit){ true, 10 };
	(void)state;
	w.max_keys = 2;
	run(1);
	feed(100, "a", 1, 20);
	feed(101, "a", 2, 5);
	feed(102, "a", 3, 20); /* in place of 2 */
	assert_int_equal(engine_stats(w.engine)->evicted, 1);
	feed(103, "a", 4, 20);
	assert_int_equal(engine_stats(w.engine)->refused, 1);
	assert_int_equal(w.n_seen, 2);
	tick_until(103, 125);
	assert_int_equal(engine_stats(w.engine)->resolved, 2);
	feed(126, "a", 4, 20);
	assert_int_equal(engine_stats(w.engine)->evicted, 2);
	assert_last(5, ALERT_FIRING);
}

static void many_keys_come_and_go(void **state)
{
	window_rule(AGGREGATE_COUNT)->when.above = (struct limit){ true, 1 };
	(void)state;
	w.max_keys = 1000;
	run(1);
	for (unsigned pid = 0; pid < 3001; pid++)
		feed(100, "a", pid, 1);
	assert_int_equal(engine_stats(w.engine)->keys, 1000);
	assert_int_equal(engine_stats(w.engine)->evicted, 2001);
	for (unsigned pid = 2001; pid < 3001; pid++)
		feed(101, "a", pid, 1);
	assert_int_equal(engine_stats(w.engine)->firing, 1000);
	tick_until(101, 130);
	assert_int_equal(engine_stats(w.engine)->resolved, 1000);
	tick(800);
	assert_int_equal(engine_stats(w.engine)->keys, 0);
}

/* --- losses --- */

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
	window_rule(AGGREGATE_SUM)->when.above = (struct limit){ true, 100 };
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
	window_rule(AGGREGATE_SUM)->when.above = (struct limit){ true, 100 };
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
	window_rule(AGGREGATE_COUNT)->when.below = (struct limit){ true, 1 };
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

/* --- baselines --- */

static struct rule *baseline_rule(void)
{
	struct rule *r = window_rule(AGGREGATE_RATE);

	r->when.has_baseline = true;
	r->when.baseline = (struct baseline_conf){ 6, ns(60), ns(600) };
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
	baseline_rule()->when.above = (struct limit){ true, 1e6 };
	run(1);
	(void)steady(100, 40, 100);
	w.rules[0].when.above.at = 0;
	w.rules[0].when.baseline.warm_up_ns = 0;
	w.rules[0].when.baseline.deviations = 0.001;
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
	r->when.above = (struct limit){ true, 1000 };
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
	r->when.has_baseline = true;
	r->when.baseline = (struct baseline_conf){ 6, ns(60), ns(600) };
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
	r->when.below = (struct limit){ true, 1e6 };
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
	baseline_rule()->when.above = (struct limit){ true, 1000 };
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

/* --- the whole --- */

static void rules_see_only_their_own_events(void **state)
{
	struct ev_sched record = { .ts_ns = ns(1), .pid = 7, .cpu_time_ns = 900 * NS_PER_MS };
	struct event ev = { type_of("sched"), &record, 0 };

	(void)state;
	w.rules[1] = *point_rule();
	w.rules[1].when.above.at = 15;
	point_rule();
	w.rules[2] = (struct rule){
		.name = "hog",
		.on = type_of("sched"),
		.when.value = { AGGREGATE_NONE, field_of("sched", "cpu_time_ms"), 0, UNIT_MS, "" },
		.when.above = { true, 800 },
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

static void churn(void)
{
	window_rule(AGGREGATE_COUNT)->when.above = (struct limit){ true, 3 };
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_point_fires_on_arrival_and_resolves_when_nothing_matched_for_keep),
		TEST(an_incident_fires_once_however_many_events_match),
		TEST(a_value_at_the_limit_is_not_beyond_it),
		TEST(keys_live_apart),
		TEST(keys_are_told_apart_by_every_part),
		TEST(a_pending_point_fires_with_the_event_that_comes_late_enough),
		TEST(a_gap_of_keep_starts_the_pending_time_over),
		TEST(a_firing_point_is_repeated_in_the_same_incident),
		TEST(late_events_do_no_harm),
		TEST(a_count_fires_with_the_event_that_crosses_the_limit),
		TEST(an_alert_clears_after_the_condition_was_false_for_the_clearing_time),
		TEST(hysteresis_holds_an_alert_between_its_two_limits),
		TEST(hysteresis_works_from_below_too),
		TEST(nothing_is_below_a_limit_before_the_window_is_full),
		TEST(a_rate_without_a_field_counts_events),
		TEST(a_window_of_n_seconds_holds_n_samples_of_one_second),
		TEST(a_value_that_is_gone_is_no_longer_beyond_any_limit),
		TEST(a_windowed_rule_fires_after_holding_for_the_pending_time),
		TEST(quantiles_are_judged_at_the_tick_and_show_the_worst_event),
		TEST(an_event_to_show_is_not_older_than_the_window),
		TEST(too_few_samples_are_no_verdict),
		TEST(a_key_that_fell_silent_is_below_and_is_not_forgotten),
		TEST(silent_keys_are_forgotten_after_ten_minutes),
		TEST(a_key_is_remembered_for_a_long_window),
		TEST(the_key_that_was_quiet_for_longest_is_evicted),
		TEST(a_firing_key_is_never_evicted),
		TEST(many_keys_come_and_go),
		TEST(nothing_resolves_while_events_are_lost),
		TEST(the_clearing_time_starts_after_the_loss),
		TEST(an_alert_says_what_was_lost_in_its_window),
		TEST(nothing_is_below_a_limit_while_events_are_lost),
		TEST(a_value_far_from_its_baseline_fires_once_warm),
		TEST(the_filling_window_is_not_learnt),
		TEST(a_baseline_is_frozen_while_its_alert_is_up),
		TEST(a_baseline_is_frozen_while_pending),
		TEST(nothing_is_learnt_from_a_window_with_a_loss),
		TEST(silence_is_learnt_as_zero),
		TEST(a_rule_with_below_watches_the_low_side_of_its_baseline),
		TEST(a_baseline_and_a_limit_must_both_be_passed),
		TEST(rules_see_only_their_own_events),
		TEST(where_selects_events),
		TEST(a_rule_without_keys_has_one_for_all),
		TEST(the_same_calls_give_the_same_transitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
