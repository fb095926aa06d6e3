/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/tracker.h"

#include <stdlib.h>

#include "engine/tracker_parts.h"

#define LOSS_WINDOW_MIN_NS NS_PER_S
#define FORGET_NS	   (600 * NS_PER_S)
/* With a baseline, and that many half-lives: then 1/64 is left of what was learnt before. */
#define FORGET_BASELINE_NS (3600 * NS_PER_S)
#define FORGET_HALF_LIVES  6
/* With a sum, what brings a key beyond this share of the limit may be the event to show. */
#define NEAR_SHARE 0.5

/* Its value only grows as events arrive, so that each event may take it past its limit. */
static bool grows(const struct leaf *l)
{
	const struct formula *f = &l->value;
	enum aggregate a = f->n_terms ? f->terms[0].aggregate : AGGREGATE_NONE;

	return f->n_ops == 1 && l->above.set && !l->below.set && !l->outside_low.set &&
	       !leaf_has_change(l) && !l->absent_ns && !l->has_baseline &&
	       (a == AGGREGATE_COUNT || a == AGGREGATE_RATE || a == AGGREGATE_SUM ||
		a == AGGREGATE_MAX);
}

static bool seen_on_arrival(const struct rule *rule)
{
	for (unsigned i = 0; i < rule->judge.n_leaves; i++)
		if (!grows(&rule->judge.leaves[i]))
			return false;
	return rule_window_ns(rule) && !rule->of;
}

/* The event that crosses the limit is the worst of a count and of a maximum. */
static double near_limit(const struct leaf *l)
{
	const struct term *t = &l->value.terms[0];
	bool sums = t->field && t->aggregate != AGGREGATE_MAX;

	return sums ? l->above.at * NEAR_SHARE : l->above.at;
}

static uint64_t forget_after_ns(const struct rule *rule)
{
	uint64_t forget_ns = at_least(rule_window_ns(rule), FORGET_NS);

	for (unsigned i = 0; i < rule->judge.n_leaves; i++) {
		const struct leaf *l = &rule->judge.leaves[i];

		/* Silence is what these watch. */
		if (l->below.set || l->outside_low.set || l->change.below.set || l->absent_ns)
			return UINT64_MAX;
		if (leaf_has_change(l))
			forget_ns = at_least(forget_ns, l->change.ago_ns + l->window_ns);
		if (l->has_baseline)
			forget_ns = at_least(at_least(forget_ns, FORGET_BASELINE_NS),
					     FORGET_HALF_LIVES * l->baseline.half_life_ns);
	}
	return forget_ns;
}

/* For so long a loss makes values too low. */
static uint64_t loss_window_ns(const struct rule *rule)
{
	uint64_t length_ns = rule_window_ns(rule) ? rule_window_ns(rule) : rule->keep_ns;

	for (unsigned i = 0; i < rule->judge.n_leaves; i++)
		length_ns = at_least(length_ns, rule->judge.leaves[i].absent_ns);
	return at_least(length_ns, LOSS_WINDOW_MIN_NS);
}

void tracker_init(struct tracker *t, const struct rule *rule, struct engine_shared *shared)
{
	*t = (struct tracker){
		.shared = shared,
		.rule = rule,
		.on_arrival = seen_on_arrival(rule),
		.windowed = rule_is_windowed(rule),
		.forget_ns = forget_after_ns(rule),
		.losses = window_new(AGGREGATE_SUM, 0, loss_window_ns(rule)),
	};
	/* The first miss is to be noted. */
	t->calm_until_ns = rule->judge.n_leaves > 1 ? UINT64_MAX : 0;
	t->life = (struct lifecycle_conf){
		.for_ns = rule->for_ns,
		.clear_ns = t->windowed ? rule->clear.for_ns : 0,
		.repeat_ns = rule->repeat_ns,
		.hits = rule->hits,
		.of = t->windowed ? rule->of : 0,
	};
	for (unsigned i = 0; i < rule->judge.n_leaves; i++) {
		const struct leaf *l = &rule->judge.leaves[i];

		t->lasting |= leaf_has_change(l) || l->absent_ns;
		t->learns |= l->has_baseline;
		if (t->on_arrival)
			t->calm[i] = t->near[i] = near_limit(l);
	}
}

