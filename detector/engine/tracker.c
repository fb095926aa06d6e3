/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rule with a window knows every key that it saw lately. What is judged when:
 *
 *	on arrival   rules whose values only grow as events come, on each event; and at the tick for
 *	             keys near the limit, pending or firing
 *	at the tick  all others: keys with an event in the window, pending or firing; all keys, where
 *	             the value can pass a limit without an event ("change", "absent")
 *	in turns     keys with nothing in the window whose baselines learn just that
 *
 * A rule without a window judges each event, and knows a key only while its alert is pending or
 * firing.
 */
#include "engine/tracker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compute.h"
#include "engine/distance.h"
#include "engine/series.h"

#define LOSS_WINDOW_MIN_NS NS_PER_S
#define FORGET_NS	   (600 * NS_PER_S)
/* With a baseline, and that many half-lives: then 1/64 is left of what was learnt before. */
#define FORGET_BASELINE_NS (3600 * NS_PER_S)
#define FORGET_HALF_LIVES  6
/* Idle keys learn at one of so many ticks. */
#define TURNS 8
/* With a sum, what brings a key beyond this share of the limit may be the event to show. */
#define NEAR_SHARE 0.5
/* So much of the gap to its limit must a value have made up to be a nearer miss. */
#define NEARER_SHARE (1.0 / 64)

static uint64_t at_least(uint64_t v, uint64_t least)
{
	return v > least ? v : least;
}

static bool has_change(const struct leaf *l)
{
	return l->change.above.set || l->change.below.set;
}

/* Its value only grows as events arrive, so that each event may take it past its limit. */
static bool grows(const struct leaf *l)
{
	const struct formula *f = &l->value;
	enum aggregate a = f->n_terms ? f->terms[0].aggregate : AGGREGATE_NONE;

	return f->n_ops == 1 && l->above.set && !l->below.set && !l->outside_low.set &&
	       !has_change(l) && !l->absent_ns && !l->has_baseline &&
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
		if (has_change(l))
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

		t->lasting |= has_change(l) || l->absent_ns;
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

static struct keyed *entry(const struct tracker *t, uint32_t number)
{
	return keytable_at(&t->stream->keys, number);
}

static bool degraded(const struct tracker *t, uint64_t now_ns)
{
	return window_samples(t->losses, now_ns) > 0;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void unlist(struct tracker *t, struct mark *mark)
{
	struct tracker_list *list = mark->idle ? &t->idle : &t->busy;
	uint32_t at = mark->listed - 1, moved;

	if (!mark->listed)
		return;
	moved = list->entries[at] = list->entries[--list->n];
	tracker_mark(t, entry(t, moved))->listed = at + 1;
	mark->listed = 0;
}

static void enlist(struct tracker *t, uint32_t number, bool idle)
{
	struct mark *mark = tracker_mark(t, entry(t, number));
	struct tracker_list *list = idle ? &t->idle : &t->busy;

	if (mark->listed && mark->idle == idle)
		return;
	unlist(t, mark);
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 16;
		list->entries = xrealloc(list->entries, list->cap, sizeof(*list->entries));
	}
	list->entries[list->n++] = number;
	mark->listed = list->n;
	mark->idle = idle;
}

/* --- what is kept of a key -------------------------------------------------------------------- */

static void know(struct tracker *t, struct mark *mark)
{
	if (mark->known)
		return;
	mark->known = true;
	t->n_known++;
	t->shared->stats.keys++;
}

static struct series *need_series(struct tracker *t, struct keyed *k, uint64_t now_ns)
{
	struct mark *mark = tracker_mark(t, k);

	if (!mark->series)
		mark->series = series_new(t->rule, now_ns);
	k->settled = false;
	return mark->series;
}

void tracker_forget(struct tracker *t, uint32_t number)
{
	struct keyed *k = entry(t, number);
	struct mark *mark = tracker_mark(t, k);

	k->settled = false;
	unlist(t, mark);
	series_free(mark->series);
	if (mark->known) {
		t->n_known--;
		t->shared->stats.keys--;
	}
	*mark = (struct mark){ 0 };
}

bool tracker_can_forget(const struct tracker *t, uint32_t number, uint64_t now_ns)
{
	struct keyed *k = entry(t, number);
	const struct mark *mark = tracker_mark(t, k);

	return mark->known && elapsed_ns(now_ns, k->last_ns) >= t->forget_ns &&
	       (!mark->series || mark->series->life.phase == PHASE_INACTIVE);
}

/* --- readings --------------------------------------------------------------------------------- */

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
	if (has_change(l))
		r->earlier = history_value(&s->histories[leaf], l->change.ago_ns, now_ns);
}

