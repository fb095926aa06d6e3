/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/changes.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "engine/composites.h"
#include "engine/flap.h"
#include "engine/inhibition.h"
#include "engine/kept.h"
#include "engine/projection.h"

/* What is known of one alert: while it fires, and until its changes are too old to make it flap. */
struct standing {
	TAILQ_ENTRY(standing) link;
	unsigned rule;
	bool fires;	   /* for its rule */
	bool up;	   /* for everybody else: fires, or flaps */
	bool said;	   /* it was said that it fires, and not yet that it has resolved */
	bool held;	   /* it waits, and an inhibitor was seen */
	bool met;	   /* as far as its rule said; while fires */
	uint64_t up_ns;	   /* when it came up ... */
	uint64_t began_ns; /* ... and since when what it says was so */
	struct flap flap;
	char incident[ULID_LEN + 1];
	struct transition *latest; /* while up */
	struct transition *first;  /* up, and fired again since: what it came up with; or NULL */
	const unsigned char *packed;
	size_t len;
	unsigned char bytes[]; /* what packed points to */
};

TAILQ_HEAD(standings, standing);

/* The alerts of one rule. */
struct rule_alerts {
	const struct rule *rule;
	struct flap_conf flap;
	struct standings firing;
	struct standings quiet; /* do not fire; the one that changed last is last */
	unsigned n;
	struct rule_alert_stats stats;
};

struct changes {
	struct engine_shared *shared;
	struct rule_alerts *rules;
	unsigned n_rules;
	void *tree; /* of struct standing by rule and key: tsearch(3) */
	struct inhibition *inhibition;
	struct composites *composites;
};

struct moment {
	uint64_t now_ns;
	int64_t wall_offset_ns;
};

/* --- what is known of alerts ----------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return packed_compare(x->packed, x->len, y->packed, y->len);
}

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
	return ch;
}

static struct standings *list_of(struct changes *ch, const struct standing *s)
{
	return s->fires ? &ch->rules[s->rule].firing : &ch->rules[s->rule].quiet;
}

static void set_fires(struct changes *ch, struct standing *s, bool fires)
{
	TAILQ_REMOVE(list_of(ch, s), s, link);
	s->fires = fires;
	TAILQ_INSERT_TAIL(list_of(ch, s), s, link);
}

static void drop(struct changes *ch, struct standing *s)
{
	(void)tdelete(s, &ch->tree, compare);
	TAILQ_REMOVE(list_of(ch, s), s, link);
	ch->rules[s->rule].n--;
	flap_fini(&s->flap);
	free(s->latest);
	free(s->first);
	free(s);
}

static void drop_all(struct changes *ch, struct standings *list)
{
	while (!TAILQ_EMPTY(list))
		drop(ch, TAILQ_FIRST(list));
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
	free(ch);
}

static struct standing *find(const struct changes *ch, unsigned rule, const unsigned char *packed,
			     size_t len)
{
	const struct standing wanted = { .rule = rule, .packed = packed, .len = len };
	struct standing *const *found = tfind(&wanted, &ch->tree, compare);

	return found ? *found : NULL;
}

static struct standing *add(struct changes *ch, const struct alert_change *c)
{
	struct standing *s = xcalloc(1, sizeof(*s) + c->packed_len);

	if (c->packed_len)
		memcpy(s->bytes, c->packed_key, c->packed_len);
	s->packed = s->bytes;
	s->len = c->packed_len;
	s->rule = c->rule;
	(void)tsearch(s, &ch->tree, compare);
	TAILQ_INSERT_TAIL(&ch->rules[s->rule].quiet, s, link);
	ch->rules[s->rule].n++;
	return s;
}

static void keep(struct standing *s, const struct transition *t)
{
	struct transition *latest = transition_keep(t);

	free(s->latest);
	s->latest = latest;
}

/* --- what is said ---------------------------------------------------------------------------- */