void tracker_fini(struct tracker *t)
{
	free(t->busy.entries);
	free(t->idle.entries);
	window_free(t->losses);
	near_fini(&t->misses);
}

void tracker_loss(struct tracker *t, uint64_t lost, uint64_t now_ns)
{
	window_add(t->losses, now_ns, (double)lost);
}

bool tracker_is_degraded(const struct tracker *t, uint64_t now_ns)
{
	return window_samples(t->losses, now_ns) > 0;
}

/* --- lists ----------------------------------------------------------------------------------- */

void tracker_unlist(struct tracker *t, struct mark *mark)
{
	struct tracker_list *list = mark->idle ? &t->idle : &t->busy;
	uint32_t at = mark->listed - 1, moved;

	if (!mark->listed)
		return;
	moved = list->entries[at] = list->entries[--list->n];
	tracker_mark(t, tracker_entry(t, moved))->listed = at + 1;
	mark->listed = 0;
}

void tracker_enlist(struct tracker *t, struct keyed *k, bool idle)
{
	struct mark *mark = tracker_mark(t, k);
	struct tracker_list *list = idle ? &t->idle : &t->busy;

	if (mark->listed && mark->idle == idle)
		return;
	tracker_unlist(t, mark);
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 16;
		list->entries = xrealloc(list->entries, list->cap, sizeof(*list->entries));
	}
	list->entries[list->n++] = k->number;
	mark->listed = list->n;
	mark->idle = idle;
}

/* --- what is kept of a key ------------------------------------------------------------------- */

void tracker_know(struct tracker *t, struct mark *mark)
{
	if (mark->known)
		return;
	mark->known = true;
	t->n_known++;
	t->shared->stats.keys++;
}

struct series *tracker_need_series(struct tracker *t, struct keyed *k, uint64_t now_ns)
{
	struct mark *mark = tracker_mark(t, k);

	if (!mark->series)
		mark->series = series_new(t->rule, now_ns);
	k->settled = false;
	return mark->series;
}

void tracker_forget(struct tracker *t, struct keyed *k)
{
	struct mark *mark = tracker_mark(t, k);

	k->settled = false;
	tracker_unlist(t, mark);
	series_free(mark->series);
	if (mark->known) {
		t->n_known--;
		t->shared->stats.keys--;
	}
	*mark = (struct mark){ 0 };
}

bool tracker_can_forget(const struct tracker *t, struct keyed *k, uint64_t now_ns)
{
	const struct mark *mark = tracker_mark(t, k);

	return mark->known && elapsed_ns(now_ns, k->last_ns) >= t->forget_ns &&
	       (!mark->series || mark->series->life.phase == PHASE_INACTIVE);
}

struct keyed *tracker_find(struct tracker *t, const unsigned char *key, size_t len)
{
	struct table_key wanted = stream_key(t->stream, key, len);
	struct keyed *k = keytable_find(&t->stream->keys, &wanted);

	return k && tracker_mark(t, k)->known ? k : NULL;
}

void tracker_each_key(struct tracker *t, tracker_key_fn *fn, void *ctx)
{
	const struct keytable *keys = &t->stream->keys;

	for (uint32_t i = 0; i < keys->high; i++) {
		struct keyed *k = keytable_at(keys, i);
		const unsigned char *key;
		size_t len;

		if (!keytable_used(keys, i) || !tracker_mark(t, k)->known)
			continue;
		key = keytable_key(keys, k, &len);
		if (!fn(ctx, key, len))
			return;
	}
}
