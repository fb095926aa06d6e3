/* SPDX-License-Identifier: BSD-2-Clause */
/* The gates of what is measured: samples, window, limits, silence, baseline. */
#include "engine/explain_parts.h"

#include <math.h>

static void add_leaf_name(const struct explained *s, const struct leaf *l, struct buf *text)
{
	if (s->rule->judge.n_leaves > 1 && !l->absent_ns)
		buf_addf(text, "%s: ", l->value.text);
}

static void gate_samples(struct explained *s, const struct leaf *l, const struct leaf_reading *r)
{
	struct buf text = { 0 };

	if (!l->min_samples)
		return;
	add_leaf_name(s, l, &text);
	explain_add_count(&text, r->samples);
	buf_adds(&text, " of ");
	explain_add_count(&text, l->min_samples);
	buf_adds(&text, " that are needed are in the window");
	explain_gate(s, "samples", r->samples >= l->min_samples ? OPEN : CLOSED, &text);
}

static bool needs_whole_window(const struct leaf *l)
{
	return l->below.set || l->outside_low.set || l->change.below.set;
}

static void gate_window(struct explained *s, const struct leaf *l, const struct leaf_reading *r)
{
	struct buf text = { 0 };

	if (!l->window_ns || !needs_whole_window(l))
		return;
	add_leaf_name(s, l, &text);
	if (s->now.reading.degraded)
		buf_adds(&text, "events were lost in it: the value may be too low");
	else if (r->partial)
		buf_adds(&text, "it began before the key was known: the value may be too low");
	else
		buf_adds(&text, "nothing is missing in it");
	explain_gate(s, "window", s->now.reading.degraded || r->partial ? CLOSED : OPEN, &text);
}

static void add_limits(const struct leaf *l, const struct leaf_reading *r, enum unit unit,
		       struct buf *text)
{
	const char *join = "must be";

	if (l->above.set) {
		buf_addf(text, "%s above ", join);
		quantity_format(text, l->above.at, unit);
		join = " and";
	}
	if (l->below.set) {
		buf_addf(text, "%s below ", join);
		quantity_format(text, l->below.at, unit);
		join = " and";
	}
	if (l->outside_low.set) {
		buf_addf(text, "%s outside ", join);
		quantity_format(text, l->outside_low.at, unit);
		buf_adds(text, " to ");
		quantity_format(text, l->outside_high.at, unit);
		join = " and";
	}
	if (leaf_has_change(l)) {
		buf_addf(text, "%s changed from ", join);
		quantity_format(text, r->earlier, unit);
		buf_adds(text, " to beyond ");
		quantity_format(text, leaf_limit(&(struct leaf){ .change = l->change }, r), unit);
	}
}

/* Only the limits: as if it had samples enough and no baseline. */
static bool passes_limits(const struct leaf *l, const struct leaf_reading *r, bool degraded)
{
	struct leaf bare = *l;

	bare.min_samples = 0;
	bare.has_baseline = false;
	return leaf_holds(&bare, r, degraded);
}

static bool has_limits(const struct leaf *l)
{
	return l->above.set || l->below.set || l->outside_low.set || leaf_has_change(l);
}

static void gate_limit(struct explained *s, const struct leaf *l, const struct leaf_reading *r)
{
	enum unit unit = leaf_unit(l);
	struct buf text = { 0 };

	if (!has_limits(l))
		return;
	buf_addf(&text, "%s is ", l->value.text);
	quantity_format(&text, r->value, unit);
	if (l->window_ns) {
		buf_adds(&text, " over ");
		duration_format(&text, l->window_ns);
	}
	buf_adds(&text, ", ");
	add_limits(l, r, unit, &text);
	explain_gate(s, "threshold", passes_limits(l, r, s->now.reading.degraded) ? OPEN : CLOSED,
		     &text);
}

/* Of a rule on single events that knows no key: what it looks for. */
void explain_next_event(struct explained *s)
{
	const struct leaf *l = &s->rule->judge.leaves[0];
	const struct leaf_reading nothing = { .value = NAN, .earlier = NAN };
	struct buf text = { 0 };
	struct near_miss miss;

	buf_addf(&text, "%s ", l->value.text);
	add_limits(l, &nothing, l->value.unit, &text);
	if (near_nearest(&s->tracker->misses, s->conf->now_ns, &miss)) {
		buf_adds(&text, "; the nearest of the last hour was ");
		quantity_format(&text, miss.value, l->value.unit);
	}
	explain_gate(s, "threshold", CLOSED, &text);
}

static void gate_absent(struct explained *s, const struct leaf *l, const struct leaf_reading *r)
{
	struct buf text = { 0 };

	if (!l->absent_ns)
		return;
	buf_adds(&text, "silent for ");
	quantity_format(&text, r->value, UNIT_S);
	buf_adds(&text, " of ");
	duration_format(&text, l->absent_ns);
	explain_gate(s, "absent", leaf_holds(l, r, s->now.reading.degraded) ? OPEN : CLOSED, &text);
}

static void gate_warm_up(struct explained *s, const struct leaf *l, const struct baseline *b)
{
	struct buf text = { 0 };

	duration_format(&text, b->learnt_ns);
	buf_adds(&text, " of ");
	duration_format(&text, l->baseline.warm_up_ns);
	buf_adds(&text, " are learnt");
	explain_gate(s, "warm-up", baseline_ready(b, &l->baseline) ? OPEN : CLOSED, &text);
}

static void gate_baseline(struct explained *s, const struct leaf *l, const struct leaf_reading *r)
{
	const struct baseline *b = r->baseline;
	enum baseline_side side = leaf_side(l);
	struct buf text = { 0 };
	double score;

	if (!l->has_baseline || !b)
		return;
	gate_warm_up(s, l, b);
	if (!baseline_ready(b, &l->baseline))
		return;
	score = baseline_score(b, &l->baseline, r->value);
	buf_addf(&text, "%s is ", l->value.text);
	quantity_format(&text, r->value, l->value.unit);
	buf_adds(&text, ", normal is ");
	quantity_format(&text, b->center, l->value.unit);
	buf_addf(&text, ": %.1f deviations from it, must be %s %.4g (", score,
		 side == BASELINE_BELOW ? "below -" : "above", l->baseline.deviations);
	quantity_format(&text, baseline_limit(b, &l->baseline, side), l->value.unit);
	buf_adds(&text, ")");
	if (side == BASELINE_BELOW)
		score = -score;
	explain_gate(s, "baseline", score > l->baseline.deviations ? OPEN : CLOSED, &text);
}

/* Gates of one leaf of "any" need not all pass. */
void explain_leaves(struct explained *s)
{
	const struct when *w = &s->rule->judge;
	size_t verdict = s->verdict.len;
	struct buf text = { 0 };

	for (unsigned i = 0; i < w->n_leaves; i++) {
		const struct leaf_reading *r = &s->now.reading.leaves[i];

		gate_samples(s, &w->leaves[i], r);
		gate_window(s, &w->leaves[i], r);
		gate_limit(s, &w->leaves[i], r);
		gate_absent(s, &w->leaves[i], r);
		gate_baseline(s, &w->leaves[i], r);
	}
	if (w->n_leaves == 1)
		return;
	if (s->now.holds && s->verdict.len > verdict)
		s->verdict.data[s->verdict.len = verdict] = '\0';
	buf_addf(&text, "%u of %u conditions hold", (unsigned)__builtin_popcount(s->now.held),
		 w->n_leaves);
	explain_gate(s, "condition", s->now.holds ? OPEN : CLOSED, &text);
}
