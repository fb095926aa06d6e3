/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that are right by the letter and yet can never fire, or never end: limits and texts that no
 * event will have. None of this is an error: the next version of a kernel may have such a call.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "event/syscalls.h"
#include "rule/rule_load.h"
#include "rule/rule_read.h"

static bool is_field(const struct field *f, const char *name)
{
	return f && strcmp(f->name, name) == 0;
}

/* Is it 0 for a key of which there are no events? */
static bool counts_nothing(const struct measure *m)
{
	return m->aggregate == AGGREGATE_COUNT || m->aggregate == AGGREGATE_RATE ||
	       m->aggregate == AGGREGATE_SUM;
}

/* --- limits ---------------------------------------------------------------------------------- */

static const struct field *latency_of(const struct rule *r)
{
	return event_field_find(r->on, "latency_ms", strlen("latency_ms"));
}

static void warn_of_floor(const struct node *n, const struct rule *r)
{
	bool asked = rule_floor_ms(r, latency_of(r)) != -INFINITY;

	node_warning(n, asked ? "no call fits this: the rule asks only for longer ones"
			      : "no call fits this: without \"latency_ms >= ...\" in \"where\", "
				"calls are reported from 10 ms on");
}

/* Does the rule get no call as short as `ms` or shorter? */
static bool is_under_floor(const struct rule *r, double ms)
{
	double floor_ms = rule_floor_ms(r, latency_of(r));

	return floor_ms == -INFINITY ? ms <= (double)DEMAND_FLOOR_NS / NS_PER_MS : ms < floor_ms;
}

static void doubt_limit(const struct node *parent, const struct rule *r, const struct limit *below)
{
	const struct measure *m = &r->when.value;
	struct node n;

	if (!below->set || !node_member(parent, "below", &n))
		return;
	if (below->at <= 0 && !(m->field && m->field->type == FIELD_INT))
		node_warning(&n, "%s is never below %.15g", m->text, below->at);
	else if (is_field(m->field, "latency_ms") && !counts_nothing(m) &&
		 is_under_floor(r, below->at))
		warn_of_floor(&n, r);
}

/* A process that has ended does nothing any more, which is below any limit. */
static void doubt_ended(const struct node *n, const struct rule *r)
{
	const struct condition *when = &r->when;
	struct node by;

	if (!when->below.set || !counts_nothing(&when->value) || when->min_samples ||
	    (when->above.set && when->above.at >= 0) || !node_member(n, "by", &by))
		return;
	for (unsigned i = 0; i < r->n_by; i++) {
		if (!is_field(r->by[i], "pid") && !is_field(r->by[i], "tid"))
			continue;
		node_warning(&by, "a process that ends stays below the limit for good; "
				  "group by \"comm\"");
		return;
	}
}

/* --- texts ----------------------------------------------------------------------------------- */

struct doubter {
	const struct node *where;
	bool said; /* one doubt for each condition, as with mistakes */
};

/* "syscall_451" names a call that the table does not have. */
static bool is_number_name(const char *text)
{
	static const char prefix[] = "syscall_";
	size_t n = sizeof(prefix) - 1;

	return strncmp(text, prefix, n) == 0 && isdigit((unsigned char)text[n]) &&
	       text[n + strspn(text + n, "0123456789")] == '\0';
}

static void doubt_call(struct doubter *d, const struct expr_literal *l)
{
	const char *near = NULL;

	if (is_number_name(l->text) || syscall_known(l->text, &near))
		return;
	d->said = true;
	if (near)
		node_warning_at(d->where, l->at,
				"no system call is named \"%s\"; did you mean \"%s\"?", l->text,
				near);
	else
		node_warning_at(d->where, l->at, "no system call is named \"%s\"", l->text);
}

static void doubt_text(void *ctx, const struct expr_literal *l)
{
	struct doubter *d = ctx;

	if (d->said)
		return;
	if (is_field(l->f, "syscall_name") && !l->negated) {
		/* rules for many kernels may leave out calls that some do not have */
		doubt_call(d, l);
	} else if (!l->f->derive && l->len >= l->f->size) {
		d->said = true;
		node_warning_at(d->where, l->at, "this text has %zu bytes; %s is cut at %u", l->len,
				l->f->name, l->f->size - 1);
	}
}

static void doubt_where(const struct node *n, const struct rule *r)
{
	struct node where;
	struct doubter d = { .where = &where };
	const struct field *latency = latency_of(r);

	if (!r->where || !node_member(n, "where", &where))
		return;
	expr_each_text(r->where, doubt_text, &d);
	if (latency && is_under_floor(r, expr_upper_bound(r->where, latency)))
		warn_of_floor(&where, r);
}

void warn_of_doubts(const struct node *n, const struct rule *r)
{
	struct node part;

	doubt_where(n, r);
	if (node_member(n, "when", &part))
		doubt_limit(&part, r, &r->when.below);
	if (r->when.window_ns && node_member(n, "clear", &part))
		doubt_limit(&part, r, &r->clear.below);
	doubt_ended(n, r);
}
