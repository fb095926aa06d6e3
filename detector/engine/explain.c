/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/explain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/composites.h"
#include "engine/explain_key.h"
#include "engine/series.h"
#include "rule/suggest.h"

/* Lacking more than this share of its limit in an hour, a rule never came near. */
#define FAR 0.9

/* --- small pieces ---------------------------------------------------------------------------- */

static void add_ago(struct buf *out, uint64_t at_ns, uint64_t now_ns)
{
	duration_format(out, elapsed_ns(now_ns, at_ns));
	buf_adds(out, " ago");
}

static void add_count(struct buf *out, uint64_t n)
{
	quantity_format(out, (double)n, UNIT_COUNT);
}

/* --- gates ----------------------------------------------------------------------------------- */

/* What is being explained. */
struct subject {
	struct engine *e;
	struct engine_shared *shared;
	const struct explain_conf *conf;
	unsigned index;
	const struct rule *rule;
	struct tracker *tracker; /* NULL for a rule made of others */
	struct rule_traffic traffic;
	bool asked; /* for a certain key */
	bool has_key;
	struct known_key key;
	struct value values[RULE_BY_MAX];
	bool has_state; /* the rule keeps something of the key: `now` is set */
	struct inspection now;
	struct alert_view alert;
	struct json *j;
	struct buf verdict; /* the first gate that does not let it pass */
};

enum passing { CLOSED, OPEN, UNKNOWN };

/* Adds a gate; text is taken. */
static void gate(struct subject *s, const char *name, enum passing passes, struct buf *text)
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
	if (passes == CLOSED && s->verdict.len == 0)
		buf_addf(&s->verdict, "%s: %s", name, buf_str(text));
	buf_fini(text);
}

static void gate_source(struct subject *s, const struct event_type *type)
{
	struct buf text = { 0 };
	bool stands = s->conf->source_stands(s->conf->ctx, type, &text);

	gate(s, "source", stands ? OPEN : CLOSED, &text);
}

static void gate_events(struct subject *s)
{
	struct buf text = { 0 };

	if (s->traffic.events == 0) {
		buf_addf(&text, "no event of %s came yet", s->rule->on->name);
	} else {
		add_count(&text, s->traffic.events);
		buf_addf(&text, " events of %s came, the last ", s->rule->on->name);
		add_ago(&text, s->traffic.last_event_ns, s->conf->now_ns);
	}
	gate(s, "events", s->traffic.events ? OPEN : CLOSED, &text);
}

static void gate_where(struct subject *s)
{
	struct buf text = { 0 };

	if (!s->rule->where) {
		buf_adds(&text, "the rule has none: every event counts");
	} else if (s->traffic.matched == 0) {
		buf_adds(&text, "no event satisfied it yet");
	} else {
		add_count(&text, s->traffic.matched);
		buf_adds(&text, " events satisfied it, the last ");
		add_ago(&text, s->traffic.last_match_ns, s->conf->now_ns);
	}
	gate(s, "where", !s->rule->where || s->traffic.matched ? OPEN : CLOSED, &text);
}

static void gate_key(struct subject *s)
{
	struct buf text = { 0 };

	if (s->has_state) {
		buf_adds(&text, "known; its last event came ");
		add_ago(&text, s->now.last_ns, s->conf->now_ns);
		gate(s, "key", OPEN, &text);
		return;
	}
	if (s->tracker->windowed)
		buf_adds(&text, s->asked ? "no event of it came lately" : "no key is known");
	else
		buf_adds(&text,
			 "each event is judged by itself: a key is known only while its alert "
			 "is pending or firing");
	gate(s, "key", s->tracker->windowed ? CLOSED : UNKNOWN, &text);
}

/* --- of one leaf ----------------------------------------------------------------------------- */

static void add_leaf_name(const struct subject *s, const struct leaf *l, struct buf *text)
{
	if (s->rule->judge.n_leaves > 1 && !l->absent_ns)
		buf_addf(text, "%s: ", l->value.text);
}

