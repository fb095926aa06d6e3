/* SPDX-License-Identifier: BSD-2-Clause */
/* The gates that an event and then an alert has to pass, in their order. */
#include "engine/explain_parts.h"

#include "engine/composites.h"
#include "engine/series.h"

static void write_gate(struct explained *s, const char *name, enum passing passes, struct buf *text)
{
	json_open(s->j, '{');
	json_member_str(s->j, "gate", name);
	json_key(s->j, "passes");
	if (passes == UNKNOWN)
		json_null(s->j);
	else
		json_bool(s->j, passes == OPEN);
	json_member_str(s->j, "says", buf_str(text));
	json_close(s->j, '}');
}

void explain_gate(struct explained *s, const char *name, enum passing passes, struct buf *text)
{
	write_gate(s, name, passes, text);
	if (passes == CLOSED && s->verdict.len == 0)
		buf_addf(&s->verdict, "%s: %s", name, buf_str(text));
	buf_fini(text);
}

static void add_ago(struct buf *out, uint64_t at_ns, uint64_t now_ns)
{
	duration_format(out, elapsed_ns(now_ns, at_ns));
	buf_adds(out, " ago");
}

void explain_add_count(struct buf *out, uint64_t n)
{
	quantity_format(out, (double)n, UNIT_COUNT);
}

/* --- before the condition -------------------------------------------------------------------- */

static void gate_source(struct explained *s, const struct event_type *type)
{
	struct buf text = { 0 };
	bool stands = s->conf->source_stands(s->conf->ctx, type, &text);

	explain_gate(s, "source", stands ? OPEN : CLOSED, &text);
}

static void gate_events(struct explained *s)
{
	struct buf text = { 0 };

	if (s->traffic.events == 0) {
		buf_addf(&text, "no event of %s came yet", s->rule->on->name);
	} else {
		explain_add_count(&text, s->traffic.events);
		buf_addf(&text, " event%s of %s came, the last ", plural(s->traffic.events),
			 s->rule->on->name);
		add_ago(&text, s->traffic.last_event_ns, s->conf->now_ns);
	}
	explain_gate(s, "events", s->traffic.events ? OPEN : CLOSED, &text);
}

static void gate_where(struct explained *s)
{
	struct buf text = { 0 };

	if (!s->rule->where) {
		buf_adds(&text, "the rule has none: every event counts");
	} else if (s->traffic.matched == 0) {
		buf_adds(&text, "no event satisfied it yet");
	} else {
		explain_add_count(&text, s->traffic.matched);
		buf_addf(&text, " event%s satisfied it, the last ", plural(s->traffic.matched));
		add_ago(&text, s->traffic.last_match_ns, s->conf->now_ns);
	}
	explain_gate(s, "where", !s->rule->where || s->traffic.matched ? OPEN : CLOSED, &text);
}

static void gate_key(struct explained *s)
{
	struct buf text = { 0 };

	if (s->has_state) {
		buf_adds(&text, "known; its last event came ");
		add_ago(&text, s->now.last_ns, s->conf->now_ns);
		explain_gate(s, "key", OPEN, &text);
		return;
	}
	if (s->tracker->windowed)
		buf_adds(&text, s->asked ? "no event of it came lately" : "no key is known");
	else
		buf_adds(&text,
			 "each event is judged by itself: a key is known only while its alert "
			 "is pending or firing");
	explain_gate(s, "key", s->tracker->windowed ? CLOSED : UNKNOWN, &text);
}

/* --- what comes after the condition ---------------------------------------------------------- */

static void gate_grace(struct explained *s)
{
	bool in_grace = engine_in_grace(s->shared, s->index, s->conf->now_ns);
	struct buf text = { 0 };

	if (!s->rule->grace_ns)
		return;
	if (in_grace) {
		buf_adds(&text, "at work for ");
		duration_format(&text, elapsed_ns(s->conf->now_ns, s->shared->began_ns[s->index]));
		buf_adds(&text, " of ");
		duration_format(&text, s->rule->grace_ns);
	} else {
		buf_adds(&text, "over");
	}
	explain_gate(s, "grace", in_grace ? CLOSED : OPEN, &text);
}

