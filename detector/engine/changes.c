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
	bool fires; /* for its rule */
	bool up;    /* for everybody else: fires, or flaps */
	bool said;  /* it was said that it fires, and not yet that it has resolved */
	bool held;  /* it waits, and an inhibitor was seen */
	/* said, but hooks were not told that it fires, because of this one; or NULL */
	struct silence *silence;
	enum severity told; /* what hooks know; said, and no silence ... */
	bool lags;	    /* ... but in a silence it took another severity */
	bool met;	    /* as far as its rule said; while fires */
	uint64_t up_ns;	    /* when it came up ... */
	uint64_t began_ns;  /* ... and since when what it says was so */
	struct flap flap;
	char incident[ULID_LEN + 1];
	char id[ULID_LEN + 1];	   /* of what was said last */
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
	struct silences *silences;
	bool behind; /* there may be something that hooks have not been told */
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
	ch->silences = silences_new();
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
	silence_unref(s->silence);
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
	silences_free(ch->silences);
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

/* --- what is told, or held back, and why ----------------------------------------------------- */

static struct hold hold_of(const struct changes *ch, unsigned rule, const struct value *key,
			   enum severity severity, uint64_t now_ns)
{
	const struct rule *r = ch->rules[rule].rule;

	return (struct hold){
		.quiet = r->quiet,
		.inhibited_by = inhibition_by(ch->inhibition, rule, key),
		.silence = silences_match(ch->silences, r, key, severity, now_ns),
	};
}

/* Of what there is to say of an alert. */
static struct hold hold_now(const struct changes *ch, const struct standing *s,
			    const struct transition *t, const struct moment *m)
{
	return hold_of(ch, s->rule, t->key, t->severity, m->now_ns);
}

static bool unsaid(const struct hold *h)
{
	return h->quiet || h->inhibited_by;
}

/* Hooks do not know that it fires, because of that silence; NULL: they know, or it is over. */
static void set_silence(struct changes *ch, struct standing *s, struct silence *by)
{
	struct rule_alert_stats *stats = &ch->rules[s->rule].stats;
	struct silence *before = s->silence;

	if (before) {
		before->alerts--;
		stats->silenced--;
		ch->shared->stats.silenced--;
	}
	if (by) {
		(void)silence_ref(by);
		by->alerts++;
		stats->silenced++;
		ch->shared->stats.silenced++;
	}
	s->silence = by;
	silence_unref(before);
}

static void count_unsent(struct changes *ch, const struct standing *s, struct silence *by)
{
	by->unsent++;
	ch->rules[s->rule].stats.unsent++;
	ch->shared->stats.unsent++;
}

/* Was something of it said that hooks do not know? */
static bool hooks_lag(const struct standing *s)
{
	return s->silence || s->lags;
}

/* What keeps hooks from being told of a change: of what they know to fire, they learn the end. */
static struct silence *silence_of(const struct changes *ch, const struct standing *s,
				  enum change change, const struct transition *t,
				  const struct moment *m)
{
	struct hold hold;

	if (change == CHANGE_RESOLVED)
		return s->silence;
	hold = hold_now(ch, s, t, m);
	/* One that is over lasts until the tick, so that hooks learn first that it fires. */
	return hold.silence ? hold.silence : s->silence;
}

static void put_out(struct changes *ch, const struct standing *s, enum change change,
		    const char *id, const struct silence *silence, const struct transition *what,
		    const struct moment *m)
{
	struct engine_shared *shared = ch->shared;
	struct transition t = *what;

	t.state = change == CHANGE_RESOLVED ? ALERT_RESOLVED : ALERT_FIRING;
	t.repeat = change == CHANGE_REPEATED;
	t.ended_ns = change == CHANGE_RESOLVED ? m->now_ns : 0;
	t.wall_offset_ns = m->wall_offset_ns;
	t.started_ns = s->began_ns;
	t.flapping = s->flap.on ? s->flap.count : 0;
	t.silence = silence;
	if (s->first)
		t.event = s->first->event;
	memcpy(t.id, id, sizeof(t.id));
	memcpy(t.incident, s->incident, sizeof(t.incident));
	if (shared->conf.on_transition)
		shared->conf.on_transition(shared->conf.ctx, &t);
}

static void note_change(struct changes *ch, struct standing *s, enum change change,
			const struct moment *m)
{
	struct rule_alert_stats *stats = &ch->rules[s->rule].stats;

	if (change == CHANGE_FIRED) {
		memcpy(s->incident, s->id, sizeof(s->incident));
		s->said = true;
		ch->shared->stats.fired++;
		stats->fired++;
		stats->last_fired_ns = m->now_ns;
	} else if (change == CHANGE_RESOLVED) {
		s->said = false;
		ch->shared->stats.resolved++;
		stats->resolved++;
	}
}