static void gate_samples(struct subject *s, const struct leaf *l, const struct leaf_reading *r)
{
	struct buf text = { 0 };

	if (!l->min_samples)
		return;
	add_leaf_name(s, l, &text);
	add_count(&text, r->samples);
	buf_adds(&text, " of ");
	add_count(&text, l->min_samples);
	buf_adds(&text, " that are needed are in the window");
	gate(s, "samples", r->samples >= l->min_samples ? OPEN : CLOSED, &text);
}

static bool needs_whole_window(const struct leaf *l)
{
	return l->below.set || l->outside_low.set || l->change.below.set;
}

static void gate_window(struct subject *s, const struct leaf *l, const struct leaf_reading *r)
{
	struct buf text = { 0 };

	if (!l->window_ns || !needs_whole_window(l))
		return;
	add_leaf_name(s, l, &text);
	if (s->now.reading.degraded)
		buf_adds(&text, "events were lost in it: the value may be too low");
	else if (r->partial)
		buf_adds(&text, "it began before the key was known: the value may be too low");
	else
		buf_adds(&text, "nothing is missing in it");
	gate(s, "window", s->now.reading.degraded || r->partial ? CLOSED : OPEN, &text);
}

static void add_limits(const struct leaf *l, const struct leaf_reading *r, enum unit unit,
		       struct buf *text)
{
	const char *join = "must be";

	if (l->above.set) {
		buf_addf(text, "%s above ", join);
		quantity_format(text, l->above.at, unit);
		join = " and";
	}
	if (l->below.set) {
		buf_addf(text, "%s below ", join);
		quantity_format(text, l->below.at, unit);
		join = " and";
	}
	if (l->outside_low.set) {
		buf_addf(text, "%s outside ", join);
		quantity_format(text, l->outside_low.at, unit);
		buf_adds(text, " to ");
		quantity_format(text, l->outside_high.at, unit);
		join = " and";
	}
	if (leaf_has_change(l)) {
		buf_addf(text, "%s changed from ", join);
		quantity_format(text, r->earlier, unit);
		buf_adds(text, " to beyond ");
		quantity_format(text, leaf_limit(&(struct leaf){ .change = l->change }, r), unit);
	}
}

/* Only the limits: as if it had samples enough and no baseline. */
static bool passes_limits(const struct leaf *l, const struct leaf_reading *r, bool degraded)
{
	struct leaf bare = *l;

	bare.min_samples = 0;
	bare.has_baseline = false;
	return leaf_holds(&bare, r, degraded);
}

static bool has_limits(const struct leaf *l)
{
	return l->above.set || l->below.set || l->outside_low.set || leaf_has_change(l);
}

static void gate_limit(struct subject *s, const struct leaf *l, const struct leaf_reading *r)
{
	enum unit unit = leaf_unit(l);
	struct buf text = { 0 };

	if (!has_limits(l))
		return;
	buf_addf(&text, "%s is ", l->value.text);
	quantity_format(&text, r->value, unit);
	if (l->window_ns) {
		buf_adds(&text, " over ");
		duration_format(&text, l->window_ns);
	}
	buf_adds(&text, ", ");
	add_limits(l, r, unit, &text);
	gate(s, "threshold", passes_limits(l, r, s->now.reading.degraded) ? OPEN : CLOSED, &text);
}

/* Of a rule on single events that knows no key: what it looks for. */
static void gate_next_event(struct subject *s)
{
	const struct leaf *l = &s->rule->judge.leaves[0];
	const struct leaf_reading nothing = { .value = NAN, .earlier = NAN };
	struct buf text = { 0 };
	struct near_miss miss;

	buf_addf(&text, "%s ", l->value.text);
	add_limits(l, &nothing, l->value.unit, &text);
	if (near_nearest(&s->tracker->misses, s->conf->now_ns, &miss)) {
		buf_adds(&text, "; the nearest of the last hour was ");
		quantity_format(&text, miss.value, l->value.unit);
	}
	gate(s, "threshold", CLOSED, &text);
}

