/* SPDX-License-Identifier: BSD-2-Clause */
/* All comparisons are written so that NaN is beyond no limit. */
#include "engine/condition.h"

#include <math.h>

enum baseline_side leaf_side(const struct leaf *l)
{
	return l->below.set && !l->above.set ? BASELINE_BELOW : BASELINE_ABOVE;
}

static bool unusual(const struct leaf *l, const struct leaf_reading *r)
{
	double score = baseline_score(r->baseline, &l->baseline, r->value);

	if (leaf_side(l) == BASELINE_BELOW)
		score = -score;
	return score > l->baseline.deviations;
}

static bool is_above(const struct limit *limit, double value)
{
	return limit->set && value > limit->at;
}

static bool is_below(const struct limit *limit, double value)
{
	return limit->set && value < limit->at;
}

/* How far it went since then, as a share of the value then or in its unit; from 0 there is no share. */
static double change_of(const struct comparison *c, const struct leaf_reading *r)
{
	double by = r->value - r->earlier;

	if (!c->relative)
		return by;
	return r->earlier == 0 ? NAN : by / fabs(r->earlier);
}

/* sure: the value is not too low for want of events. */
static bool passes_limits(const struct leaf *l, const struct leaf_reading *r, bool sure)
{
	const struct comparison *c = &l->change;
	double by;

	if (l->above.set && !is_above(&l->above, r->value))
		return false;
	if (l->below.set && !(sure && is_below(&l->below, r->value)))
		return false;
	if (l->outside_low.set && !is_above(&l->outside_high, r->value) &&
	    !(sure && is_below(&l->outside_low, r->value)))
		return false;
	if (!c->above.set && !c->below.set)
		return true;
	by = change_of(c, r);
	return is_above(&c->above, by) || (sure && is_below(&c->below, by));
}

bool leaf_holds(const struct leaf *l, const struct leaf_reading *r, bool degraded)
{
	if (l->absent_ns)
		return !degraded && r->value >= (double)l->absent_ns / (double)NS_PER_S;
	if (r->samples < l->min_samples || !passes_limits(l, r, !degraded && !r->partial))
		return false;
	return !l->has_baseline || unusual(l, r);
}

/* Recursion is as deep as the loader allows. */
static bool node_holds(const struct when *w, unsigned at, unsigned held)
{
	const struct tree_node *node = &w->nodes[at];
	unsigned end = at + node->skip;

	if (node->kind == NODE_LEAF)
		return held >> node->leaf & 1;
	for (unsigned i = at + 1; i < end; i += w->nodes[i].skip)
		if (node_holds(w, i, held) == (node->kind == NODE_ANY))
			return node->kind == NODE_ANY;
	return node->kind == NODE_ALL;
}

bool condition_holds(const struct when *w, const struct reading *r, unsigned *ret_held)
{
	*ret_held = 0;
	for (unsigned i = 0; i < w->n_leaves; i++)
		if (leaf_holds(&w->leaves[i], &r->leaves[i], r->degraded))
			*ret_held |= 1u << i;
	return node_holds(w, 0, *ret_held);
}

bool condition_clears(const struct rule *rule, const struct reading *r, bool holds)
{
	const struct clearing *clear = &rule->clear;
	double value = r->leaves[0].value;

	if (r->degraded || holds)
		return false;
	if (isnan(value))
		return true;
	return (!clear->above.set || is_above(&clear->above, value)) &&
	       (!clear->below.set || is_below(&clear->below, value));
}

enum severity condition_severity(const struct rule *rule, const struct reading *r)
{
	enum severity severity = rule->severity;

	for (unsigned i = 0; i < rule->n_escalations; i++) {
		const struct escalation *e = &rule->escalations[i];

		if (is_above(&e->above, r->leaves[0].value) ||
		    is_below(&e->below, r->leaves[0].value))
			severity = e->severity;
	}
	return severity;
}

unsigned condition_shown_leaf(unsigned held)
{
	return held && !(held & 1) ? (unsigned)__builtin_ctz(held) : 0;
}

static double outside_limit(const struct leaf *l, double value)
{
	double middle = (l->outside_low.at + l->outside_high.at) / 2;

	return value < middle ? l->outside_low.at : l->outside_high.at;
}

static double change_limit(const struct comparison *c, const struct leaf_reading *r)
{
	bool fell = c->below.set && !(c->above.set && r->value > r->earlier);
	double at = fell ? c->below.at : c->above.at;

	return r->earlier + (c->relative ? at * fabs(r->earlier) : at);
}

double leaf_limit(const struct leaf *l, const struct leaf_reading *r)
{
	if (l->above.set)
		return l->above.at;
	if (l->below.set)
		return l->below.at;
	if (l->outside_low.set)
		return outside_limit(l, r->value);
	if (leaf_has_change(l))
		return change_limit(&l->change, r);
	if (l->has_baseline)
		return r->baseline ? baseline_limit(r->baseline, &l->baseline, leaf_side(l)) : NAN;
	return l->absent_ns ? (double)l->absent_ns / (double)NS_PER_S : NAN;
}

enum unit leaf_unit(const struct leaf *l)
{
	return l->absent_ns ? UNIT_S : l->value.unit;
}