static void read_windows(const struct tracker *t, struct keyed *k, const struct series *s,
			 uint64_t now_ns, struct reading *r)
{
	*r = (struct reading){ .degraded = degraded(t, now_ns) };
	for (unsigned i = 0; i < t->rule->judge.n_leaves; i++)
		read_leaf(t, i, k, s, now_ns, &r->leaves[i]);
}

static void read_point(const struct series *s, struct reading *r)
{
	*r = (struct reading){ 0 };
	r->leaves[0] =
		(struct leaf_reading){ .value = s->value, .earlier = NAN, .samples = s->samples };
}

/* --- saying it -------------------------------------------------------------------------------- */

/* The limit that the alert is about: with a leaf's escalations, that of its severity. */
static double limit_of(const struct tracker *t, const struct series *s, unsigned leaf,
		       const struct leaf_reading *r)
{
	for (unsigned i = 0; leaf == 0 && i < t->rule->n_escalations; i++) {
		const struct escalation *e = &t->rule->escalations[i];

		if (e->severity == s->severity && s->severity != t->rule->severity)
			return e->above.set ? e->above.at : e->below.at;
	}
	return leaf_limit(&t->rule->judge.leaves[leaf], r);
}

static void describe(const struct tracker *t, struct keyed *k, const struct series *s,
		     const struct reading *r, unsigned held, const struct moment *m,
		     struct transition *tr, struct value key[RULE_BY_MAX])
{
	const struct leaf_reading *shown = &r->leaves[s->leaf];

	*tr = (struct transition){
		.state = ALERT_FIRING,
		.severity = s->severity,
		.rule = t->rule,
		.key = key,
		.leaf = &t->rule->judge.leaves[s->leaf],
		.value = shown->value,
		.threshold = limit_of(t, s, s->leaf, shown),
		.samples = shown->samples,
		.baseline = shown->baseline,
		.n_conditions = t->rule->judge.n_leaves,
		.quality = degraded(t, m->now_ns) ? QUALITY_DEGRADED : QUALITY_COMPLETE,
		.lost = (uint64_t)window_value(t->losses, m->now_ns),
		.started_ns = s->life.since_ns,
		.wall_offset_ns = m->wall_offset_ns,
	};
	tr->event.wall_offset_ns = s->started_offset_ns;
	if (s->worst[s->half].set)
		tr->event = s->worst[s->half].event;
	for (unsigned i = 0; i < tr->n_conditions; i++)
		tr->conditions[i] = (struct condition_seen){
			.leaf = &t->rule->judge.leaves[i],
			.value = r->leaves[i].value,
			.limit = i == s->leaf
					 ? tr->threshold
					 : leaf_limit(&t->rule->judge.leaves[i], &r->leaves[i]),
			.held = held >> i & 1,
		};
	key_unpack(t->rule, keytable_key(&t->stream->keys, k), key);
}

static unsigned rule_index(const struct tracker *t)
{
	return (unsigned)(t->rule - t->shared->conf.rules->rules);
}

static void report(struct tracker *t, struct keyed *k, struct series *s, enum change change,
		   const struct reading *r, unsigned held, const struct moment *m)
{
	struct value key[RULE_BY_MAX];
	struct transition tr;
	struct alert_change c = {
		.change = change,
		.rule = rule_index(t),
		.packed_key = keytable_key(&t->stream->keys, k),
		.packed_len = k->len,
		.now_ns = m->now_ns,
		.transition = &tr,
	};

	describe(t, k, s, r, held, m, &tr, key);
	tr.repeat = change == CHANGE_REPEATED;
	if (change == CHANGE_RESOLVED) {
		tr.state = ALERT_RESOLVED;
		tr.ended_ns = m->now_ns;
	}
	changes_take(t->shared, &c);
}

/* --- the life of an alert --------------------------------------------------------------------- */

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

static void tell_met(struct tracker *t, const struct keyed *k, const struct series *s, bool met)
{
	if (s->life.phase == PHASE_FIRING)
		changes_met(t->shared, rule_index(t), keytable_key(&t->stream->keys, k), k->len,
			    met);
}

/* --- near misses ------------------------------------------------------------------------------ */

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

