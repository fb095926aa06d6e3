/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told of an alert, or held back, and why. */
#include <string.h>

#include "engine/changes_parts.h"

struct hold changes_hold(const struct changes *ch, unsigned rule, const struct value *key,
			 enum severity severity, uint64_t now_ns)
{
	const struct rule *r = ch->rules[rule].rule;

	return (struct hold){
		.quiet = r->quiet,
		.inhibited_by = inhibition_by(ch->inhibition, rule, key),
		.silence = silences_match(ch->silences, r, key, severity, now_ns),
	};
}

struct hold standing_hold(const struct changes *ch, const struct standing *s,
			  const struct transition *t, const struct moment *m)
{
	return changes_hold(ch, s->rule, t->key, t->severity, m->now_ns);
}

bool hold_is_unsaid(const struct hold *h)
{
	return h->quiet || h->inhibited_by;
}

void standing_set_silence(struct changes *ch, struct standing *s, struct silence *by)
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

bool standing_lags(const struct standing *s)
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
	hold = standing_hold(ch, s, t, m);
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

void standing_say(struct changes *ch, struct standing *s, enum change change,
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
		standing_set_silence(ch, s, NULL);
	else if (change == CHANGE_FIRED || s->silence)
		standing_set_silence(ch, s, silence);
	ch->behind |= standing_lags(s);
}

void standing_catch_up(struct changes *ch, struct standing *s, const struct moment *m)
{
	bool unheard = s->silence != NULL;

	standing_set_silence(ch, s, NULL);
	s->told = s->latest->severity;
	s->lags = false;
	put_out(ch, s, unheard ? CHANGE_FIRED : CHANGE_SEVERITY, unheard ? s->incident : s->id,
		NULL, s->latest, m);
}
