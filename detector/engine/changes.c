/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "engine/changes_parts.h"
#include "engine/composites.h"

struct changes *changes_new(struct engine_shared *shared)
{
	const struct rule_set *rules = shared->conf.rules;
	struct changes *ch = xcalloc(1, sizeof(*ch));

	ch->shared = shared;
	ch->n_rules = rules->n_rules;
	ch->rules = xcalloc(ch->n_rules, sizeof(*ch->rules));
	for (unsigned i = 0; i < ch->n_rules; i++) {
		struct rule_alerts *ra = &ch->rules[i];

		ra->rule = &rules->rules[i];
		if (ra->rule->flap_changes)
			ra->flap = (struct flap_conf){ ra->rule->flap_changes,
						       ra->rule->flap_window_ns };
		TAILQ_INIT(&ra->firing);
		TAILQ_INIT(&ra->quiet);
	}
	ch->inhibition = inhibition_new(rules);
	ch->composites = composites_new(shared);
	ch->silences = silences_new();
	return ch;
}

static void drop_all(struct changes *ch, struct standings *list)
{
	while (!TAILQ_EMPTY(list))
		standing_drop(ch, TAILQ_FIRST(list));
}

void changes_free(struct changes *ch)
{
	if (!ch)
		return;
	for (unsigned i = 0; i < ch->n_rules; i++) {
		drop_all(ch, &ch->rules[i].firing);
		drop_all(ch, &ch->rules[i].quiet);
	}
	free(ch->rules);
	inhibition_free(ch->inhibition);
	composites_free(ch->composites);
	silences_free(ch->silences);
	free(ch);
}

/* --- coming and going ------------------------------------------------------------------------ */

static void come_up(struct changes *ch, struct standing *s, const struct alert_change *c,
		    const struct moment *m)
{
	const struct rule *rule = ch->rules[s->rule].rule;

	s->up = true;
	s->held = false;
	s->up_ns = m->now_ns;
	s->began_ns = c->transition->started_ns;
	ch->shared->stats.firing++;
	ch->rules[s->rule].stats.up++;
	if (!rule->quiet && rule->n_inhibitors == 0)
		standing_say(ch, s, CHANGE_FIRED, c->transition, m);
	inhibition_begin(ch->inhibition, s->rule, c->transition->key);
	composites_begin(ch->composites, c, s->began_ns);
}

/*
 * t tells how it ended, and lends from s at most its latest. One that came and went before anybody
 * looked for inhibitors is said whole.
 */
static void go_down(struct changes *ch, struct standing *s, const struct transition *t,
		    const struct moment *m)
{
	struct hold hold;

	s->up = false;
	ch->shared->stats.firing--;
	ch->rules[s->rule].stats.up--;
	inhibition_end(ch->inhibition, s->rule, t->key);
	composites_end(ch->composites, s->rule, t->key, s->began_ns);
	hold = standing_hold(ch, s, t, m);
	if (!s->said && !s->held && !hold_is_unsaid(&hold))
		standing_say(ch, s, CHANGE_FIRED, s->latest, m);
	if (s->said) {
		standing_say(ch, s, CHANGE_RESOLVED, t, m);
	} else {
		ch->shared->stats.held++;
		ch->rules[s->rule].stats.held++;
	}
	free(s->latest);
	free(s->first);
	s->latest = s->first = NULL;
}

/* A place for one more alert of the rule, at the cost of the one that has been quiet for longest. */
static void make_room(struct changes *ch, struct rule_alerts *ra, const struct moment *m)
{
	struct standing *s = TAILQ_FIRST(&ra->quiet);

	if (ra->n < ch->shared->conf.max_keys || !s)
		return;
	if (s->up)
		go_down(ch, s, s->latest, m);
	standing_drop(ch, s);
	ch->shared->stats.alerts_forgotten++;
}

static void fired(struct changes *ch, const struct alert_change *c, const struct moment *m)
{
	struct rule_alerts *ra = &ch->rules[c->rule];
	struct standing *s = standing_find(ch, c->rule, c->packed_key, c->packed_len);

	if (!s) {
		make_room(ch, ra, m);
		s = standing_add(ch, c);
	}
	standing_set_fires(ch, s, true);
	s->met = true;
	(void)flap_settled(&s->flap, &ra->flap, m->now_ns);
	(void)flap_change(&s->flap, &ra->flap, m->now_ns);
	if (!s->up) {
		come_up(ch, s, c, m);
	} else if (!s->first) {
		s->first = s->latest;
		s->latest = NULL;
	}
	standing_keep(s, c->transition);
}

static void resolved(struct changes *ch, struct standing *s, const struct alert_change *c,
		     const struct moment *m)
{
	bool flapped = s->flap.on;

	standing_set_fires(ch, s, false);
	if (flap_change(&s->flap, &ch->rules[s->rule].flap, m->now_ns)) {
		if (!flapped && s->said)
			standing_say(ch, s, CHANGE_REPEATED, c->transition, m);
		standing_keep(s, c->transition);
		return;
	}
	go_down(ch, s, c->transition, m);
	if (ch->rules[s->rule].flap.changes == 0)
		standing_drop(ch, s);
}

