/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel side may leave out. Errs to the side of too much: an event is left out only if no
 * rule can match it.
 */
#include <math.h>
#include <string.h>

#include "rule/formula.h"
#include "rule/rule_load.h"
#include "rule/rule_read.h"

static uint64_t field_bit(const struct event_type *type, const char *name)
{
	const struct field *f = event_field_find(type, name, strlen(name));

	return f ? 1ull << event_field_index(type, f) : 0;
}

/* The source's own condition in the rule; NULL: every event. */
static const struct expr *condition_on(const struct rule *r, unsigned source)
{
	return source ? r->with_where : r->where;
}

static bool may_match(const struct expr *e, const struct event *ev, uint64_t known)
{
	return !e || expr_match_partly(e, ev, known) != TRUTH_FALSE;
}

/* --- terms of a rule ------------------------------------------------------------------------- */

typedef void term_fn(void *ctx, const struct term *t);

static void each_term(const struct rule *r, unsigned source, term_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < r->judge.n_leaves; i++) {
		const struct formula *f = &r->judge.leaves[i].value;

		for (unsigned j = 0; j < f->n_terms; j++)
			if (f->terms[j].source == source)
				fn(ctx, &f->terms[j]);
	}
}

/* Does some part of the rule look at all events of the source that its condition lets through? One
 * that waits for events to be absent does, and a rule of which only that condition is known. */
static bool takes_all(const struct rule *r, unsigned source)
{
	bool all = source == 0 && r->judge.n_leaves == 0;

	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		all = all || (source == 0 && r->judge.leaves[i].absent_ns);
	return all;
}

/* --- calls ----------------------------------------------------------------------------------- */

struct call_check {
	const struct event *ev;
	uint64_t known;
	bool wanted;
};

static void check_call(void *ctx, const struct term *t)
{
	struct call_check *c = ctx;

	c->wanted = c->wanted || may_match(t->where, c->ev, c->known);
}

static bool wants_call(const struct rule *r, unsigned source, const struct event *ev,
		       uint64_t known)
{
	struct call_check c = { .ev = ev, .known = known, .wanted = takes_all(r, source) };

	if (!may_match(condition_on(r, source), ev, known))
		return false;
	each_term(r, source, check_call, &c);
	return c.wanted;
}

/* Marks the native calls that the rule can match, going by what the number alone tells. */
static void demand_calls(const struct rule *r, unsigned source, const struct event_type *type,
			 uint64_t *calls)
{
	struct ev_syscall record = { .compat = 0 };
	const struct event ev = { .type = type, .record = &record };
	uint64_t known = field_bit(type, "syscall") | field_bit(type, "syscall_name") |
			 field_bit(type, "abi");

	for (unsigned i = 0; i < DEMAND_SYSCALLS; i++) {
		record.syscall = i;
		if (wants_call(r, source, &ev, known))
			calls[i / 64] |= 1ull << i % 64;
	}
}

/* --- floors ---------------------------------------------------------------------------------- */

/* A time with its parts: what a part must reach, the whole must. */
struct span {
	const char *const names[7];
	double unasked_ms; /* its floor for what asks none */
};

static const struct span latency = {
	{ "latency_ms", "device_ms", "queue_ms", "on_cpu_ms", "runq_ms", "blocked_ms" },
	(double)DEMAND_FLOOR_NS / NS_PER_MS,
};

static const struct span blocked = { { "blocked_ms" }, 0 };

static bool is_time(const struct span *span, const struct field *f)
{
	for (size_t i = 0; f && span->names[i]; i++)
		if (strcmp(f->name, span->names[i]) == 0)
			return true;
	return false;
}

/* The least time with which the condition, NULL for none, can hold; -INFINITY if it says none. */
static double least_ms(const struct span *span, const struct expr *e, const struct event_type *type)
{
	double least = -INFINITY;

	for (size_t i = 0; e && span->names[i]; i++) {
		const struct field *f =
			event_field_find(type, span->names[i], strlen(span->names[i]));

		if (f)
			least = fmax(least, expr_lower_bound(e, f));
	}
	return least;
}

struct floor_check {
	const struct span *span;
	const struct event_type *type;
	double least; /* what the source's own condition asks for; -INFINITY: nothing */
	double floor_ms;
	bool asked; /* some part of the rule says one */
};

static void take_floor(struct floor_check *c, double floor_ms)
{
	bool asked = floor_ms != -INFINITY;

	c->asked = c->asked || asked;
	c->floor_ms = fmin(c->floor_ms, asked ? floor_ms : c->span->unasked_ms);
}

static void check_floor(void *ctx, const struct term *t)
{
	struct floor_check *c = ctx;

	take_floor(c, fmax(c->least, least_ms(c->span, t->where, c->type)));
}