static void say(struct changes *ch, struct standing *s, enum change change,
		const struct transition *what, const struct moment *m)
{
	struct engine_shared *shared = ch->shared;
	struct rule_alert_stats *stats = &ch->rules[s->rule].stats;
	struct transition t = *what;

	t.state = change == CHANGE_RESOLVED ? ALERT_RESOLVED : ALERT_FIRING;
	t.repeat = change == CHANGE_REPEATED;
	t.ended_ns = change == CHANGE_RESOLVED ? m->now_ns : 0;
	t.wall_offset_ns = m->wall_offset_ns;
	t.started_ns = s->began_ns;
	t.flapping = s->flap.on ? s->flap.count : 0;
	if (s->first)
		t.event = s->first->event;
	ulid_next(&shared->ids, (m->now_ns + (uint64_t)m->wall_offset_ns) / NS_PER_MS, t.id);
	if (change == CHANGE_FIRED) {
		memcpy(s->incident, t.id, sizeof(s->incident));
		s->said = true;
		shared->stats.fired++;
		stats->fired++;
		stats->last_fired_ns = m->now_ns;
	} else if (change == CHANGE_RESOLVED) {
		s->said = false;
		shared->stats.resolved++;
		stats->resolved++;
	}
	memcpy(t.incident, s->incident, sizeof(t.incident));
	if (shared->conf.on_transition)
		shared->conf.on_transition(shared->conf.ctx, &t);
}

static bool inhibited(const struct changes *ch, const struct standing *s,
		      const struct transition *t)
{
	return inhibition_by(ch->inhibition, s->rule, t->key) != NULL;
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
		say(ch, s, CHANGE_FIRED, c->transition, m);
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
	s->up = false;
	ch->shared->stats.firing--;
	ch->rules[s->rule].stats.up--;
	inhibition_end(ch->inhibition, s->rule, t->key);
	composites_end(ch->composites, s->rule, t->key, s->began_ns);
	if (!s->said && !ch->rules[s->rule].rule->quiet && !s->held && !inhibited(ch, s, t))
		say(ch, s, CHANGE_FIRED, s->latest, m);
	if (s->said) {
		say(ch, s, CHANGE_RESOLVED, t, m);
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
	drop(ch, s);
	ch->shared->stats.alerts_forgotten++;
}

static void fired(struct changes *ch, const struct alert_change *c, const struct moment *m)
{
	struct rule_alerts *ra = &ch->rules[c->rule];
	struct standing *s = find(ch, c->rule, c->packed_key, c->packed_len);

	if (!s) {
		make_room(ch, ra, m);
		s = add(ch, c);
	}
	set_fires(ch, s, true);
	s->met = true;
	(void)flap_settled(&s->flap, &ra->flap, m->now_ns);
	(void)flap_change(&s->flap, &ra->flap, m->now_ns);
	if (!s->up) {
		come_up(ch, s, c, m);
	} else if (!s->first) {
		s->first = s->latest;
		s->latest = NULL;
	}
	keep(s, c->transition);
}

static void resolved(struct changes *ch, struct standing *s, const struct alert_change *c,
		     const struct moment *m)
{
	bool flapped = s->flap.on;

	set_fires(ch, s, false);
	if (flap_change(&s->flap, &ch->rules[s->rule].flap, m->now_ns)) {
		if (!flapped && s->said)
			say(ch, s, CHANGE_REPEATED, c->transition, m);
		keep(s, c->transition);
		return;
	}
	go_down(ch, s, c->transition, m);
	if (ch->rules[s->rule].flap.changes == 0)
		drop(ch, s);
}

void changes_take(struct engine_shared *shared, const struct alert_change *c)
{
	struct changes *ch = shared->changes;
	const struct moment m = { c->now_ns, c->transition->wall_offset_ns };
	struct standing *s;

	if (c->change == CHANGE_FIRED) {
		fired(ch, c, &m);
		return;
	}
	s = find(ch, c->rule, c->packed_key, c->packed_len);
	if (!s)
		return;
	(void)flap_settled(&s->flap, &ch->rules[c->rule].flap, m.now_ns);
	if (c->change == CHANGE_RESOLVED) {
		resolved(ch, s, c, &m);
		return;
	}
	if (s->said && (c->change == CHANGE_SEVERITY || !inhibited(ch, s, c->transition)))
		say(ch, s, c->change, c->transition, &m);
	keep(s, c->transition);
}

void changes_met(struct engine_shared *shared, unsigned rule, const unsigned char *packed,
		 size_t len, bool met)
{
	struct standing *s;

	if (shared->conf.rules->rules[rule].n_inhibitors == 0)
		return;
	s = find(shared->changes, rule, packed, len);
	if (s)
		s->met = met;
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
		drop(ch, s);
	}
}

static void tick_waiting(struct changes *ch, struct standings *list, const struct moment *m)
{
	struct standing *s;

	TAILQ_FOREACH(s, list, link)
	{
		if (!s->up || s->said || m->now_ns <= s->up_ns)
			continue;
		if (inhibited(ch, s, s->latest)) {
			s->held = true;
		} else if (!s->held || (s->fires && s->met)) {
			s->held = false;
			say(ch, s, CHANGE_FIRED, s->latest, m);
		}
	}
}

