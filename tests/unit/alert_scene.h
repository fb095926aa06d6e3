/* SPDX-License-Identifier: BSD-2-Clause */
/* Transitions from which alerts are made, for tests of their document and texts. */
#ifndef TESTS_ALERT_SCENE_H
#define TESTS_ALERT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engine/alert.h"
#include "one_leaf.h"

#define WALL_OFFSET_NS 1795341000000000000

static const struct process_info process = {
	.pid = 812,
	.ppid = 790,
	.uid = 106,
	.comm = "postgres",
	.exe = "/usr/lib/postgresql/15/bin/postgres",
	.cmdline = "postgres: walwriter",
	.user = "postgres",
	.cgroup = "/system.slice/postgresql.service",
	.unit = "postgresql.service",
	.parent_comm = "postgres",
};

static const struct host_info host = { "db07", "6.18.44", "b00t" };

/* A transition and all that it lends from. */
struct scene {
	struct rule rule;
	struct ev_syscall record;
	struct value key[RULE_BY_MAX];
	struct baseline baseline;
	struct transition t;
};

static inline const struct field *field_of(const struct event_type *type, const char *name)
{
	return event_field_find(type, name, strlen(name));
}

static inline void take_key(struct scene *s)
{
	for (unsigned i = 0; i < s->rule.n_by; i++)
		event_get(&s->t.event, s->rule.by[i], &s->key[i]);
	s->t.key = s->key;
	s->t.rule = &s->rule;
	s->t.leaf = &s->rule.judge.leaves[0];
	s->t.n_conditions = 1;
	s->t.conditions[0] = (struct condition_seen){ s->t.leaf, s->t.value, s->t.threshold, true };
}

/* A call of postgres took 31.2 ms. */
static inline void slow_syscall(struct scene *s)
{
	const struct event_type *type = event_type_find("syscall", strlen("syscall"));

	*s = (struct scene){
		.rule = {
			.name = "slow-syscall",
			.why = "It stalls.",
			.on = type,
			.by = { field_of(type, "comm"), field_of(type, "pid") },
			.n_by = 2,
			.judge = one_leaf((struct term){ .aggregate = AGGREGATE_NONE, .field = field_of(type, "latency_ms"), .quantile = 0 }, UNIT_MS, "latency_ms", 0, (struct limit){ true, 10 }),
			.severity = SEVERITY_WARNING,
			.hooks = { 3, 1 },
			.n_hooks = 2,
		},
		.record = { .ts_ns = 871207000000, .pid = 812, .tid = 812, .syscall = 74,
			    .latency_ns = 31200000, .comm = "postgres" },
		.t = {
			.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV",
			.incident = "01ARZ3NDEKTSV4RRFFQ69G5FAA",
			.severity = SEVERITY_WARNING,
			.value = 31.2,
			.threshold = 10,
			.samples = 1,
			.started_ns = 871207000000,
			.wall_offset_ns = WALL_OFFSET_NS,
		},
	};
	s->t.event = (struct event){ .type = type,
				     .record = &s->record,
				     .wall_offset_ns = WALL_OFFSET_NS };
	take_key(s);
}

/* The same made a rate with a baseline over 5 s, at its end. */
static inline void storm_resolved(struct scene *s)
{
	static struct label labels[] = {
		{ .name = "team", .value = "storage" },
		{ .name = "tier", .value = "1" },
	};

	slow_syscall(s);
	s->rule.judge.leaves[0].value.terms[0].aggregate = AGGREGATE_RATE;
	s->rule.judge.leaves[0].value.unit = UNIT_PER_S;
	s->rule.judge.leaves[0].value.text = "rate(x)";
	s->rule.judge.leaves[0].window_ns = 5 * NS_PER_S;
	s->rule.judge.leaves[0].above.at = 5000;
	s->rule.judge.leaves[0].has_baseline = true;
	s->rule.judge.leaves[0].baseline =
		(struct baseline_conf){ 6, 120 * NS_PER_S, 600 * NS_PER_S };
	s->rule.labels = labels;
	s->rule.n_labels = ARRAY_SIZE(labels);
	s->baseline = (struct baseline){
		.center = 900, .spread = 100, .samples = 300, .learnt_ns = 299 * NS_PER_S
	};
	s->t.baseline = &s->baseline;
	s->t.state = ALERT_RESOLVED;
	s->t.value = 1200;
	s->t.threshold = 5000;
	s->t.samples = 5;
	s->t.quality = QUALITY_DEGRADED;
	s->t.lost = 17;
	s->t.ended_ns = s->t.started_ns + 31 * NS_PER_S;
}

static inline void assert_text(const struct alert *a, const char *path, const char *want)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (!want) {
		assert_false(alert_text(a, path, &text));
		return;
	}
	if (!alert_text(a, path, &text))
		fail_msg("%s is not there", path);
	assert_string_equal(buf_str(&text), want);
}

#endif
