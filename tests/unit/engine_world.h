/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine in virtual time: rules built by hand, events made up, transitions written down. */
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "one_leaf.h"

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

static inline const struct event_type *type_of(const char *name)
{
	return event_type_find(name, strlen(name));
}

static inline const struct field *field_of(const char *type, const char *name)
{
	return event_field_find(type_of(type), name, strlen(name));
}

static inline uint64_t ns(double seconds)
{
	return (uint64_t)llround(seconds * 1e9);
}

static inline void write_down(void *ctx, const struct transition *t)
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

static inline int start_world(void **state)
{
	(void)state;
	w = (struct world){ 0 };
	return 0;
}

static inline int end_world(void **state)
{
	(void)state;
	engine_free(w.engine);
	w.engine = NULL;
	return 0;
}

/* The rules are in; from here on events and ticks. */
static inline void run(unsigned n_rules)
{
	struct engine_conf conf = {
		.rules = &w.set,
		.seed = 42,
		.hash_seed = 43,
		.max_keys = w.max_keys,
		.on_transition = write_down,
	};

	w.set = (struct rule_set){ .rules = w.rules, .n_rules = n_rules };
	w.engine = engine_new(&conf);
}

/* "latency_ms above 10 ms by comm" */
static inline struct rule *point_rule(void)
{
	w.rules[0] = (struct rule){
		.name = "slow",
		.why = "",
		.on = type_of("syscall"),
		.by = { field_of("syscall", "comm") },
		.n_by = 1,
		.judge = one_leaf((struct term){ .aggregate = AGGREGATE_NONE,
						 .field = field_of("syscall", "latency_ms"),
						 .quantile = 0 },
				  UNIT_MS, "latency_ms", 0, (struct limit){ true, 10 }),
		.keep_ns = ns(30),
		.clear.for_ns = ns(10),
	};
	return &w.rules[0];
}

/* An aggregate of latency_ms over 10 s by pid; no limit yet. */
static inline struct rule *window_rule(enum aggregate aggregate)
{
	w.rules[0] = (struct rule){
		.name = "window",
		.why = "",
		.on = type_of("syscall"),
		.by = { field_of("syscall", "pid") },
		.n_by = 1,
		.judge = one_leaf((struct term){ .aggregate = aggregate,
						 .field = field_of("syscall", "latency_ms"),
						 .quantile = 0.5 },
				  UNIT_MS, "", ns(10), (struct limit){ 0 }),
		.clear.for_ns = ns(10),
	};
	if (aggregate == AGGREGATE_COUNT)
		w.rules[0].judge.leaves[0].value.terms[0].field = NULL;
	return &w.rules[0];
}

/* rate(cpu_time_ms) over 2 s by pid; no limit yet. */
static inline struct rule *cpu_rule(void)
{
	struct rule *r = window_rule(AGGREGATE_RATE);

	r->on = type_of("sched");
	r->by[0] = field_of("sched", "pid");
	r->judge.leaves[0].value.terms[0].field = field_of("sched", "cpu_time_ms");
	r->judge.leaves[0].value.unit = UNIT_MS_PER_S;
	r->judge.leaves[0].window_ns = ns(2);
	return r;
}

static inline void feed_record(const struct ev_syscall *record)
{
	struct event ev = { .type = type_of("syscall"),
			    .record = record,
			    .wall_offset_ns = WALL_OFFSET_NS };

	engine_feed(w.engine, &ev);
}

static inline void feed(double at_s, const char *comm, unsigned pid, double latency_ms)
{
	struct ev_syscall record = {
		.ts_ns = ns(at_s),
		.pid = pid,
		.latency_ns = (uint64_t)llround(latency_ms * 1e6),
	};

	(void)snprintf(record.comm, sizeof(record.comm), "%s", comm);
	feed_record(&record);
}

/* A sample of a process that was busy all the time, a tenth of it, ... */
static inline void feed_sched(double at_s, double interval_s, double busy)
{
	struct ev_sched record = {
		.ts_ns = ns(at_s),
		.pid = 7,
		.cpu_time_ns = ns(interval_s * busy),
		.interval_ns = ns(interval_s),
	};
	struct event ev = { .type = type_of("sched"),
			    .record = &record,
			    .wall_offset_ns = WALL_OFFSET_NS };

	engine_feed(w.engine, &ev);
}

static inline void tick(double at_s)
{
	engine_tick(w.engine, ns(at_s), WALL_OFFSET_NS);
}

/* Ticks at whole seconds in (from, until]. */
static inline void tick_until(unsigned from_s, unsigned until_s)
{
	for (unsigned s = from_s + 1; s <= until_s; s++)
		tick(s);
}

static inline void lose(double at_s, uint64_t lost)
{
	engine_loss(w.engine, type_of("syscall"), lost, ns(at_s));
}

static inline const struct transition *last(void)
{
	assert_true(w.n_seen > 0);
	return &w.seen[w.n_seen - 1].t;
}

static inline void assert_last(unsigned n_seen, enum alert_state state)
{
	assert_int_equal(w.n_seen, n_seen);
	assert_int_equal(last()->state, state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_world, end_world)

#endif
