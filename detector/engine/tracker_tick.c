/* SPDX-License-Identifier: BSD-2-Clause */
/* What a rule does at the tick, and with which keys. */
#include "engine/tracker_parts.h"

/* Idle keys learn at one of so many ticks. */
#define TURNS 8

/* The value was the same at the ticks since the last turn, as the key was idle. */
static void learn_since(struct baseline *b, const struct baseline_conf *conf, double value,
			uint64_t now_ns)
{
	uint64_t gap_ns = b->samples ? elapsed_ns(now_ns, b->updated_ns) : 0;
	uint64_t ticks = (gap_ns + NS_PER_S / 2) / NS_PER_S;

	if (ticks > TURNS)
		ticks = 1;
	for (uint64_t i = ticks; i > 1; i--)
		baseline_learn(b, conf, value, now_ns - gap_ns / ticks * (i - 1));
	baseline_learn(b, conf, value, now_ns);
}

/*
 * Not while the alert is up, nor from windows that a firing one or a loss reaches into, nor before
 * the window had time to fill. What made it pending may still be in the window: a key that is
 * pending on and off would never learn, and single values far out are outvoted.
 */
static void learn(struct tracker *t, struct series *s, const struct reading *r,
		  const struct moment *m)
{
	if (s->life.phase == PHASE_FIRING) {
		s->usual_since_ns = m->now_ns;
		return;
	}
	if (s->life.phase != PHASE_INACTIVE || r->degraded)
		return;
	for (unsigned i = 0; i < t->rule->judge.n_leaves; i++) {
		const struct leaf *l = &t->rule->judge.leaves[i];

		if (l->has_baseline && elapsed_ns(m->now_ns, s->usual_since_ns) >= l->window_ns)
			learn_since(&s->baselines[i], &l->baseline, r->leaves[i].value, m->now_ns);
	}
}

static void remember(struct tracker *t, struct series *s, const struct reading *r,
		     const struct moment *m)
{
	for (unsigned i = 0; i < t->rule->judge.n_leaves; i++) {
		const struct leaf *l = &t->rule->judge.leaves[i];

		if (leaf_has_change(l) && !r->degraded && !r->leaves[i].partial)
			history_add(&s->histories[i], l->change.ago_ns, r->leaves[i].value,
				    m->now_ns);
	}
}

static bool is_empty(const struct tracker *t, const struct reading *r)
{
	for (unsigned i = 0; i < t->rule->judge.n_leaves; i++)
		if (r->leaves[i].samples || r->leaves[i].partial)
			return false;
	return !r->degraded;
}

static void give_up_series(struct tracker *t, struct mark *mark)
{
	tracker_unlist(t, mark);
	series_free(mark->series);
	mark->series = NULL;
}

static void rest(struct tracker *t, struct keyed *k, struct mark *mark)
{
	if (t->learns)
		tracker_enlist(t, k, true);
	else
		tracker_unlist(t, mark);
}

/* Decides whether the key needs the next tick too. */
static void settle(struct tracker *t, struct keyed *k, struct mark *mark, const struct reading *r,
		   const struct moment *m)
{
	const struct series *s = mark->series;
	double value;

	if (s->life.phase != PHASE_INACTIVE || t->lasting)
		tracker_enlist(t, k, false);
	else if (!t->on_arrival && is_empty(t, r))
		rest(t, k, mark);
	else if (t->on_arrival && !tracker_is_near(t, k, m->now_ns, &value))
		give_up_series(t, mark);
}

static void tick_window(struct tracker *t, struct keyed *k, const struct moment *m)
{
	struct mark *mark = tracker_mark(t, k);
	struct reading r;

	tracker_judge(t, k, mark->series, &r, m);
	tracker_tell_met(t, k, mark->series, !mark->series->life.clearing);
	if (t->learns)
		learn(t, mark->series, &r, m);
	if (t->lasting)
		remember(t, mark->series, &r, m);
	settle(t, k, mark, &r, m);
}

static void tick_point(struct tracker *t, struct keyed *k, const struct moment *m)
{
	struct series *s = tracker_mark(t, k)->series;
	bool quiet = tracker_gone_quiet(t, s, m);
	struct reading r;

	tracker_read_point(s, &r);
	/* Only a matching event lets a pending one fire. */
	if (quiet || s->life.phase == PHASE_FIRING)
		tracker_advance(t, k, s, !quiet, quiet, &r, !quiet, m);
	tracker_tell_met(t, k, s, s->came);
	s->came = false;
	if (s->life.phase != PHASE_INACTIVE)
		return;
	tracker_forget(t, k);
	stream_release(t->stream, k);
}

/* A key that leaves the list has left its place to another. */
static void tick_list(struct tracker *t, const struct tracker_list *list, uint32_t from,
		      uint32_t step, const struct moment *m)
{
	for (uint32_t i = from; i < list->n;) {
		uint32_t number = list->entries[i];
		struct keyed *k = tracker_entry(t, number);

		if (t->windowed)
			tick_window(t, k, m);
		else
			tick_point(t, k, m);
		if (i < list->n && list->entries[i] == number)
			i += step;
	}
}

/* With one key for all, silence from the start is silence too. */
static void watch_from_the_start(struct tracker *t, const struct moment *m)
{
	struct table_key no_key = stream_key(t->stream, (const unsigned char *)"", 0);
	struct keyed *k;

	if (!t->lasting || t->rule->n_by)
		return;
	k = stream_get(t->stream, &no_key);
	if (!k || tracker_mark(t, k)->known)
		return;
	k->last_ns = at_least(k->last_ns, m->now_ns);
	tracker_know(t, tracker_mark(t, k));
	tracker_need_series(t, k, m->now_ns);
	tracker_enlist(t, k, false);
}

void tracker_tick(struct tracker *t, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct moment m = { now_ns, wall_offset_ns };

	watch_from_the_start(t, &m);
	tick_list(t, &t->busy, 0, 1, &m);
	tick_list(t, &t->idle, t->turn, TURNS, &m);
	t->turn = (t->turn + 1) % TURNS;
}
