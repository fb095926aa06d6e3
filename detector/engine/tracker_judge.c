/* SPDX-License-Identifier: BSD-2-Clause */
/* What a rule measures of a key now, whether that is bad, and what it does to the key's alert. */
#include "engine/tracker_parts.h"

#include <math.h>

#include "engine/compute.h"
#include "engine/distance.h"

/* So much of the gap to its limit must a value have made up to be a nearer miss. */
#define NEARER_SHARE (1.0 / 64)

/* --- readings -------------------------------------------------------------------------------- */

static void read_leaf(const struct tracker *t, unsigned leaf, struct keyed *k,
		      const struct series *s, uint64_t now_ns, struct leaf_reading *r)
{
	const struct leaf *l = &t->rule->judge.leaves[leaf];
	double terms[TERMS_MAX];

	for (unsigned i = 0; i < l->value.n_terms; i++) {
		const struct cell *c = &t->stream->cells[t->cells[leaf][i]];
		uint64_t samples = stream_samples(t->stream, c, k, now_ns);

		terms[i] = stream_value(t->stream, c, k, now_ns);
		r->samples = at_least(r->samples, samples);
	}
	if (l->absent_ns)
		r->value = (double)elapsed_ns(now_ns, s->last_ns) / (double)NS_PER_S;
	else
		r->value = formula_compute(&l->value, terms);
	r->earlier = NAN;
	if (!s)
		return;
	r->partial = elapsed_ns(now_ns, s->known_ns) < l->window_ns;
	if (l->has_baseline)
		r->baseline = &s->baselines[leaf];
	if (leaf_has_change(l))
		r->earlier = history_value(&s->histories[leaf], l->change.ago_ns, now_ns);
}

void tracker_read_windows(const struct tracker *t, struct keyed *k, const struct series *s,
			  uint64_t now_ns, struct reading *r)
{
	*r = (struct reading){ .degraded = tracker_is_degraded(t, now_ns) };
	for (unsigned i = 0; i < t->rule->judge.n_leaves; i++)
		read_leaf(t, i, k, s, now_ns, &r->leaves[i]);
}

void tracker_read_point(const struct series *s, struct reading *r)
{
	*r = (struct reading){ 0 };
	r->leaves[0] =
		(struct leaf_reading){ .value = s->value, .earlier = NAN, .samples = s->samples };
}

bool tracker_is_near(const struct tracker *t, struct keyed *k, uint64_t now_ns, double *ret_value)
{
	*ret_value = NAN;
	for (unsigned i = 0; i < t->rule->judge.n_leaves; i++) {
		*ret_value = stream_value(t->stream, &t->stream->cells[t->cells[i][0]], k, now_ns);
		if (*ret_value > t->near[i])
			return true;
	}
	return false;
}

/* --- near misses ----------------------------------------------------------------------------- */

/* Of a rule judged on arrival: beyond which value, or from when on, there is something to note: where
 * a part of the gap to the limit is gone, or a count that grows would be noted with each event.
 * Where there are several leaves, only keys near a limit are noted. */
static void expect_nearer(struct tracker *t, const struct leaf *l)
{
	double unit = l->above.at == 0 ? 1 : fabs(l->above.at);

	if (t->rule->judge.n_leaves > 1)
		return;
	t->calm[0] = fmin(t->near[0], l->above.at - t->misses.best * unit * (1 - NEARER_SHARE));
	t->calm_until_ns = t->misses.until_ns;
	stream_look_again(t->stream);
}

void tracker_note_miss_of(struct tracker *t, const struct distance *d, const struct leaf_reading *r,
			  const unsigned char *key, size_t len, uint64_t now_ns)
{
	const struct leaf *l = &t->rule->judge.leaves[d->leaf];
	const struct near_miss miss = {
		.distance = d->share,
		.value = r->value,
		.limit = leaf_limit(l, r),
		.leaf = d->leaf,
		.gate = d->gate,
		.at_ns = now_ns,
		.key = (unsigned char *)key,
		.key_len = len,
	};

	near_note(&t->misses, &miss);
	if (t->on_arrival)
		expect_nearer(t, l);
}