static void say(struct changes *ch, struct standing *s, enum change change,
		const struct transition *what, const struct moment *m)
{
	struct silence *silence = silence_of(ch, s, change, what, m);

	ulid_next(&ch->shared->ids, (m->now_ns + (uint64_t)m->wall_offset_ns) / NS_PER_MS, s->id);
	note_change(ch, s, change, m);
	put_out(ch, s, change, s->id, silence, what, m);
	if (silence)
		count_unsent(ch, s, silence);
	else
		s->told = what->severity;
	s->lags = change != CHANGE_RESOLVED && what->severity != s->told;
	if (change == CHANGE_RESOLVED)
		set_silence(ch, s, NULL);
	else if (change == CHANGE_FIRED || s->silence)
		set_silence(ch, s, silence);
	ch->behind |= hooks_lag(s);
}

/* Says again, now to hooks, what they were not told of one that fires. */
static void catch_up(struct changes *ch, struct standing *s, const struct moment *m)
{
	bool unheard = s->silence != NULL;

	set_silence(ch, s, NULL);
	s->told = s->latest->severity;
	s->lags = false;
	put_out(ch, s, unheard ? CHANGE_FIRED : CHANGE_SEVERITY, unheard ? s->incident : s->id,
		NULL, s->latest, m);
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
	struct hold hold;

	s->up = false;
	ch->shared->stats.firing--;
	ch->rules[s->rule].stats.up--;
	inhibition_end(ch->inhibition, s->rule, t->key);
	composites_end(ch->composites, s->rule, t->key, s->began_ns);
	hold = hold_now(ch, s, t, m);
	if (!s->said && !s->held && !unsaid(&hold))
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
	struct hold hold;

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
	hold = hold_now(ch, s, c->transition, &m);
	if (s->said && (c->change == CHANGE_SEVERITY || !unsaid(&hold)))
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

/* Rules that nothing inhibits do not say whether it is met. */
static bool waits_for_condition(const struct changes *ch, const struct standing *s)
{
	return ch->rules[s->rule].rule->n_inhibitors && !(s->fires && s->met);
}

/* Says what waits, if nothing holds it back any more. */
static void look_at_waiting(struct changes *ch, struct standing *s, const struct moment *m)
{
	const struct hold hold = hold_now(ch, s, s->latest, m);
	bool known = s->said && !s->silence;

	if (unsaid(&hold) && !known)
		s->held = true;
	else if (s->held && waits_for_condition(ch, s))
		return;
	else if (!s->said)
		say(ch, s, CHANGE_FIRED, s->latest, m);
	else if (!hold.silence)
		catch_up(ch, s, m);
	else if (!known)
		set_silence(ch, s, hold.silence);
	if (!unsaid(&hold) || known)
		s->held = false;
}

static void tick_waiting(struct changes *ch, struct standings *list, const struct moment *m)
{
	struct standing *s;

	TAILQ_FOREACH(s, list, link)
	{
		if (!s->up || (s->said && !hooks_lag(s)))
			continue;
		if (m->now_ns > s->up_ns)
			look_at_waiting(ch, s, m);
		ch->behind |= hooks_lag(s);
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

	silences_free(to->changes->silences);
	to->changes->silences = ch->silences;
	ch->silences = NULL;
	to->changes->behind = true; /* what held something back may be gone */
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

	*ret = (struct alert_view){
		.hold = hold_of(ch, rule, key,
				s && s->up ? s->latest->severity : ch->rules[rule].rule->severity,
				now_ns),
	};
	if (!s)
		return;
	ret->up = s->up;
	ret->silenced_by = s->silence;
	ret->said = s->said;
	ret->flaps = s->flap.on;
	ret->recent_changes = flap_recent(&s->flap, &ch->rules[rule].flap, now_ns);
}

const struct rule_alert_stats *changes_stats(const struct engine_shared *shared, unsigned rule)
{
	return &shared->changes->rules[rule].stats;
}

struct silences *changes_silences(const struct engine_shared *shared)
{
	return shared->changes->silences;
}

static unsigned count_fitting(const struct standings *list, const struct rule *rule,
			      const struct silence *silence)
{
	const struct standing *s;
	unsigned n = 0;

	TAILQ_FOREACH(s, list, link)
	{
		n += s->up && silence_fits(silence, rule, s->latest->key, s->latest->severity);
	}
	return n;
}

unsigned changes_silenced(const struct engine_shared *shared, const struct silence *silence)
{
	const struct changes *ch = shared->changes;
	unsigned n = 0;

	for (unsigned i = 0; i < ch->n_rules; i++) {
		n += count_fitting(&ch->rules[i].firing, ch->rules[i].rule, silence);
		n += count_fitting(&ch->rules[i].quiet, ch->rules[i].rule, silence);
	}
	return n;
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
