/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rule with a window keeps a series for every key it saw lately, and judges it at the tick and,
 * if a crossing can show then, on arrival. A rule without one judges each event, and keeps a series
 * only while its alert is pending or firing.
 */
#include "engine/tracker.h"

#include <string.h>

#include "engine/changes.h"
#include "engine/key.h"
#include "engine/series.h"
#include "util/hash.h"

#define LOSS_WINDOW_MIN_NS NS_PER_S
#define FORGET_NS	   (600 * NS_PER_S)
/* With a baseline, and that many half-lives: then 1/64 is left of what was learnt before. */
#define FORGET_BASELINE_NS (3600 * NS_PER_S)
#define FORGET_HALF_LIVES  6

struct moment {
	uint64_t now_ns;
	int64_t wall_offset_ns;
};

static bool windowed(const struct rule *rule)
{
	return rule->when.value.aggregate != AGGREGATE_NONE;
}

static uint64_t at_least(uint64_t v, uint64_t least)
{
	return v > least ? v : least;
}

/* Aggregates that only grow as events arrive, so that each event may take one past its limit. */
static bool seen_on_arrival(const struct condition *c)
{
	enum aggregate a = c->value.aggregate;
	bool grows = a == AGGREGATE_COUNT || a == AGGREGATE_RATE || a == AGGREGATE_SUM ||
		     a == AGGREGATE_MAX;

	return grows && c->above.set && !c->below.set && !c->has_baseline;
}

static uint64_t forget_after_ns(const struct condition *c)
{
	if (c->below.set)
		return UINT64_MAX;
	if (c->has_baseline)
		return at_least(FORGET_HALF_LIVES * c->baseline.half_life_ns,
				at_least(c->window_ns, FORGET_BASELINE_NS));
	return at_least(c->window_ns, FORGET_NS);
}

void tracker_init(struct tracker *t, const struct rule *rule, struct engine_shared *shared)
{
	uint64_t quiet_ns = windowed(rule) ? rule->when.window_ns : rule->keep_ns;

	*t = (struct tracker){
		.shared = shared,
		.rule = rule,
		.on_arrival = seen_on_arrival(&rule->when),
		.start_time = key_start_time(rule),
		.forget_ns = forget_after_ns(&rule->when),
		.life = { rule->for_ns, windowed(rule) ? rule->clear.for_ns : 0, rule->repeat_ns },
		.losses = window_new(AGGREGATE_SUM, 0, at_least(quiet_ns, LOSS_WINDOW_MIN_NS)),
	};
	keytable_init(&t->keys, shared->conf.max_keys);
}

void tracker_fini(struct tracker *t)
{
	for (unsigned i = 0; i < t->keys.n; i++)
		series_free((struct series *)t->keys.all[i]);
	keytable_fini(&t->keys);
	window_free(t->losses);
}

static bool degraded(const struct tracker *t, uint64_t now_ns)
{
	return window_samples(t->losses, now_ns) > 0;
}

static void drop(struct tracker *t, struct series *s)
{
	keytable_remove(&t->keys, &s->keyed);
	series_free(s);
	t->shared->stats.keys--;
}

/* Room for one more key, made by forgetting the one that was quiet for longest if need be. */
static bool make_room(struct tracker *t)
{
	if (t->keys.n < t->keys.max)
		return true;
	if (!t->keys.oldest) {
		t->shared->stats.refused++;
		t->stats.refused++;
		return false;
	}
	drop(t, (struct series *)t->keys.oldest);
	t->shared->stats.evicted++;
	t->stats.evicted++;
	return true;
}

/* The series of the event's key, as the one used last; NULL if there is no room for a new key. */
static struct series *get_series(struct tracker *t, const struct event *ev)
{
	unsigned char key[KEY_BYTES_MAX];
	size_t len = key_pack(t->rule, t->start_time, ev, key);
	/* With the seed, nobody can choose names that all fall into one bucket. */
	uint64_t hash = hash_bytes(HASH_INIT ^ t->shared->conf.hash_seed, key, len);
	struct keyed *known = keytable_find(&t->keys, key, (unsigned)len, hash);
	struct series *s;

	if (known) {
		keytable_touch(&t->keys, known);
		return (struct series *)known;
	}
	if (!make_room(t))
		return NULL;
	s = series_new(t->rule, ev, key, len, hash);
	keytable_add(&t->keys, &s->keyed);
	t->shared->stats.keys++;
	return s;
}

static unsigned rule_index(const struct tracker *t)
{
	return (unsigned)(t->rule - t->shared->conf.rules->rules);
}

static void report(struct tracker *t, struct series *s, enum change change, const struct reading *r,
		   const struct moment *m)
{
	struct value key[RULE_BY_MAX];
	struct transition tr = {
		.state = change == CHANGE_RESOLVED ? ALERT_RESOLVED : ALERT_FIRING,
		.repeat = change == CHANGE_REPEATED,
		.rule = t->rule,
		.key = key,
		.value = r->value,
		.threshold = condition_threshold(&t->rule->when, s->baseline),
		.samples = r->samples,
		.baseline = s->baseline,
		.quality = degraded(t, m->now_ns) ? QUALITY_DEGRADED : QUALITY_COMPLETE,
		.lost = (uint64_t)window_value(t->losses, m->now_ns),
		.started_ns = s->life.since_ns,
		.ended_ns = change == CHANGE_RESOLVED ? m->now_ns : 0,
		.wall_offset_ns = m->wall_offset_ns,
		.severity = t->rule->severity,
		.event = s->worst[s->half].event,
	};
	struct alert_change c = {
		.change = change,
		.rule = rule_index(t),
		.packed_key = s->keyed.key,
		.packed_len = s->keyed.len,
		.now_ns = m->now_ns,
		.transition = &tr,
	};

	key_unpack(t->rule, s->keyed.key, key);
	changes_take(t->shared, &c);
}