void changes_tick(struct engine_shared *shared, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct changes *ch = shared->changes;
	const struct moment m = { now_ns, wall_offset_ns };

	for (unsigned i = 0; i < ch->n_rules; i++)
		tick_quiet(ch, &ch->rules[i], &m);
	composites_tick(ch->composites, now_ns, wall_offset_ns);
	for (unsigned i = 0; i < ch->n_rules; i++) {
		const struct rule *rule = ch->rules[i].rule;

		if (rule->quiet || rule->n_inhibitors == 0)
			continue;
		tick_waiting(ch, &ch->rules[i].firing, &m);
		tick_waiting(ch, &ch->rules[i].quiet, &m);
	}
}

/* --- other rules ----------------------------------------------------------------------------- */

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
	drop(ch, s);
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

/* The rules that it points to are those of the new set now. */
static void move_transition(struct transition *t, const struct rule_set *to,
			    const struct rule_set *from, const unsigned *heirs)
{
	const struct when *before;

	if (!t)
		return;
	before = &t->rule->judge;
	t->rule = &to->rules[heirs[t->rule - from->rules]];
	if (t->leaf)
		t->leaf = &t->rule->judge.leaves[t->leaf - before->leaves];
	for (unsigned i = 0; i < t->n_conditions; i++)
		t->conditions[i].leaf =
			&t->rule->judge.leaves[t->conditions[i].leaf - before->leaves];
	for (unsigned i = 0; i < t->n_members; i++)
		t->members[i].rule = &to->rules[t->rule->members[i]];
}

static void move_standing(struct changes *to, struct changes *from, struct standing *s,
			  const unsigned *heirs)
{
	const struct rule_set *new_set = to->shared->conf.rules;
	const struct rule_set *old_set = from->shared->conf.rules;
	struct rule_alerts *ra;

	(void)tdelete(s, &from->tree, compare);
	TAILQ_REMOVE(list_of(from, s), s, link);
	from->rules[s->rule].n--;
	if (to->rules[heirs[s->rule]].flap.changes != from->rules[s->rule].flap.changes)
		flap_forget(&s->flap);
	s->rule = heirs[s->rule];
	ra = &to->rules[s->rule];
	move_transition(s->latest, new_set, old_set, heirs);
	move_transition(s->first, new_set, old_set, heirs);
	(void)tsearch(s, &to->tree, compare);
	TAILQ_INSERT_TAIL(list_of(to, s), s, link);
	ra->n++;
	if (s->up) {
		inhibition_begin(to->inhibition, s->rule, s->latest->key);
		composites_know(to->composites, s->rule, s->latest->key, s->began_ns);
	}
}

void changes_adopt(struct engine_shared *to, struct engine_shared *from, const unsigned *heirs)
{
	struct changes *ch = from->changes;
	struct standing *s;

	composites_adopt(to->changes->composites, ch->composites, heirs);
	for (unsigned i = 0; i < ch->n_rules; i++) {
		if (heirs[i] != NO_RULE)
			to->changes->rules[heirs[i]].stats = ch->rules[i].stats;
		while ((s = TAILQ_FIRST(&ch->rules[i].firing)))
			move_standing(to->changes, ch, s, heirs);
		while ((s = TAILQ_FIRST(&ch->rules[i].quiet)))
			move_standing(to->changes, ch, s, heirs);
	}
}

/* --- for those who ask ----------------------------------------------------------------------- */

void changes_view(const struct engine_shared *shared, unsigned rule, const unsigned char *packed,
		  size_t len, const struct value *key, uint64_t now_ns, struct alert_view *ret)
{
	const struct changes *ch = shared->changes;
	const struct standing *s = find(ch, rule, packed, len);

	*ret = (struct alert_view){ .inhibited_by = inhibition_by(ch->inhibition, rule, key) };
	if (!s)
		return;
	ret->up = s->up;
	ret->said = s->said;
	ret->flaps = s->flap.on;
	ret->recent_changes = flap_recent(&s->flap, &ch->rules[rule].flap, now_ns);
}

const struct rule_alert_stats *changes_stats(const struct engine_shared *shared, unsigned rule)
{
	return &shared->changes->rules[rule].stats;
}

struct composites *changes_composites(const struct engine_shared *shared)
{
	return shared->changes->composites;
}

bool engine_in_grace(const struct engine_shared *shared, unsigned rule, uint64_t now_ns)
{
	return elapsed_ns(now_ns, shared->began_ns[rule]) + LIFECYCLE_SLACK_NS <
	       shared->conf.rules->rules[rule].grace_ns;
}