static void gate_absent(struct subject *s, const struct leaf *l, const struct leaf_reading *r)
{
	struct buf text = { 0 };

	if (!l->absent_ns)
		return;
	buf_adds(&text, "silent for ");
	quantity_format(&text, r->value, UNIT_S);
	buf_adds(&text, " of ");
	duration_format(&text, l->absent_ns);
	gate(s, "absent", leaf_holds(l, r, s->now.reading.degraded) ? OPEN : CLOSED, &text);
}

static void gate_warm_up(struct subject *s, const struct leaf *l, const struct baseline *b)
{
	struct buf text = { 0 };

	duration_format(&text, b->learnt_ns);
	buf_adds(&text, " of ");
	duration_format(&text, l->baseline.warm_up_ns);
	buf_adds(&text, " are learnt");
	gate(s, "warm-up", baseline_ready(b, &l->baseline) ? OPEN : CLOSED, &text);
}

static void gate_baseline(struct subject *s, const struct leaf *l, const struct leaf_reading *r)
{
	const struct baseline *b = r->baseline;
	enum baseline_side side = leaf_side(l);
	struct buf text = { 0 };
	double score;

	if (!l->has_baseline || !b)
		return;
	gate_warm_up(s, l, b);
	if (!baseline_ready(b, &l->baseline))
		return;
	score = baseline_score(b, &l->baseline, r->value);
	buf_addf(&text, "%s is ", l->value.text);
	quantity_format(&text, r->value, l->value.unit);
	buf_adds(&text, ", normal is ");
	quantity_format(&text, b->center, l->value.unit);
	buf_addf(&text, ": %.1f deviations from it, must be %s %.4g (", score,
		 side == BASELINE_BELOW ? "below -" : "above", l->baseline.deviations);
	quantity_format(&text, baseline_limit(b, &l->baseline, side), l->value.unit);
	buf_adds(&text, ")");
	if (side == BASELINE_BELOW)
		score = -score;
	gate(s, "baseline", score > l->baseline.deviations ? OPEN : CLOSED, &text);
}

/* Gates of one leaf of "any" need not all pass. */
static void gates_of_leaves(struct subject *s)
{
	const struct when *w = &s->rule->judge;
	size_t verdict = s->verdict.len;
	struct buf text = { 0 };

	for (unsigned i = 0; i < w->n_leaves; i++) {
		const struct leaf_reading *r = &s->now.reading.leaves[i];

		gate_samples(s, &w->leaves[i], r);
		gate_window(s, &w->leaves[i], r);
		gate_limit(s, &w->leaves[i], r);
		gate_absent(s, &w->leaves[i], r);
		gate_baseline(s, &w->leaves[i], r);
	}
	if (w->n_leaves == 1)
		return;
	if (s->now.holds && s->verdict.len > verdict)
		s->verdict.data[s->verdict.len = verdict] = '\0';
	buf_addf(&text, "%u of %u conditions hold", (unsigned)__builtin_popcount(s->now.held),
		 w->n_leaves);
	gate(s, "condition", s->now.holds ? OPEN : CLOSED, &text);
}

/* --- what comes after the condition ---------------------------------------------------------- */

static void gate_grace(struct subject *s)
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
	gate(s, "grace", in_grace ? CLOSED : OPEN, &text);
}

static void gate_hits(struct subject *s, const struct lifecycle *life)
{
	unsigned of = s->rule->of, hits;
	uint64_t mask = of < 64 ? (1ull << of) - 1 : UINT64_MAX;
	struct buf text = { 0 };

	hits = life ? (unsigned)__builtin_popcountll(life->looks & mask) : 0;
	buf_addf(&text, "held at %u of the last %u ticks, %u are needed", hits, of, s->rule->hits);
	gate(s, "for",
	     hits >= s->rule->hits || (life && life->phase == PHASE_FIRING) ? OPEN : CLOSED, &text);
}