void tracker_note_miss(struct tracker *t, const struct distance *d, const struct leaf_reading *r,
		       const struct keyed *k, uint64_t now_ns)
{
	size_t len;
	const unsigned char *key = keytable_key(&t->stream->keys, k, &len);

	tracker_note_miss_of(t, d, r, key, len, now_ns);
}

/* The key was judged, and does not fire: because of the condition, or of what comes after it. */
static void missed(struct tracker *t, struct keyed *k, const struct reading *r, bool holds,
		   bool grace, uint64_t now_ns)
{
	struct distance d = { .share = grace ? -1 : -2, .gate = grace ? NEAR_GRACE : NEAR_FOR };

	if (!holds && !grace)
		d = condition_distance(&t->rule->judge, r);
	if (d.share < INFINITY && near_wanted(&t->misses, d.share, now_ns))
		tracker_note_miss(t, &d, &r->leaves[d.leaf], k, now_ns);
}

/* --- the life of an alert -------------------------------------------------------------------- */

static void begin(struct tracker *t, struct series *s, const struct reading *r, unsigned held,
		  const struct moment *m)
{
	s->leaf = condition_shown_leaf(held);
	s->severity = condition_severity(t->rule, r);
	s->easing = false;
	s->started_offset_ns = m->wall_offset_ns;
	series_choose(s, t->rule, m->now_ns);
}

/* Up at once; down after it was milder for as long as it takes to clear, unless it is about to. */
static bool severity_changes(struct tracker *t, struct series *s, const struct reading *r,
			     const struct moment *m)
{
	enum severity now = condition_severity(t->rule, r);

	if (now > s->severity) {
		s->severity = now;
		s->easing = false;
		return true;
	}
	if (now == s->severity || r->degraded || s->life.clearing || !t->windowed) {
		s->easing = false;
		return false;
	}
	if (!s->easing || now > s->eased)
		s->eased = now;
	if (!s->easing)
		s->easing_ns = m->now_ns;
	s->easing = true;
	if (elapsed_ns(m->now_ns, s->easing_ns) + LIFECYCLE_SLACK_NS < t->life.clear_ns)
		return false;
	s->severity = s->eased;
	s->easing = false;
	return true;
}

void tracker_hold(const struct tracker *t, const struct keyed *k, enum phase before,
		  enum phase after)
{
	struct keyed_apart *apart = keytable_apart(&t->stream->keys, k->number);

	if (before == PHASE_INACTIVE && after != PHASE_INACTIVE)
		apart->held++;
	else if (before != PHASE_INACTIVE && after == PHASE_INACTIVE)
		apart->held--;
}

void tracker_advance(struct tracker *t, struct keyed *k, struct series *s, bool holds, bool clears,
		     const struct reading *r, unsigned held, const struct moment *m)
{
	enum phase before = s->life.phase;
	enum change change;
	bool grace = holds && before != PHASE_FIRING &&
		     engine_in_grace(t->shared, tracker_rule_index(t), m->now_ns);

	t->evaluated_ns = m->now_ns;
	holds = holds && !grace;
	change = lifecycle_step(&s->life, &t->life, holds, clears, m->now_ns);
	if (s->life.phase != PHASE_FIRING)
		missed(t, k, r, holds, grace, m->now_ns);
	tracker_hold(t, k, before, s->life.phase);
	if (change == CHANGE_FIRED)
		begin(t, s, r, held, m);
	else if (s->life.phase == PHASE_FIRING && t->rule->n_escalations &&
		 severity_changes(t, s, r, m)) {
		change = CHANGE_SEVERITY;
		s->life.noticed_ns = m->now_ns;
	}
	if (change != CHANGE_NONE)
		tracker_report(t, k, s, change, r, held, m);
}

/* Judges a key of a rule with a window. */
void tracker_judge(struct tracker *t, struct keyed *k, struct series *s, struct reading *r,
		   const struct moment *m)
{
	bool firing = s->life.phase == PHASE_FIRING;
	unsigned held;
	bool holds;

	tracker_read_windows(t, k, s, m->now_ns, r);
	holds = condition_holds(&t->rule->judge, r, &held);
	tracker_advance(t, k, s, holds && !firing, firing && condition_clears(t->rule, r, holds), r,
			held, m);
}