static void gate_hits(struct explained *s, const struct lifecycle *life)
{
	unsigned of = s->rule->of, hits;
	uint64_t mask = of < 64 ? (1ull << of) - 1 : UINT64_MAX;
	struct buf text = { 0 };

	hits = life ? (unsigned)__builtin_popcountll(life->looks & mask) : 0;
	buf_addf(&text, "held at %u of the last %u ticks, %u are needed", hits, of, s->rule->hits);
	explain_gate(s, "for",
		     hits >= s->rule->hits || (life && life->phase == PHASE_FIRING) ? OPEN : CLOSED,
		     &text);
}

static void gate_for(struct explained *s)
{
	const struct lifecycle *life = s->now.series ? &s->now.series->life : NULL;
	bool firing = life && life->phase == PHASE_FIRING;
	struct buf text = { 0 };

	if (s->tracker->life.of) {
		gate_hits(s, life);
		return;
	}
	if (firing) {
		buf_adds(&text, "fires since ");
		duration_format(&text, elapsed_ns(s->conf->now_ns, life->since_ns));
		if (life->clearing)
			buf_adds(&text, "; what ends it holds");
	} else if (!s->rule->for_ns) {
		return;
	} else if (!life || life->phase == PHASE_INACTIVE) {
		buf_adds(&text, "the condition does not hold; it must for ");
		duration_format(&text, s->rule->for_ns);
	} else {
		buf_adds(&text, "held for ");
		duration_format(&text, elapsed_ns(s->conf->now_ns, life->since_ns));
		buf_adds(&text, " of ");
		duration_format(&text, s->rule->for_ns);
	}
	explain_gate(s, "for", firing ? OPEN : CLOSED, &text);
}

static void gate_flap(struct explained *s)
{
	struct buf text = { 0 };

	if (!s->rule->flap_changes)
		return;
	buf_addf(&text, "%u change%s within ", s->alert.recent_changes,
		 plural(s->alert.recent_changes));
	duration_format(&text, s->rule->flap_window_ns);
	buf_addf(&text, ", flaps from %u on", s->rule->flap_changes);
	if (s->alert.flaps)
		buf_adds(&text, ": it flaps, and is held firing");
	explain_gate(s, "flap", s->alert.flaps ? CLOSED : OPEN, &text);
}

static void gate_inhibited(struct explained *s)
{
	const struct rule *by = s->alert.hold.inhibited_by;
	struct buf text = { 0 };

	if (!s->rule->n_inhibitors)
		return;
	if (by)
		buf_addf(&text, "rule %s fires", by->name);
	else
		buf_adds(&text, "no rule that inhibits it fires");
	explain_gate(s, "inhibited_by", by && !s->alert.said ? CLOSED : OPEN, &text);
}

void explain_silence(const struct explained *s, const struct silence *silence, struct buf *out)
{
	buf_addf(out, "silence %llu, ", (unsigned long long)silence->id);
	if (s->conf->now_ns < silence->until_ns) {
		buf_adds(out, "for ");
		duration_format(out, silence->until_ns - s->conf->now_ns);
		buf_adds(out, " more");
	} else {
		buf_adds(out, "which is over");
	}
	buf_addf(out, ": %s", silence->comment);
}

static void count_fitting(void *ctx, const struct silence *silence)
{
	struct explained *s = ctx;

	s->n_silences += silence_fits_rule(silence, s->rule);
}

/* It keeps hooks from being told, and not the rule from firing: so it is no verdict. */
static void gate_silence(struct explained *s)
{
	const struct silences *all = changes_silences(s->shared);
	const struct silence *by = s->alert.hold.silence;
	enum passing passes = OPEN;
	struct buf text = { 0 };

	silences_each(all, count_fitting, s);
	by = by ? by : s->alert.silenced_by;
	if (by) {
		explain_silence(s, by, &text);
		passes = CLOSED;
	} else if (!s->has_key && s->n_silences) {
		buf_addf(&text, "%u silence%s may match, that depends on the alert", s->n_silences,
			 plural(s->n_silences));
		passes = UNKNOWN;
	} else {
		buf_adds(&text, silences_count(all) ? "none matches" : "there is none");
	}
	write_gate(s, "silence", passes, &text);
	buf_fini(&text);
}

