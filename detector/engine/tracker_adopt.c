/* SPDX-License-Identifier: BSD-2-Clause */
/* How a rule takes over what the same rule of the engine before knew. */
#include "engine/tracker_parts.h"

#include <stdlib.h>
#include <string.h>

static bool alike_leaves(const struct leaf *a, const struct leaf *b)
{
	return a->value.n_terms == b->value.n_terms && a->window_ns == b->window_ns &&
	       a->has_baseline == b->has_baseline && leaf_has_change(a) == leaf_has_change(b) &&
	       a->change.ago_ns == b->change.ago_ns && !a->absent_ns == !b->absent_ns;
}

bool tracker_alike(const struct rule *a, const struct rule *b)
{
	if (rule_is_windowed(a) != rule_is_windowed(b) || a->judge.n_leaves != b->judge.n_leaves)
		return false;
	for (unsigned i = 0; i < a->judge.n_leaves; i++)
		if (!alike_leaves(&a->judge.leaves[i], &b->judge.leaves[i]))
			return false;
	return true;
}

static bool same_limit(const struct limit *a, const struct limit *b)
{
	return a->set == b->set && (!a->set || a->at == b->at);
}

/* Else what was near a limit then may not be now. */
static bool same_limits(const struct when *a, const struct when *b)
{
	for (unsigned i = 0; i < a->n_leaves; i++) {
		const struct leaf *x = &a->leaves[i], *y = &b->leaves[i];

		if (!same_limit(&x->above, &y->above) || !same_limit(&x->below, &y->below) ||
		    !same_limit(&x->outside_low, &y->outside_low) ||
		    !same_limit(&x->outside_high, &y->outside_high) ||
		    !same_limit(&x->change.above, &y->change.above) ||
		    !same_limit(&x->change.below, &y->change.below) ||
		    x->absent_ns != y->absent_ns || x->min_samples != y->min_samples)
			return false;
	}
	return true;
}

/* The windows of a cell go to one other cell. False if some have gone to another one before, as old
 * rules shared a stream that new ones do not. */
static bool find_heirs(const struct tracker *t, const struct tracker *old)
{
	bool whole = true;

	for (unsigned i = 0; t->windowed && i < t->rule->judge.n_leaves; i++) {
		for (unsigned j = 0; j < t->rule->judge.leaves[i].value.n_terms; j++) {
			struct cell *from = &old->stream->cells[old->cells[i][j]];
			const struct cell *to = &t->stream->cells[t->cells[i][j]];

			if (!from->heir)
				from->heir = to;
			whole &= from->heir == to;
		}
	}
	return whole;
}

static void move_cells(const struct tracker *t, struct keyed *to, const struct tracker *old,
		       struct keyed *from)
{
	for (unsigned i = 0; t->windowed && i < t->rule->judge.n_leaves; i++) {
		for (unsigned j = 0; j < t->rule->judge.leaves[i].value.n_terms; j++) {
			const struct cell *c = &old->stream->cells[old->cells[i][j]];
			const struct cell *heir = &t->stream->cells[t->cells[i][j]];

			if (c->heir == heir)
				cell_move(heir, to, c, from);
		}
	}
}

static void adopt_key(struct tracker *t, struct tracker *old, struct keyed *from, bool whole,
		      uint64_t now_ns)
{
	struct mark *before = tracker_mark(old, from), *mark;
	size_t len;
	const unsigned char *bytes = keytable_key(&old->stream->keys, from, &len);
	struct table_key key = stream_key(t->stream, bytes, len);
	struct keyed *to = stream_get(t->stream, &key);
	double value;

	if (!to)
		return;
	mark = tracker_mark(t, to);
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
	move_cells(t, to, old, from);
	tracker_know(t, mark);
	mark->series = before->series;
	before->series = NULL;
	if (t->windowed && !mark->series &&
	    (!t->on_arrival || tracker_is_near(t, to, now_ns, &value)))
		mark->series = series_new(t->rule, now_ns);
	if (!mark->series)
		return;
	if (!whole)
		mark->series->known_ns = mark->series->usual_since_ns = now_ns;
	tracker_hold(t, to, PHASE_INACTIVE, mark->series->life.phase);
	/* one that rested is looked at once, as its limits may be others */
	tracker_enlist(t, to, before->listed && before->idle && t->learns);
}

void tracker_adopt(struct tracker *t, struct tracker *old, uint64_t now_ns)
{
	bool whole = find_heirs(t, old);

	stream_tick(t->stream, old->stream->tick_ns);
	for (uint32_t i = 0; i < old->stream->keys.high; i++) {
		struct keyed *from = tracker_entry(old, i);

		if (keytable_used(&old->stream->keys, i) && tracker_mark(old, from)->known)
			adopt_key(t, old, from, whole, now_ns);
	}
	window_free(t->losses);
	t->losses = old->losses;
	old->losses = NULL;
	t->stats = old->stats;
	t->turn = old->turn;
	t->evaluated_ns = old->evaluated_ns;
	if (!same_limits(&t->rule->judge, &old->rule->judge))
		return;
	t->misses = old->misses;
	old->misses = (struct near_misses){ 0 };
	memcpy(t->calm, old->calm, sizeof(t->calm));
	t->calm_until_ns = old->calm_until_ns;
	stream_look_again(t->stream);
}