static void note_miss(struct tracker *t, const struct distance *d, const struct leaf_reading *r,
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

/* The key was judged, and does not fire: because of the condition, or of what comes after it. */
static void missed(struct tracker *t, struct keyed *k, const struct reading *r, bool holds,
		   bool grace, uint64_t now_ns)
{
	struct distance d = { .share = grace ? -1 : -2, .gate = grace ? NEAR_GRACE : NEAR_FOR };

	if (!holds && !grace)
		d = condition_distance(&t->rule->judge, r);
	if (d.share < INFINITY && near_wanted(&t->misses, d.share, now_ns))
		note_miss(t, &d, &r->leaves[d.leaf], keytable_key(&t->stream->keys, k), k->len,
			  now_ns);
}

static void hold(struct keyed *k, enum phase before, enum phase after)
{
	if (before == PHASE_INACTIVE && after != PHASE_INACTIVE)
		k->held++;
	else if (before != PHASE_INACTIVE && after == PHASE_INACTIVE)
		k->held--;
}

static void advance(struct tracker *t, struct keyed *k, struct series *s, bool holds, bool clears,
		    const struct reading *r, unsigned held, const struct moment *m)
{
	enum phase before = s->life.phase;
	enum change change;
	bool grace = holds && before != PHASE_FIRING &&
		     engine_in_grace(t->shared, rule_index(t), m->now_ns);

	t->evaluated_ns = m->now_ns;
	holds = holds && !grace;
	change = lifecycle_step(&s->life, &t->life, holds, clears, m->now_ns);
	if (s->life.phase != PHASE_FIRING)
		missed(t, k, r, holds, grace, m->now_ns);
	hold(k, before, s->life.phase);
	if (change == CHANGE_FIRED)
		begin(t, s, r, held, m);
	else if (s->life.phase == PHASE_FIRING && t->rule->n_escalations &&
		 severity_changes(t, s, r, m)) {
		change = CHANGE_SEVERITY;
		s->life.noticed_ns = m->now_ns;
	}
	if (change != CHANGE_NONE)
		report(t, k, s, change, r, held, m);
}

/* Judges a key of a rule with a window. */
static void evaluate(struct tracker *t, struct keyed *k, struct series *s, struct reading *r,
		     const struct moment *m)
{
	bool firing = s->life.phase == PHASE_FIRING;
	unsigned held;
	bool holds;

	read_windows(t, k, s, m->now_ns, r);
	holds = condition_holds(&t->rule->judge, r, &held);
	advance(t, k, s, holds && !firing, firing && condition_clears(t->rule, r, holds), r, held,
		m);
}

/* --- on arrival ------------------------------------------------------------------------------- */

static bool is_near(const struct tracker *t, struct keyed *k, uint64_t now_ns, double *ret_value)
{
	*ret_value = NAN;
	for (unsigned i = 0; i < t->rule->judge.n_leaves; i++) {
		*ret_value = stream_value(t->stream, &t->stream->cells[t->cells[i][0]], k, now_ns);
		if (*ret_value > t->near[i])
			return true;
	}
	return false;
}

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
	note_miss(t, &d, &r, keytable_key(&t->stream->keys, k), k->len, now_ns);
}

static void take_on_arrival(struct tracker *t, struct keyed *k, uint32_t number, struct mark *mark,
			    const struct event *ev, const struct moment *m)
{
	struct reading r;
	double value;

	if (!mark->series && !is_near(t, k, m->now_ns, &value)) {
		missed_on_arrival(t, k, value, m->now_ns);
		return;
	}
	enlist(t, number, false);
	need_series(t, k, m->now_ns);
	if (ev)
		series_show(mark->series, t->rule, ev);
	evaluate(t, k, mark->series, &r, m);
}

void tracker_take(struct tracker *t, struct keyed *k, uint32_t number, unsigned source,
		  const struct event *ev, const struct moment *m)
{
	struct mark *mark = tracker_mark(t, k);
	struct series *s;

	know(t, mark);
	if (t->on_arrival) {
		take_on_arrival(t, k, number, mark, source == 0 ? ev : NULL, m);
		return;
	}
	enlist(t, number, false);
	s = need_series(t, k, m->now_ns);
	if (source > 0)
		return;
	if (m->now_ns > s->last_ns)
		s->last_ns = m->now_ns;
	series_show(s, t->rule, ev);
}