static void gate_for(struct subject *s)
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
	gate(s, "for", firing ? OPEN : CLOSED, &text);
}

static void gate_flap(struct subject *s)
{
	struct buf text = { 0 };

	if (!s->rule->flap_changes)
		return;
	buf_addf(&text, "%u changes within ", s->alert.recent_changes);
	duration_format(&text, s->rule->flap_window_ns);
	buf_addf(&text, ", flaps from %u on", s->rule->flap_changes);
	if (s->alert.flaps)
		buf_adds(&text, ": it flaps, and is held firing");
	gate(s, "flap", s->alert.flaps ? CLOSED : OPEN, &text);
}

static void gate_inhibited(struct subject *s)
{
	struct buf text = { 0 };

	if (!s->rule->n_inhibitors)
		return;
	if (s->alert.inhibited_by)
		buf_addf(&text, "rule %s fires", s->alert.inhibited_by->name);
	else
		buf_adds(&text, "no rule that inhibits it fires");
	gate(s, "inhibited_by", s->alert.inhibited_by && !s->alert.said ? CLOSED : OPEN, &text);
}

static void gate_said(struct subject *s)
{
	struct buf text = { 0 };

	if (s->rule->quiet) {
		buf_adds(&text, "\"notify\" is false: nothing of it is said");
		gate(s, "notify", CLOSED, &text);
	} else if (s->alert.said) {
		buf_adds(&text, "it was said that it fires");
		gate(s, "said", OPEN, &text);
	} else if (s->alert.up) {
		buf_adds(&text, "it fires, and nothing was said yet");
		gate(s, "said", CLOSED, &text);
	}
}

/* --- rules made of others -------------------------------------------------------------------- */

static void gates_of_members(struct subject *s)
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

		buf_addf(&says, "%s: %u alerts fire%s", member->name, firing,
			 s->rule->n_by && s->has_key ? " for the key" : "");
		gate(s, "member",
		     firing || (s->rule->kind == RULE_SEQUENCE && c && c->members[i].n) ? OPEN
											: CLOSED,
		     &says);
	}
	if (c)
		v = composite_judge(c, s->rule);
	buf_adds(&text,
		 s->rule->kind == RULE_SEQUENCE ? "in this order, within " : "begun within ");
	duration_format(&text, s->rule->within_ns);
	gate(s, "within", v.holds || s->alert.up ? OPEN : CLOSED, &text);
}

/* --- a rule as a whole ----------------------------------------------------------------------- */

static const char *near_gate_name(enum near_gate g)
{
	static const char *const names[] = {
		[NEAR_LIMIT] = "threshold", [NEAR_SAMPLES] = "samples", [NEAR_WARM_UP] = "warm-up",
		[NEAR_FOR] = "for",	    [NEAR_GRACE] = "grace",
	};

	return names[g];
}

static void write_miss(struct tracker *t, uint64_t now_ns, struct json *j)
{
	CLEANUP(buf_fini) struct buf value = { 0 };
	CLEANUP(buf_fini) struct buf limit = { 0 };
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct value values[RULE_BY_MAX];
	struct near_miss miss;
	const struct leaf *l;

	json_key(j, "nearest_miss");
	if (!t || !near_nearest(&t->misses, now_ns, &miss)) {
		json_null(j);
		return;
	}
	l = &t->rule->judge.leaves[miss.leaf];
	key_unpack(t->rule, miss.key, values);
	key_text(t->rule, values, ",", &text);
	quantity_format(&value, miss.value, leaf_unit(l));
	quantity_format(&limit, miss.limit, leaf_unit(l));
	json_open(j, '{');
	json_member_num(j, "value", miss.value);
	json_member_str(j, "value_text", buf_str(&value));
	json_member_num(j, "limit", miss.limit);
	json_member_str(j, "limit_text", isnan(miss.limit) ? NULL : buf_str(&limit));
	json_member_num(j, "lacks_percent", fmax(0, miss.distance) * 100);
	json_member_str(j, "gate", near_gate_name(miss.gate));
	json_member_str(j, "key", buf_str(&text));
	json_member_span(j, "ago_s", miss.at_ns, now_ns);
	json_close(j, '}');
}