static void gate_said(struct explained *s)
{
	struct buf text = { 0 };

	if (s->rule->quiet) {
		buf_adds(&text, "\"notify\" is false: nothing of it is said");
		explain_gate(s, "notify", CLOSED, &text);
	} else if (s->alert.silenced_by) {
		buf_adds(&text, "it was shown that it fires, but no hook was told");
		explain_gate(s, "said", CLOSED, &text);
	} else if (s->alert.said) {
		buf_adds(&text, "it was said that it fires");
		explain_gate(s, "said", OPEN, &text);
	} else if (s->alert.up) {
		buf_adds(&text, "it fires, and nothing was said yet");
		explain_gate(s, "said", CLOSED, &text);
	}
}

/* Who is told, and whether they hear it. */
static void gate_hooks(struct explained *s)
{
	const struct hook_conf *hooks = s->shared->conf.rules->hooks;
	enum passing passes = s->rule->n_hooks ? OPEN : UNKNOWN;
	struct buf text = { 0 };

	if (s->rule->quiet)
		return;
	for (unsigned i = 0; i < s->rule->n_hooks; i++) {
		unsigned hook = s->rule->hooks[i];

		buf_addf(&text, "%s%s", i ? ", " : "", hooks[hook].name);
		if (s->conf->hook_works && !s->conf->hook_works(s->conf->ctx, hook, &text))
			passes = CLOSED;
	}
	if (!s->rule->n_hooks)
		buf_adds(&text, "the rule names none: its alerts are only shown");
	write_gate(s, "hooks", passes, &text);
	buf_fini(&text);
}

/* --- rules made of others -------------------------------------------------------------------- */

static void gates_of_members(struct explained *s)
{
	const struct composite *c = NULL;
	struct composite_verdict v = { 0 };
	struct buf text = { 0 };

	if (s->has_key)
		c = composites_find(changes_composites(s->shared), s->index, s->key.packed,
				    s->key.len);
	for (unsigned i = 0; i < s->rule->n_members; i++) {
		const struct rule *member = &s->shared->conf.rules->rules[s->rule->members[i]];
		unsigned firing = c ? composite_firing(c, i) : 0;
		struct buf says = { 0 };

		buf_addf(&says, "%s: %u alert%s fire%s%s", member->name, firing, plural(firing),
			 firing == 1 ? "s" : "", s->rule->n_by && s->has_key ? " for the key" : "");
		explain_gate(s, "member",
			     firing || (s->rule->kind == RULE_SEQUENCE && c && c->members[i].n)
				     ? OPEN
				     : CLOSED,
			     &says);
	}
	if (c)
		v = composite_judge(c, s->rule);
	buf_adds(&text,
		 s->rule->kind == RULE_SEQUENCE ? "in this order, within " : "begun within ");
	duration_format(&text, s->rule->within_ns);
	explain_gate(s, "within", v.holds || s->alert.up ? OPEN : CLOSED, &text);
}

/* --- all of them ----------------------------------------------------------------------------- */

void explain_gates(struct explained *s)
{
	json_key(s->j, "gates");
	json_open(s->j, '[');
	if (s->tracker) {
		gate_source(s, s->rule->on);
		if (s->rule->with)
			gate_source(s, s->rule->with);
		gate_events(s);
		gate_where(s);
		gate_key(s);
		if (s->has_state)
			explain_leaves(s);
		else if (!s->tracker->windowed)
			explain_next_event(s);
	} else {
		gates_of_members(s);
	}
	gate_grace(s);
	if (s->has_state)
		gate_for(s);
	gate_flap(s);
	gate_inhibited(s);
	gate_silence(s);
	gate_said(s);
	gate_hooks(s);
	json_close(s->j, ']');
}