static void advance(struct tracker *t, struct series *s, bool holds, bool clears,
		    const struct reading *r, const struct moment *m)
{
	enum change change;

	if (holds && s->life.phase != PHASE_FIRING)
		holds = !engine_in_grace(t->shared, rule_index(t), m->now_ns);
	change = lifecycle_step(&s->life, &t->life, holds, clears, m->now_ns);

	keytable_hold(&t->keys, &s->keyed, s->life.phase != PHASE_INACTIVE);
	if (change == CHANGE_FIRED)
		series_choose(s, t->rule, m->now_ns);
	if (change != CHANGE_NONE)
		report(t, s, change, r, m);
}

/* Judges a key of a rule with a window; returns the value that was judged. */
static double evaluate(struct tracker *t, struct series *s, const struct moment *m)
{
	struct reading r = series_read(s, degraded(t, m->now_ns), m->now_ns);
	bool firing = s->life.phase == PHASE_FIRING;

	advance(t, s, !firing && condition_holds(&t->rule->when, &r),
		firing && condition_clears(t->rule, &r), &r, m);
	return r.value;
}

static void feed_window(struct tracker *t, const struct event *ev, const struct moment *m)
{
	struct series *s = get_series(t, ev);

	if (!s)
		return;
	series_add(s, t->rule, ev, series_measure(t->rule, ev));
	if (t->on_arrival)
		evaluate(t, s, m);
}

/*
 * Not while the alert is up, nor from windows that a firing one or a loss reaches into, nor before
 * the window had time to fill. What made it pending may still be in the window: a key that is
 * pending on and off would never learn, and single values far out are outvoted.
 */
static void learn(struct tracker *t, struct series *s, double value, const struct moment *m)
{
	const struct condition *c = &t->rule->when;

	if (s->life.phase == PHASE_FIRING)
		s->usual_since_ns = m->now_ns;
	else if (s->life.phase == PHASE_INACTIVE &&
		 elapsed_ns(m->now_ns, s->usual_since_ns) >= c->window_ns &&
		 !degraded(t, m->now_ns))
		baseline_learn(s->baseline, &c->baseline, value, m->now_ns);
}

static bool forgettable(const struct tracker *t, const struct series *s, const struct moment *m)
{
	return s->life.phase == PHASE_INACTIVE && elapsed_ns(m->now_ns, s->last_ns) >= t->forget_ns;
}

static void tick_window(struct tracker *t, struct series *s, const struct moment *m)
{
	double value = evaluate(t, s, m);

	if (s->baseline)
		learn(t, s, value, m);
	if (forgettable(t, s, m))
		drop(t, s);
}

/* Did nothing match for so long that it is over? Not known while events were lost. */
static bool gone_quiet(const struct tracker *t, const struct series *s, const struct moment *m)
{
	return elapsed_ns(m->now_ns, s->last_ns) >= t->rule->keep_ns && !degraded(t, m->now_ns);
}

static void feed_point(struct tracker *t, const struct event *ev, const struct moment *m)
{
	struct reading r = { .value = series_measure(t->rule, ev), .samples = 1 };
	struct series *s;

	if (!condition_holds(&t->rule->when, &r))
		return;
	s = get_series(t, ev);
	if (!s)
		return;
	if (s->life.phase == PHASE_PENDING && gone_quiet(t, s, m)) {
		s->life.phase = PHASE_INACTIVE;
		s->samples = 0;
	}
	series_add(s, t->rule, ev, r.value);
	r.samples = s->samples;
	advance(t, s, true, false, &r, m);
}

static void tick_point(struct tracker *t, struct series *s, const struct moment *m)
{
	struct reading r = series_read(s, false, m->now_ns);
	bool quiet = gone_quiet(t, s, m);

	/* Only a matching event lets a pending one fire. */
	if (quiet || s->life.phase == PHASE_FIRING)
		advance(t, s, !quiet, quiet, &r, m);
	if (s->life.phase == PHASE_INACTIVE)
		drop(t, s);
}

void tracker_feed(struct tracker *t, const struct event *ev)
{
	struct moment m = { event_time_ns(ev), ev->wall_offset_ns };

	if (t->rule->where && !expr_match(t->rule->where, ev))
		return;
	t->shared->stats.matched++;
	if (windowed(t->rule))
		feed_window(t, ev, &m);
	else
		feed_point(t, ev, &m);
}

void tracker_tick(struct tracker *t, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct moment m = { now_ns, wall_offset_ns };

	for (unsigned i = 0; i < t->keys.n;) {
		struct keyed *k = t->keys.all[i];

		if (windowed(t->rule))
			tick_window(t, (struct series *)k, &m);
		else
			tick_point(t, (struct series *)k, &m);
		/* A key that was dropped has left its place to another. */
		if (i < t->keys.n && t->keys.all[i] == k)
			i++;
	}
}

void tracker_loss(struct tracker *t, uint64_t lost, uint64_t now_ns)
{
	window_add(t->losses, now_ns, (double)lost);
}
