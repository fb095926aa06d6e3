/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of a key's alert: to changes.c when it changes, and to those who ask. */
#include "engine/tracker_parts.h"

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
	size_t len;

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
		.quality = tracker_is_degraded(t, m->now_ns) ? QUALITY_DEGRADED : QUALITY_COMPLETE,
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
	key_unpack(t->rule, keytable_key(&t->stream->keys, k, &len), key);
}

unsigned tracker_rule_index(const struct tracker *t)
{
	return (unsigned)(t->rule - t->shared->conf.rules->rules);
}

void tracker_report(struct tracker *t, struct keyed *k, struct series *s, enum change change,
		    const struct reading *r, unsigned held, const struct moment *m)
{
	struct value key[RULE_BY_MAX];
	struct transition tr;
	size_t len;
	struct alert_change c = {
		.change = change,
		.rule = tracker_rule_index(t),
		.packed_key = keytable_key(&t->stream->keys, k, &len),
		.now_ns = m->now_ns,
		.transition = &tr,
	};

	c.packed_len = (unsigned)len;
	describe(t, k, s, r, held, m, &tr, key);
	tr.repeat = change == CHANGE_REPEATED;
	if (change == CHANGE_RESOLVED) {
		tr.state = ALERT_RESOLVED;
		tr.ended_ns = m->now_ns;
	}
	changes_take(t->shared, &c);
}

void tracker_tell_met(struct tracker *t, const struct keyed *k, const struct series *s, bool met)
{
	const unsigned char *key;
	size_t len;

	if (s->life.phase != PHASE_FIRING)
		return;
	key = keytable_key(&t->stream->keys, k, &len);
	changes_met(t->shared, tracker_rule_index(t), key, len, met);
}

bool tracker_inspect(struct tracker *t, const unsigned char *key, size_t len, uint64_t now_ns,
		     struct inspection *ret)
{
	struct keyed *k = tracker_find(t, key, len);

	if (!k)
		return false;
	*ret = (struct inspection){ .series = tracker_mark(t, k)->series, .last_ns = k->last_ns };
	if (t->windowed)
		tracker_read_windows(t, k, ret->series, now_ns, &ret->reading);
	else
		tracker_read_point(ret->series, &ret->reading);
	ret->holds = condition_holds(&t->rule->judge, &ret->reading, &ret->held);
	return true;
}

bool tracker_describe(struct tracker *t, const unsigned char *key, size_t len,
		      const struct moment *m, struct transition *ret,
		      struct value ret_key[RULE_BY_MAX])
{
	struct inspection now;

	if (!tracker_inspect(t, key, len, m->now_ns, &now) || !now.series ||
	    now.series->life.phase == PHASE_INACTIVE)
		return false;
	describe(t, tracker_find(t, key, len), now.series, &now.reading, now.held, m, ret, ret_key);
	return true;
}
