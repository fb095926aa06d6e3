/* SPDX-License-Identifier: BSD-2-Clause */
/* A transition made up from what the rule says of itself. */
#include "engine/alert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/condition.h"
#include "event/member.h"

/* Any time will do, as long as it is always the same: 2026-01-01T00:00:00Z, a day after boot. */
#define EXAMPLE_WALL_NS	 1767225600000000000
#define EXAMPLE_START_NS (86400 * NS_PER_S)
#define EXAMPLE_END_NS	 (EXAMPLE_START_NS + 31 * NS_PER_S)
#define EXAMPLE_OFFSET	 (EXAMPLE_WALL_NS - (int64_t)EXAMPLE_START_NS)

static double number_of(const struct rule *rule, const struct field *f, double value)
{
	const struct leaf *l = &rule->judge.leaves[0];

	if (l->value.n_ops == 1 && f == l->value.terms[0].field && !l->window_ns)
		return value;
	if (strcmp(f->name, "pid") == 0 || strcmp(f->name, "tid") == 0)
		return 1234;
	return f->role == ROLE_VALUE ? 42 : 1;
}

/* As an integer of 64 bits, which a limit in a rule need not fit. */
static uint64_t stored(double number)
{
	return (uint64_t)(int64_t)fmax(-0x1p62, fmin(0x1p62, number));
}

/* Of a rule made of others, the event is that of its last member. */
static const struct event_type *type_of(const struct rule_set *set, const struct rule *rule)
{
	return rule->n_members ? set->rules[rule->members[rule->n_members - 1]].on : rule->on;
}

static void add_members(const struct rule_set *set, const struct rule *rule, struct transition *t)
{
	t->n_members = rule->n_members;
	for (unsigned i = 0; i < rule->n_members; i++)
		t->members[i] = (struct transition_member){ &set->rules[rule->members[i]],
							    EXAMPLE_START_NS };
}

/* The record of an event of that type under the rule; the caller frees it. */
static void *example_record(const struct event_type *type, const struct rule *rule, double value)
{
	static const unsigned char peer[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };
	static const uint64_t start_ns = EXAMPLE_START_NS;
	unsigned char *record = xcalloc(1, type->record_size);

	memcpy(record, &start_ns, sizeof(start_ns));
	for (unsigned i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		unsigned char *at = record + f->offset;

		if (f->derive)
			continue;
		if (f->type == FIELD_TEXT)
			(void)snprintf((char *)at, f->size, "example");
		else if (f->type == FIELD_ADDR)
			memcpy(at, peer, sizeof(peer));
		else
			member_store(record, f, stored(number_of(rule, f, value) * f->per));
	}
	return record;
}

/* A value beyond the leaf's limit. */
static double example_value(const struct leaf *l)
{
	const struct limit *above = l->outside_high.set ? &l->outside_high : &l->above;

	if (l->absent_ns)
		return 1.5 * (double)l->absent_ns / (double)NS_PER_S;
	if (above->set)
		return above->at > 0 ? above->at * 1.5 : above->at + 1;
	if (l->below.set)
		return l->below.at > 0 ? l->below.at / 2 : l->below.at - 1;
	return 42;
}

static struct baseline example_baseline(const struct leaf *l)
{
	double value = example_value(l);

	return (struct baseline){ .center = value / 8,
				  .spread = fabs(value) / 100,
				  .samples = 600,
				  .learnt_ns = l->baseline.warm_up_ns };
}

static void add_conditions(const struct rule *rule, struct transition *t)
{
	t->n_conditions = rule->judge.n_leaves;
	for (unsigned i = 0; i < t->n_conditions; i++) {
		const struct leaf *l = &rule->judge.leaves[i];
		struct baseline baseline = example_baseline(l);
		struct leaf_reading r = { .value = example_value(l),
					  .earlier = example_value(l) / 4,
					  .baseline = l->has_baseline ? &baseline : NULL };

		t->conditions[i] = (struct condition_seen){
			.leaf = l, .value = r.value, .limit = leaf_limit(l, &r), .held = true
		};
	}
}

struct alert *alert_example(const struct rule_set *set, const struct rule *rule)
{
	const struct event_type *type = type_of(set, rule);
	const struct leaf *l = &rule->judge.leaves[0];
	double value = example_value(l);
	struct baseline baseline = example_baseline(l);
	struct process_info process = {
		.pid = 1234,
		.ppid = 1,
		.uid = 1000,
		.comm = "example",
		.exe = "/usr/bin/example",
		.cmdline = "example --flag",
		.user = "user",
		.cgroup = "/user.slice",
		.parent_comm = "init",
		.container_id = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f",
		.unit = "example.service",
	};
	struct host_info host = {
		.name = "host.example",
		.kernel = "6.1.0",
		.boot_id = "00000000-0000-4000-8000-000000000000",
	};
	AUTO_FREE void *record = example_record(type, rule, value);
	struct ulid_source ids = { 0 };
	struct value key[RULE_BY_MAX];
	struct silence silence = { .id = 1, .comment = "example", .until_ns = EXAMPLE_END_NS };
	struct transition t = {
		.state = ALERT_FIRING,
		.severity = rule->severity,
		.rule = rule,
		.key = key,
		.leaf = rule->kind == RULE_EVENTS ? l : NULL,
		.value = value,
		.samples = l->min_samples ? l->min_samples : 1,
		.baseline = l->has_baseline ? &baseline : NULL,
		.started_ns = EXAMPLE_START_NS,
		.ended_ns = EXAMPLE_END_NS,
		.flapping = 6,
		.silence = &silence,
		.reason = "example",
		.wall_offset_ns = EXAMPLE_OFFSET,
		.event = { .type = type, .record = record, .wall_offset_ns = EXAMPLE_OFFSET },
	};

	add_conditions(rule, &t);
	t.threshold = t.n_conditions ? t.conditions[0].limit : NAN;
	add_members(set, rule, &t);
	for (unsigned i = 0; i < rule->n_by; i++) {
		const char *name = rule->by[i]->name;

		event_get(&t.event, event_field_find(type, name, strlen(name)), &key[i]);
	}
	ulid_next(&ids, EXAMPLE_WALL_NS / NS_PER_MS, t.id);
	memcpy(t.incident, t.id, sizeof(t.incident));
	return alert_new(&t, &process, &host);
}