static struct tracker *tracker_of(struct engine *e, unsigned rule)
{
	return engine_shared(e)->conf.rules->rules[rule].kind == RULE_EVENTS
		       ? engine_tracker(e, rule)
		       : NULL;
}

void engine_write_rule(struct engine *e, unsigned rule, const struct explain_conf *conf,
		       struct json *j)
{
	const struct rule_alert_stats *alerts = changes_stats(engine_shared(e), rule);
	const struct engine_rule_stats *bounds = engine_rule_stats(e, rule);
	struct tracker *t = tracker_of(e, rule);
	uint64_t now_ns = conf->now_ns;
	struct rule_traffic traffic;

	engine_traffic(e, rule, &traffic);
	json_member_u64(j, "events", traffic.events);
	json_member_span(j, "last_event_s", traffic.last_event_ns, now_ns);
	json_member_u64(j, "matched", traffic.matched);
	json_member_span(j, "last_match_s", traffic.last_match_ns, now_ns);
	json_member_span(j, "last_evaluation_s", t ? t->evaluated_ns : 0, now_ns);
	json_member_u64(j, "keys", t ? t->n_known : 0);
	json_member_u64(j, "firing", alerts->up);
	json_member_u64(j, "fired", alerts->fired);
	json_member_u64(j, "resolved", alerts->resolved);
	json_member_u64(j, "held", alerts->held);
	json_member_span(j, "last_fired_s", alerts->last_fired_ns, now_ns);
	json_member_u64(j, "evicted", bounds->evicted);
	json_member_u64(j, "refused", bounds->refused);
	json_member_num(j, "cpu_ms", (double)traffic.cost_ns / (double)NS_PER_MS);
	write_miss(t, now_ns, j);
}

uint64_t engine_rule_cost_ns(const struct engine *e, unsigned rule)
{
	struct rule_traffic traffic;

	engine_traffic(e, rule, &traffic);
	return traffic.cost_ns;
}

static bool recently_fired(const struct engine_shared *shared, unsigned rule)
{
	const struct rule_alert_stats *alerts = changes_stats(shared, rule);

	return alerts->fired || alerts->up || alerts->held;
}

unsigned engine_suspicion(struct engine *e, unsigned rule, const struct explain_conf *conf,
			  struct buf *phrase)
{
	const struct engine_rule_stats *bounds = engine_rule_stats(e, rule);
	struct tracker *t = tracker_of(e, rule);
	CLEANUP(buf_fini) struct buf unused = { 0 };
	struct rule_traffic traffic;
	struct near_miss miss;