void changes_take(struct engine_shared *shared, const struct alert_change *c)
{
	struct changes *ch = shared->changes;
	const struct moment m = { c->now_ns, c->transition->wall_offset_ns };
	struct standing *s;
	struct hold hold;

	if (c->change == CHANGE_FIRED) {
		fired(ch, c, &m);
		return;
	}
	s = standing_find(ch, c->rule, c->packed_key, c->packed_len);
	if (!s)
		return;
	(void)flap_settled(&s->flap, &ch->rules[c->rule].flap, m.now_ns);
	if (c->change == CHANGE_RESOLVED) {
		resolved(ch, s, c, &m);
		return;
	}
	hold = standing_hold(ch, s, c->transition, &m);
	if (s->said && (c->change == CHANGE_SEVERITY || !hold_is_unsaid(&hold)))
		standing_say(ch, s, c->change, c->transition, &m);
	standing_keep(s, c->transition);
}

void changes_met(struct engine_shared *shared, unsigned rule, const unsigned char *packed,
		 size_t len, bool met)
{
	struct standing *s;

	if (shared->conf.rules->rules[rule].n_inhibitors == 0)
		return;
	s = standing_find(shared->changes, rule, packed, len);
	if (s)
		s->met = met;
}

static void end_standing(struct changes *ch, struct standing *s, const char *reason,
			 const struct moment *m)
{
	struct transition t;

	if (s->up) {
		t = *s->latest;
		t.reason = reason;
		s->held = true; /* what nobody has heard of need not end */
		go_down(ch, s, &t, m);
	}
	standing_drop(ch, s);
}

void changes_end_rule(struct engine_shared *shared, unsigned rule, const char *reason,
		      uint64_t now_ns, int64_t wall_offset_ns)
{
	struct rule_alerts *ra = &shared->changes->rules[rule];
	const struct moment m = { now_ns, wall_offset_ns };

	while (!TAILQ_EMPTY(&ra->firing))
		end_standing(shared->changes, TAILQ_FIRST(&ra->firing), reason, &m);
	while (!TAILQ_EMPTY(&ra->quiet))
		end_standing(shared->changes, TAILQ_FIRST(&ra->quiet), reason, &m);
}

/* --- the tick -------------------------------------------------------------------------------- */

/* Ends what flapped and is over, and forgets what was. */
static void tick_quiet(struct changes *ch, struct rule_alerts *ra, const struct moment *m)
{
	struct standing *s;

	while ((s = TAILQ_FIRST(&ra->quiet)) &&
	       elapsed_ns(m->now_ns, s->flap.last_ns) >= ra->flap.window_ns) {
		if (s->up)
			go_down(ch, s, s->latest, m);
		standing_drop(ch, s);
	}
}

/* Rules that nothing inhibits do not say whether it is met. */
static bool waits_for_condition(const struct changes *ch, const struct standing *s)
{
	return ch->rules[s->rule].rule->n_inhibitors && !(s->fires && s->met);
}

/* Says what waits, if nothing holds it back any more. */
static void look_at_waiting(struct changes *ch, struct standing *s, const struct moment *m)
{
	const struct hold hold = standing_hold(ch, s, s->latest, m);
	bool known = s->said && !s->silence;

	if (hold_is_unsaid(&hold) && !known)
		s->held = true;
	else if (s->held && waits_for_condition(ch, s))
		return;
	else if (!s->said)
		standing_say(ch, s, CHANGE_FIRED, s->latest, m);
	else if (!hold.silence)
		standing_catch_up(ch, s, m);
	else if (!known)
		standing_set_silence(ch, s, hold.silence);
	if (!hold_is_unsaid(&hold) || known)
		s->held = false;
}

static void tick_waiting(struct changes *ch, struct standings *list, const struct moment *m)
{
	struct standing *s;

	TAILQ_FOREACH(s, list, link)
	{
		if (!s->up || (s->said && !standing_lags(s)))
			continue;
		if (m->now_ns > s->up_ns)
			look_at_waiting(ch, s, m);
		ch->behind |= standing_lags(s);
	}
}

void changes_tick(struct engine_shared *shared, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct changes *ch = shared->changes;
	const struct moment m = { now_ns, wall_offset_ns };
	bool behind;

	for (unsigned i = 0; i < ch->n_rules; i++)
		tick_quiet(ch, &ch->rules[i], &m);
	composites_tick(ch->composites, now_ns, wall_offset_ns);
	silences_expire(ch->silences, now_ns, shared->conf.on_silence_over, shared->conf.ctx);
	behind = ch->behind;
	ch->behind = false;
	for (unsigned i = 0; i < ch->n_rules; i++) {
		const struct rule *rule = ch->rules[i].rule;

		if (rule->quiet || (rule->n_inhibitors == 0 && !behind))
			continue;
		tick_waiting(ch, &ch->rules[i].firing, &m);
		tick_waiting(ch, &ch->rules[i].quiet, &m);
	}
}