/* --- at the tick ------------------------------------------------------------------------------ */

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

		if (has_change(l) && !r->degraded && !r->leaves[i].partial)
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
	unlist(t, mark);
	series_free(mark->series);
	mark->series = NULL;
}

static void rest(struct tracker *t, uint32_t number, struct mark *mark)
{
	if (t->learns)
		enlist(t, number, true);
	else
		unlist(t, mark);
}

/* Decides whether the key needs the next tick too. */
static void settle(struct tracker *t, struct keyed *k, uint32_t number, struct mark *mark,
		   const struct reading *r, const struct moment *m)
{
	const struct series *s = mark->series;
	double value;

	if (s->life.phase != PHASE_INACTIVE || t->lasting)
		enlist(t, number, false);
	else if (!t->on_arrival && is_empty(t, r))
		rest(t, number, mark);
	else if (t->on_arrival && !is_near(t, k, m->now_ns, &value))
		give_up_series(t, mark);
}

static void tick_window(struct tracker *t, uint32_t number, const struct moment *m)
{
	struct keyed *k = entry(t, number);
	struct mark *mark = tracker_mark(t, k);
	struct reading r;

	evaluate(t, k, mark->series, &r, m);
	tell_met(t, k, mark->series, !mark->series->life.clearing);
	if (t->learns)
		learn(t, mark->series, &r, m);
	if (t->lasting)
		remember(t, mark->series, &r, m);
	settle(t, k, number, mark, &r, m);
}

/* --- single events ---------------------------------------------------------------------------- */

/* Did nothing match for so long that it is over? Not known while events were lost. */
static bool gone_quiet(const struct tracker *t, const struct series *s, const struct moment *m)
{
	return elapsed_ns(m->now_ns, s->last_ns) >= t->rule->keep_ns && !degraded(t, m->now_ns);
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
		note_miss(t, &d, &r, key, key_pack(&t->stream->fields[0], ev, key), now_ns);
	return false;
}

