/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/distance.h"

#include <float.h>
#include <math.h>

/* `by` is what lacks to a limit: less than 0 if nothing does. At a limit is not beyond it. */
static double share(double by, double limit)
{
	if (isnan(by) || isnan(limit))
		return INFINITY;
	if (by == 0)
		return DBL_EPSILON;
	return by < 0 ? 0 : by / (limit == 0 ? 1 : fabs(limit));
}

static double above(const struct limit *l, double value)
{
	return share(l->at - value, l->at);
}

static double below(const struct limit *l, double value)
{
	return share(value - l->at, l->at);
}

static double outside(const struct leaf *l, double value)
{
	return fmin(above(&l->outside_high, value), below(&l->outside_low, value));
}

/* Of the limits on the value itself. */
static double to_limits(const struct leaf *l, const struct leaf_reading *r)
{
	double far = 0;

	if (l->above.set)
		far = fmax(far, above(&l->above, r->value));
	if (l->below.set)
		far = fmax(far, below(&l->below, r->value));
	if (l->outside_low.set)
		far = fmax(far, outside(l, r->value));
	return far;
}

static double to_change(const struct leaf *l, const struct leaf_reading *r)
{
	const struct comparison *c = &l->change;
	double by = r->value - r->earlier, near = INFINITY;

	if (c->relative)
		by = r->earlier == 0 ? NAN : by / fabs(r->earlier);
	if (c->above.set)
		near = fmin(near, above(&c->above, by));
	if (c->below.set)
		near = fmin(near, below(&c->below, by));
	return near;
}

static double to_baseline(const struct leaf *l, const struct leaf_reading *r)
{
	double limit = baseline_limit(r->baseline, &l->baseline, leaf_side(l));

	return share(leaf_side(l) == BASELINE_BELOW ? r->value - limit : limit - r->value, limit);
}

struct distance leaf_distance(const struct leaf *l, const struct leaf_reading *r, bool degraded)
{
	double absent_s = (double)l->absent_ns / (double)NS_PER_S;
	struct distance d = { 0 };

	if (leaf_holds(l, r, degraded))
		return d;
	if (l->absent_ns) {
		d.share = share(absent_s - r->value, absent_s);
		return d;
	}
	d.share = to_limits(l, r);
	if (leaf_has_change(l))
		d.share = fmax(d.share, to_change(l, r));
	if (l->has_baseline && !baseline_ready(r->baseline, &l->baseline))
		d.gate = NEAR_WARM_UP;
	else if (l->has_baseline)
		d.share = fmax(d.share, to_baseline(l, r));
	if (d.share == 0 && r->samples < l->min_samples)
		d.gate = NEAR_SAMPLES;
	return d;
}

/* Recursion is as deep as the loader allows. */
static struct distance node_distance(const struct when *w, unsigned at, const struct reading *r)
{
	const struct tree_node *node = &w->nodes[at];
	unsigned end = at + node->skip;
	struct distance d = { 0 };

	if (node->kind == NODE_LEAF) {
		d = leaf_distance(&w->leaves[node->leaf], &r->leaves[node->leaf], r->degraded);
		d.leaf = node->leaf;
		return d;
	}
	for (unsigned i = at + 1; i < end; i += w->nodes[i].skip) {
		struct distance child = node_distance(w, i, r);

		if (i == at + 1 ||
		    (node->kind == NODE_ANY ? child.share < d.share : child.share > d.share))
			d = child;
	}
	return d;
}

struct distance condition_distance(const struct when *w, const struct reading *r)
{
	return node_distance(w, 0, r);
}
