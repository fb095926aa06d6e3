/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/condition.h"

#include <math.h>

enum baseline_side condition_side(const struct condition *c)
{
	return c->below.set && !c->above.set ? BASELINE_BELOW : BASELINE_ABOVE;
}

static bool unusual(const struct condition *c, const struct reading *r)
{
	double score = baseline_score(r->baseline, &c->baseline, r->value);

	if (condition_side(c) == BASELINE_BELOW)
		score = -score;
	return score > c->baseline.deviations;
}

bool condition_holds(const struct condition *c, const struct reading *r)
{
	/* Written so that NaN is beyond no limit. */
	if (r->samples < c->min_samples)
		return false;
	if (c->above.set && !(r->value > c->above.at))
		return false;
	if (c->below.set && (r->degraded || r->partial || !(r->value < c->below.at)))
		return false;
	return !c->has_baseline || unusual(c, r);
}

bool condition_clears(const struct rule *rule, const struct reading *r)
{
	const struct clearing *clear = &rule->clear;

	if (r->degraded || condition_holds(&rule->when, r))
		return false;
	if (isnan(r->value))
		return true;
	return !(clear->above.set && !(r->value > clear->above.at)) &&
	       !(clear->below.set && !(r->value < clear->below.at));
}

double condition_threshold(const struct condition *c, const struct baseline *b)
{
	if (c->above.set)
		return c->above.at;
	if (c->below.set)
		return c->below.at;
	if (c->has_baseline)
		return baseline_limit(b, &c->baseline, condition_side(c));
	return NAN;
}