void tracker_take_point(struct tracker *t, uint32_t number, const struct event *ev,
			const struct moment *m)
{
	struct keyed *k = entry(t, number);
	struct mark *mark = tracker_mark(t, k);
	struct series *s;
	struct reading r;

	know(t, mark);
	s = need_series(t, k, m->now_ns);
	enlist(t, number, false);
	if (s->life.phase == PHASE_PENDING && gone_quiet(t, s, m)) {
		hold(k, PHASE_PENDING, PHASE_INACTIVE);
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
	read_point(s, &r);
	advance(t, k, s, true, false, &r, 1, m);
}

static void tick_point(struct tracker *t, uint32_t number, const struct moment *m)
{
	struct keyed *k = entry(t, number);
	struct series *s = tracker_mark(t, k)->series;
	bool quiet = gone_quiet(t, s, m);
	struct reading r;

	read_point(s, &r);
	/* Only a matching event lets a pending one fire. */
	if (quiet || s->life.phase == PHASE_FIRING)
		advance(t, k, s, !quiet, quiet, &r, !quiet, m);
	tell_met(t, k, s, s->came);
	s->came = false;
	if (s->life.phase != PHASE_INACTIVE)
		return;
	tracker_forget(t, number);
	stream_release(t->stream, number);
}

/* --- all -------------------------------------------------------------------------------------- */

/* A key that leaves the list has left its place to another. */
static void tick_list(struct tracker *t, const struct tracker_list *list, uint32_t from,
		      uint32_t step, const struct moment *m)
{
	for (uint32_t i = from; i < list->n;) {
		uint32_t number = list->entries[i];

		if (t->windowed)
			tick_window(t, number, m);
		else
			tick_point(t, number, m);
		if (i < list->n && list->entries[i] == number)
			i += step;
	}
}

/* With one key for all, silence from the start is silence too. */
static void watch_from_the_start(struct tracker *t, const struct moment *m)
{
	static const unsigned char no_key[1];
	uint32_t number;
	struct keyed *k;

	if (!t->lasting || t->rule->n_by)
		return;
	number = stream_get(t->stream, no_key, 0, stream_hash(t->stream, no_key, 0));
	if (number == KEYTABLE_NONE)
		return;
	k = entry(t, number);
	if (tracker_mark(t, k)->known)
		return;
	k->last_ns = at_least(k->last_ns, m->now_ns);
	know(t, tracker_mark(t, k));
	need_series(t, k, m->now_ns);
	enlist(t, number, false);
}

void tracker_tick(struct tracker *t, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct moment m = { now_ns, wall_offset_ns };

	watch_from_the_start(t, &m);
	tick_list(t, &t->busy, 0, 1, &m);
	tick_list(t, &t->idle, t->turn, TURNS, &m);
	t->turn = (t->turn + 1) % TURNS;
}

void tracker_loss(struct tracker *t, uint64_t lost, uint64_t now_ns)
{
	window_add(t->losses, now_ns, (double)lost);
}

/* --- for those who ask ------------------------------------------------------------------------ */

static uint32_t find(struct tracker *t, const unsigned char *key, size_t len)
{
	uint32_t number =
		keytable_find(&t->stream->keys, key, len, stream_hash(t->stream, key, len));

	if (number != KEYTABLE_NONE && !tracker_mark(t, entry(t, number))->known)
		return KEYTABLE_NONE;
	return number;
}

bool tracker_inspect(struct tracker *t, const unsigned char *key, size_t len, uint64_t now_ns,
		     struct inspection *ret)
{
	uint32_t number = find(t, key, len);
	struct keyed *k;

	if (number == KEYTABLE_NONE)
		return false;
	k = entry(t, number);
	*ret = (struct inspection){ .series = tracker_mark(t, k)->series, .last_ns = k->last_ns };
	if (t->windowed)
		read_windows(t, k, ret->series, now_ns, &ret->reading);
	else
		read_point(ret->series, &ret->reading);
	ret->holds = condition_holds(&t->rule->judge, &ret->reading, &ret->held);
	return true;
}

void tracker_each_key(struct tracker *t, tracker_key_fn *fn, void *ctx)
{
	const struct keytable *keys = &t->stream->keys;

	for (uint32_t i = 0; i < keys->high; i++) {
		struct keyed *k = keytable_at(keys, i);

		if (k->used && tracker_mark(t, k)->known && !fn(ctx, keytable_key(keys, k), k->len))
			return;
	}
}

bool tracker_describe(struct tracker *t, const unsigned char *key, size_t len,
		      const struct moment *m, struct transition *ret,
		      struct value ret_key[RULE_BY_MAX])
{
	struct inspection now;
	uint32_t number;

	if (!tracker_inspect(t, key, len, m->now_ns, &now) || !now.series ||
	    now.series->life.phase == PHASE_INACTIVE)
		return false;
	number = find(t, key, len);
	describe(t, entry(t, number), now.series, &now.reading, now.held, m, ret, ret_key);
	return true;
}

/* --- other rules ------------------------------------------------------------------------------ */

static bool alike_leaves(const struct leaf *a, const struct leaf *b)
{
	return a->value.n_terms == b->value.n_terms && a->window_ns == b->window_ns &&
	       a->has_baseline == b->has_baseline && has_change(a) == has_change(b) &&
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

static void adopt_key(struct tracker *t, struct tracker *old, uint32_t old_number, bool whole,
		      uint64_t now_ns)
{
	struct keyed *from = entry(old, old_number), *to;
	struct mark *before = tracker_mark(old, from), *mark;
	const unsigned char *key = keytable_key(&old->stream->keys, from);
	uint32_t number =
		stream_get(t->stream, key, from->len, stream_hash(t->stream, key, from->len));
	double value;

	if (number == KEYTABLE_NONE)
		return;
	to = entry(t, number);
	mark = tracker_mark(t, to);
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
	move_cells(t, to, old, from);
	know(t, mark);
	mark->series = before->series;
	before->series = NULL;
	if (t->windowed && !mark->series && (!t->on_arrival || is_near(t, to, now_ns, &value)))
		mark->series = series_new(t->rule, now_ns);
	if (!mark->series)
		return;
	if (!whole)
		mark->series->known_ns = mark->series->usual_since_ns = now_ns;
	hold(to, PHASE_INACTIVE, mark->series->life.phase);
	/* one that rested is looked at once, as its limits may be others */
	enlist(t, number, before->listed && before->idle && t->learns);
}

void tracker_adopt(struct tracker *t, struct tracker *old, uint64_t now_ns)
{
	bool whole = find_heirs(t, old);

	stream_tick(t->stream, old->stream->tick_ns);
	for (uint32_t i = 0; i < old->stream->keys.high; i++)
		if (keytable_used(&old->stream->keys, i) && tracker_mark(old, entry(old, i))->known)
			adopt_key(t, old, i, whole, now_ns);
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
