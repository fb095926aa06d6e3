/* SPDX-License-Identifier: BSD-2-Clause */
/* When an alert begins, how bad it is and how it ends: "for", other severities, "clear", "flap". */
#include <stdlib.h>
#include <string.h>

#include "rule/formula.h"
#include "rule/rule_read.h"

bool main_is_event(const struct rule *r)
{
	const struct leaf *l = &r->judge.leaves[0];

	return r->judge.n_leaves == 1 && l->value.n_terms > 0 && !formula_is_windowed(&l->value);
}

/* --- clear ----------------------------------------------------------------------------------- */

/* Silence ends with an event; how long it was then says nothing. */
static bool refuse_for_silence(const struct node *n, const struct leaf *l)
{
	if (l->absent_ns)
		node_error_key(n, "a rule with \"absent\" clears when events come; "
				  "\"clear\" has \"for\" only");
	return l->absent_ns > 0;
}

static void read_clear_above(const struct node *n, void *target)
{
	struct rule *r = target;
	const struct leaf *l = &r->judge.leaves[0];

	if (refuse_for_silence(n, l))
		return;
	read_limit(n, main_formula(r), &r->clear.above);
	if (l->above.set && !l->below.set)
		node_error_key(n,
			       "a rule that fires above %.15g clears below a limit, not above one",
			       l->above.at);
	else if (r->clear.above.set && l->below.set && r->clear.above.at < l->below.at)
		node_error(n, "%.15g is under %.15g, below which the rule fires", r->clear.above.at,
			   l->below.at);
}

static void read_clear_below(const struct node *n, void *target)
{
	struct rule *r = target;
	const struct leaf *l = &r->judge.leaves[0];

	if (refuse_for_silence(n, l))
		return;
	read_limit(n, main_formula(r), &r->clear.below);
	check_band(n, &r->clear.above, &r->clear.below);
	if (l->below.set && !l->above.set)
		node_error_key(n,
			       "a rule that fires below %.15g clears above a limit, not below one",
			       l->below.at);
	else if (r->clear.below.set && l->above.set && r->clear.below.at > l->above.at)
		node_error(n, "%.15g is over %.15g, above which the rule fires", r->clear.below.at,
			   l->above.at);
}

static const struct member clear_members[] = {
	{ .key = "above", .read = read_clear_above },
	{ .key = "below", .read = read_clear_below },
	{ .key = "for",
	  .read = node_read_duration,
	  .offset = offsetof(struct rule, clear.for_ns),
	  .max = DURATION_MAX_NS },
};

void read_clear(const struct node *n, void *draft)
{
	struct rule *r = draft;

	node_read(n, clear_members, ARRAY_SIZE(clear_members), r);
	if (main_formula(r) && main_is_event(r))
		node_warning(n, "\"clear\" is for rules with a window; this one ends by \"keep\"");
}

/* --- other severities ------------------------------------------------------------------------ */

struct escalation_draft {
	const struct rule *rule;
	struct escalation escalation;
};

static void read_escalation_above(const struct node *n, void *target)
{
	struct escalation_draft *d = target;

	read_limit(n, main_formula(d->rule), &d->escalation.above);
}

static void read_escalation_below(const struct node *n, void *target)
{
	struct escalation_draft *d = target;

	read_limit(n, main_formula(d->rule), &d->escalation.below);
	check_band(n, &d->escalation.above, &d->escalation.below);
}

static const struct member escalation_members[] = {
	{ .key = "above", .read = read_escalation_above },
	{ .key = "below", .read = read_escalation_below },
};

static enum severity severity_of(const char *name)
{
	enum severity s = SEVERITY_CRITICAL;

	while (strcmp(severity_name(s), name) != 0)
		s--;
	return s;
}

void read_escalation(const struct node *n, void *draft)
{
	struct rule *r = draft;
	struct escalation_draft d = { r, { .severity = severity_of(node_key(n)) } };
	struct node limit;

	if (!node_expect_object(n))
		return;
	node_read(n, escalation_members, ARRAY_SIZE(escalation_members), &d);
	if (d.escalation.severity <= r->severity) {
		node_error_key(n, "\"%s\" is not above the rule's own severity, which is %s",
			       node_key(n), severity_name(r->severity));
		return;
	}
	if (!node_member(n, "above", &limit) && !node_member(n, "below", &limit))
		node_error(n, "no limit; give \"above\" or \"below\"");
	else
		r->escalations[r->n_escalations++] = d.escalation;
}

/* --- for ------------------------------------------------------------------------------------- */

static const struct member hits_members[] = {
	{ .key = "hits",
	  .read = node_read_unsigned,
	  .offset = offsetof(struct rule, hits),
	  .required = true,
	  .min = 1,
	  .max = HITS_MAX },
	{ .key = "of",
	  .read = node_read_unsigned,
	  .offset = offsetof(struct rule, of),
	  .required = true,
	  .min = 1,
	  .max = HITS_MAX },
};

void read_for(const struct node *n, void *draft)
{
	struct rule *r = draft;

	if (!node_is_object(n)) {
		node_read_duration(n, &r->for_ns);
		return;
	}
	node_read(n, hits_members, ARRAY_SIZE(hits_members), r);
	if (r->hits > r->of && r->of)
		node_error(n, "%u hits of %u cannot be", r->hits, r->of);
	if (main_formula(r) && main_is_event(r))
		node_error(n,
			   "\"hits\" counts ticks of a rule with a window; %s is that of one event",
			   main_formula(r)->text);
}

/* --- flap ------------------------------------------------------------------------------------ */

static const struct member flap_members[] = {
	{ .key = "changes",
	  .read = node_read_unsigned,
	  .offset = offsetof(struct rule, flap_changes),
	  .min = 2,
	  .max = 100 },
	{ .key = "window",
	  .read = node_read_duration,
	  .offset = offsetof(struct rule, flap_window_ns),
	  .min = SECOND_NS,
	  .max = 24 * HOUR_NS },
};

void read_flap(const struct node *n, void *draft)
{
	struct rule *r = draft;
	bool damped = true;

	if (node_is_object(n))
		node_read(n, flap_members, ARRAY_SIZE(flap_members), r);
	else
		node_read_bool(n, &damped);
	if (!damped)
		r->flap_changes = 0;
}
