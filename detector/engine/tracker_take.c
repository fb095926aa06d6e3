/* SPDX-License-Identifier: BSD-2-Clause */
/* What a rule does when an event arrives. */
#include "engine/tracker_parts.h"

#include <math.h>

#include "engine/compute.h"
#include "engine/distance.h"

/* --- with a window --------------------------------------------------------------------------- */

/* Of a key that is not near a limit; where there are several, only those near one are noted. */
static void missed_on_arrival(struct tracker *t, struct keyed *k, double value, uint64_t now_ns)
{
	const struct leaf *l = &t->rule->judge.leaves[0];
	const struct leaf_reading r = { .value = value, .samples = l->min_samples };
	struct distance d;

	t->evaluated_ns = now_ns;
	if (t->rule->judge.n_leaves > 1 || (value <= t->calm[0] && now_ns < t->calm_until_ns))
		return;
	d = leaf_distance(l, &r, false);
	tracker_note_miss(t, &d, &r, k, now_ns);
}

static void take_on_arrival(struct tracker *t, struct keyed *k, struct mark *mark,
			    const struct event *ev, const struct moment *m)
{
	struct reading r;
	double value;

	if (!mark->series && !tracker_is_near(t, k, m->now_ns, &value)) {
		missed_on_arrival(t, k, value, m->now_ns);
		return;
	}
	tracker_enlist(t, k, false);
	tracker_need_series(t, k, m->now_ns);
	if (ev)
		series_show(mark->series, t->rule, ev);
	tracker_judge(t, k, mark->series, &r, m);
}

void tracker_take(struct tracker *t, struct keyed *k, unsigned source, const struct event *ev,
		  const struct moment *m)
{
	struct mark *mark = tracker_mark(t, k);
	struct series *s;

	tracker_know(t, mark);
	if (t->on_arrival) {
		take_on_arrival(t, k, mark, source == 0 ? ev : NULL, m);
		return;
	}
	tracker_enlist(t, k, false);
	s = tracker_need_series(t, k, m->now_ns);
	if (source > 0)
		return;
	if (m->now_ns > s->last_ns)
		s->last_ns = m->now_ns;
	series_show(s, t->rule, ev);
}

/* --- without --------------------------------------------------------------------------------- */

/* Did nothing match for so long that it is over? Not known while events were lost. */
bool tracker_gone_quiet(const struct tracker *t, const struct series *s, const struct moment *m)
{
	return elapsed_ns(m->now_ns, s->last_ns) >= t->rule->keep_ns &&
	       !tracker_is_degraded(t, m->now_ns);
}

bool tracker_minds(struct tracker *t, const struct event *ev)
{
	const struct leaf *l = &t->rule->judge.leaves[0];
	struct leaf_reading r = { .value = formula_measure(&l->value, ev),
				  .earlier = NAN,
				  .samples = 1 };
	uint64_t now_ns = event_time_ns(ev);
	unsigned char key[KEY_BYTES_MAX];
	struct distance d;

	t->evaluated_ns = now_ns;
	if (leaf_holds(l, &r, false))
		return true;
	d = leaf_distance(l, &r, false);
	if (d.share < INFINITY && near_wanted(&t->misses, d.share, now_ns))
		tracker_note_miss_of(t, &d, &r, key, key_pack(&t->stream->fields[0], ev, key),
				     now_ns);
	return false;
}

void tracker_take_point(struct tracker *t, struct keyed *k, const struct event *ev,
			const struct moment *m)
{
	struct mark *mark = tracker_mark(t, k);
	struct series *s;
	struct reading r;

	tracker_know(t, mark);
	s = tracker_need_series(t, k, m->now_ns);
	tracker_enlist(t, k, false);
	if (s->life.phase == PHASE_PENDING && tracker_gone_quiet(t, s, m)) {
		tracker_hold(t, k, PHASE_PENDING, PHASE_INACTIVE);
		s->life.phase = PHASE_INACTIVE;
		s->samples = 0;
	}
	if (m->now_ns > s->last_ns)
		s->last_ns = m->now_ns;
	k->last_ns = s->last_ns;
	s->samples++;
	s->came = true;
	s->value = formula_measure(&t->rule->judge.leaves[0].value, ev);
	series_show(s, t->rule, ev);
	tracker_read_point(s, &r);
	tracker_advance(t, k, s, true, false, &r, 1, m);
}