	phrase = phrase ? phrase : &unused;
	engine_traffic(e, rule, &traffic);
	if (t && !conf->source_stands(conf->ctx, t->rule->on, phrase))
		return 5;
	buf_reset(phrase);
	if (t && traffic.events == 0) {
		buf_adds(phrase, "no event of its source came yet");
		return 4;
	}
	if (t && traffic.matched == 0) {
		buf_adds(phrase, "no event ever satisfied its \"where\"");
		return 3;
	}
	if (bounds->evicted + bounds->refused) {
		buf_adds(phrase, "it has more keys than there is room for");
		return 2;
	}
	if (t && !recently_fired(engine_shared(e), rule) &&
	    near_nearest(&t->misses, conf->now_ns, &miss) && miss.distance > FAR) {
		buf_adds(phrase, "it came nowhere near its limit in the last hour");
		return 1;
	}
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void write_keys(struct subject *s, const struct key_choice *choice, const char *asked)
{
	json_key(s->j, "key");
	if (s->has_key) {
		CLEANUP(buf_fini) struct buf text = { 0 };

		key_text(s->rule, s->values, ",", &text);
		json_str(s->j, buf_str(&text));
	} else {
		json_str(s->j, asked);
	}
	json_member_bool(s->j, "known", s->has_key);
	json_key(s->j, "closest");
	json_open(s->j, '[');
	for (unsigned i = 0; !s->has_key && i < choice->n_closest; i++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		struct value values[RULE_BY_MAX];

		key_unpack(s->rule, choice->closest[i].packed, values);
		key_text(s->rule, values, ",", &text);
		json_str(s->j, buf_str(&text));
	}
	json_close(s->j, ']');
}

static void look_at_key(struct subject *s, const struct key_choice *choice)
{
	s->has_key = choice->found;
	if (!s->has_key)
		return;
	s->key = choice->key;
	key_unpack(s->rule, s->key.packed, s->values);
	if (s->tracker)
		s->has_state = tracker_inspect(s->tracker, s->key.packed, s->key.len,
					       s->conf->now_ns, &s->now);
	changes_view(s->shared, s->index, s->key.packed, s->key.len, s->values, s->conf->now_ns,
		     &s->alert);
}

static void write_gates(struct subject *s)
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
			gates_of_leaves(s);
		else if (!s->tracker->windowed)
			gate_next_event(s);
	} else {
		gates_of_members(s);
	}
	gate_grace(s);
	if (s->has_state)
		gate_for(s);
	gate_flap(s);
	gate_inhibited(s);
	gate_said(s);
	json_close(s->j, ']');
}

static void write_verdict(struct subject *s)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (s->alert.said)
		buf_adds(&text, s->alert.flaps ? "fires, and flaps" : "fires");
	else if (s->alert.up)
		buf_addf(&text, "fires, and is held back: %s", buf_str(&s->verdict));
	else if (s->verdict.len)
		buf_addf(&text, "does not fire: %s", buf_str(&s->verdict));
	else
		buf_adds(&text, "does not fire; nothing speaks against it with the next event");
	json_member_str(s->j, "verdict", buf_str(&text));
}

static char *find_rule(const struct rule_set *rules, const char *name, unsigned *ret_index)
{
	AUTO_FREE const char **names = xcalloc(rules->n_rules, sizeof(*names));
	AUTO_FREE char *hint = NULL;

	for (unsigned i = 0; i < rules->n_rules; i++) {
		names[i] = rules->rules[i].name;
		if (strcmp(names[i], name) == 0) {
			*ret_index = i;
			return NULL;
		}
	}
	hint = suggest(name, names, rules->n_rules);
	return xasprintf("no rule \"%s\"%s", name, hint);
}

char *engine_explain(struct engine *e, const char *rule, const char *key,
		     const struct explain_conf *conf, struct json *j)
{
	struct subject s = {
		.e = e,
		.shared = engine_shared(e),
		.conf = conf,
		.asked = key && key[0],
		.j = j,
	};
	AUTO_FREE struct key_choice *choice = xcalloc(1, sizeof(*choice));
	char *error = find_rule(s.shared->conf.rules, rule, &s.index);

	if (!error)
		error = choose_key(e, s.index, key, conf->now_ns, choice);
	if (error)
		return error;
	s.rule = &s.shared->conf.rules->rules[s.index];
	s.tracker = tracker_of(e, s.index);
	engine_traffic(e, s.index, &s.traffic);
	look_at_key(&s, choice);
	json_member_str(j, "rule", s.rule->name);
	json_member_str(j, "why", s.rule->why);
	json_member_str(j, "source", s.rule->on ? s.rule->on->name : NULL);
	write_keys(&s, choice, key);
	write_gates(&s);
	write_verdict(&s);
	engine_write_rule(e, s.index, conf, j);
	buf_fini(&s.verdict);
	return NULL;
}