/* The limit of a rule on the time of single events; -INFINITY if it has none. */
static double event_limit_ms(const struct span *span, const struct rule *r)
{
	const struct leaf *l = &r->judge.leaves[0];

	if (r->judge.n_leaves == 1 && formula_is_term(&l->value) && l->above.set &&
	    l->value.terms[0].aggregate == AGGREGATE_NONE && is_time(span, l->value.terms[0].field))
		return l->above.at;
	return -INFINITY;
}

/* The least time that can matter to the rule; -INFINITY if it asks for none. */
static double least_of_rule_ms(const struct span *span, const struct rule *r, unsigned source)
{
	struct floor_check c = {
		.span = span,
		.type = source ? r->with : r->on,
		.floor_ms = INFINITY,
	};

	c.least = least_ms(span, condition_on(r, source), c.type);
	if (source == 0)
		c.least = fmax(c.least, event_limit_ms(span, r));
	if (takes_all(r, source))
		take_floor(&c, c.least);
	each_term(r, source, check_floor, &c);
	if (c.floor_ms == INFINITY && !c.asked)
		take_floor(&c, c.least);
	return c.asked ? c.floor_ms : -INFINITY;
}

double rule_floor_ms(const struct rule *r, unsigned source)
{
	return least_of_rule_ms(&latency, r, source);
}

/* The shortest time with which the rule can fire. */
static uint64_t floor_of(const struct span *span, const struct rule *r, unsigned source)
{
	double floor_ms = least_of_rule_ms(span, r, source);

	if (floor_ms == -INFINITY)
		floor_ms = span->unasked_ms;
	if (floor_ms <= 0)
		return 0;
	return floor_ms < (double)UINT64_MAX / NS_PER_MS ? (uint64_t)(floor_ms * NS_PER_MS)
							 : UINT64_MAX;
}

static void lower(uint64_t *floor_ns, uint64_t to_ns)
{
	if (to_ns < *floor_ns)
		*floor_ns = to_ns;
}

/* --- fields ---------------------------------------------------------------------------------- */

struct field_check {
	const struct event_type *type;
	uint64_t fields;
};

static void check_field(void *ctx, const struct term *t)
{
	struct field_check *c = ctx;

	if (t->field)
		c->fields |= 1ull << event_field_index(c->type, t->field);
	if (t->where)
		c->fields |= expr_fields(t->where);
}

static uint64_t template_fields(const struct template *t, const struct event_type *type)
{
	uint64_t fields = 0;

	for (unsigned i = 0; t && i < type->n_fields; i++) {
		AUTO_FREE char *path = xasprintf("event.%s", type->fields[i].name);

		if (template_path_at(t, type->fields[i].name) >= 0 ||
		    template_path_at(t, path) >= 0)
			fields |= 1ull << i;
	}
	return fields;
}

/* The fields that alerts of the rule show where it says so itself. */
static uint64_t shown_fields(const struct rule *r, const struct event_type *type)
{
	uint64_t fields = template_fields(r->summary, type);

	for (unsigned i = 0; i < r->n_labels; i++)
		fields |= template_fields(r->labels[i].rendered, type);
	return fields;
}

/* The fields that the rule reads. Any other is shown in its alerts if somebody else has it measured. */
static uint64_t fields_of(const struct rule *r, unsigned source)
{
	struct field_check c = { .type = source ? r->with : r->on };
	const struct expr *where = condition_on(r, source);

	if (where)
		c.fields |= expr_fields(where);
	for (unsigned i = 0; i < r->n_by; i++)
		c.fields |= 1ull << event_field_index(c.type, source ? r->with_by[i] : r->by[i]);
	each_term(r, source, check_field, &c);
	return c.fields | (source == 0 ? shown_fields(r, c.type) : 0);
}

/* An alert of a rule made of others shows an event of one of these. */
static uint64_t shown_of_members(const struct rule_set *set, const struct rule *r,
				 const struct event_type *type)
{
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i] < set->n_rules && set->rules[r->members[i]].on == type)
			return shown_fields(r, type);
	return 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void add_demand(const struct rule *r, unsigned source, const struct event_type *type,
		       struct demand *d)
{
	d->wanted = true;
	d->fields |= fields_of(r, source);
	lower(&d->floor_ns, floor_of(&latency, r, source));
	lower(&d->blocked_floor_ns, floor_of(&blocked, r, source));
	if (type == event_type_find("syscall", strlen("syscall")))
		demand_calls(r, source, type, d->syscalls);
}

void rule_demand(const struct rule_set *set, const struct event_type *type,
		 struct demand *ret_demand)
{
	struct demand d = { .floor_ns = UINT64_MAX, .blocked_floor_ns = UINT64_MAX };

	for (unsigned i = 0; i < set->n_rules; i++) {
		const struct rule *r = &set->rules[i];

		if (r->on == type)
			add_demand(r, 0, type, &d);
		if (r->with == type)
			add_demand(r, 1, type, &d);
		d.fields |= shown_of_members(set, r, type);
	}
	if (!d.wanted) {
		d.floor_ns = DEMAND_FLOOR_NS;
		d.blocked_floor_ns = 0;
	}
	*ret_demand = d;
}
