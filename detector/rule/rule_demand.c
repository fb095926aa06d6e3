/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel side may leave out. Errs to the side of too much: an event is left out only if no
 * rule can match it.
 */
#include <math.h>
#include <string.h>

#include "rule/rule_load.h"
#include "rule/rule_read.h"

static uint64_t field_bit(const struct event_type *type, const char *name)
{
	const struct field *f = event_field_find(type, name, strlen(name));

	return f ? 1ull << event_field_index(type, f) : 0;
}

/* Marks the native calls that the rule can match, going by what the number alone tells. */
static void demand_calls(const struct rule *r, uint64_t *calls)
{
	struct ev_syscall record = { .compat = 0 };
	const struct event ev = { .type = r->on, .record = &record };
	uint64_t known = field_bit(r->on, "syscall") | field_bit(r->on, "syscall_name") |
			 field_bit(r->on, "abi");

	for (unsigned i = 0; i < DEMAND_SYSCALLS; i++) {
		record.syscall = i;
		if (!r->where || expr_match_partly(r->where, &ev, known) != TRUTH_FALSE)
			calls[i / 64] |= 1ull << i % 64;
	}
}

double rule_floor_ms(const struct rule *r, const struct field *latency)
{
	const struct condition *when = &r->when;
	double floor_ms = r->where ? expr_lower_bound(r->where, latency) : -INFINITY;

	if (when->value.aggregate == AGGREGATE_NONE && when->value.field == latency &&
	    when->above.set)
		floor_ms = fmax(floor_ms, when->above.at);
	return floor_ms;
}

/* The shortest latency with which the rule can fire. */
static uint64_t floor_of(const struct rule *r)
{
	/* parts of the latency: what they must reach, it must */
	static const char *const times[] = { "latency_ms", "device_ms", "queue_ms" };
	double floor_ms = -INFINITY;

	for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
		const struct field *f = event_field_find(r->on, times[i], strlen(times[i]));

		if (f)
			floor_ms = fmax(floor_ms, rule_floor_ms(r, f));
	}
	if (floor_ms == -INFINITY)
		return DEMAND_FLOOR_NS;
	if (floor_ms <= 0)
		return 0;
	return floor_ms < (double)UINT64_MAX / NS_PER_MS ? (uint64_t)(floor_ms * NS_PER_MS)
							 : UINT64_MAX;
}

/* The fields that the rule reads. Any other is shown in its alerts if somebody else has it measured. */
static uint64_t fields_of(const struct rule *r)
{
	uint64_t fields = r->where ? expr_fields(r->where) : 0;

	for (unsigned i = 0; i < r->n_by; i++)
		fields |= 1ull << event_field_index(r->on, r->by[i]);
	if (r->when.value.field)
		fields |= 1ull << event_field_index(r->on, r->when.value.field);
	for (unsigned i = 0; r->summary && i < r->on->n_fields; i++)
		if (template_path_at(r->summary, r->on->fields[i].name) >= 0)
			fields |= 1ull << i;
	return fields;
}

void rule_demand(const struct rule_set *set, const struct event_type *type,
		 struct demand *ret_demand)
{
	bool is_syscall = type == event_type_find("syscall", strlen("syscall"));
	struct demand d = { .floor_ns = UINT64_MAX };

	for (unsigned i = 0; i < set->n_rules; i++) {
		const struct rule *r = &set->rules[i];

		if (r->on != type)
			continue;
		d.wanted = true;
		d.fields |= fields_of(r);
		if (floor_of(r) < d.floor_ns)
			d.floor_ns = floor_of(r);
		if (is_syscall)
			demand_calls(r, d.syscalls);
	}
	if (!d.wanted)
		d.floor_ns = DEMAND_FLOOR_NS;
	*ret_demand = d;
}
