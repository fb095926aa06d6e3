/* SPDX-License-Identifier: BSD-2-Clause */
/* A rule as a whole: what came to it, what it said, and how suspicious that is. */
#include "engine/explain.h"

#include <math.h>

#include "engine/explain_parts.h"

/* Lacking more than this share of its limit in an hour, a rule never came near. */
#define FAR 0.9
/* After this long at work. */
#define FAR_FROM_NS (3600 * NS_PER_S)

struct tracker *explain_tracker(struct engine *e, unsigned rule)
{
	return engine_shared(e)->conf.rules->rules[rule].kind == RULE_EVENTS
		       ? engine_tracker(e, rule)
		       : NULL;
}

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

void engine_write_rule(struct engine *e, unsigned rule, const struct explain_conf *conf,
		       struct json *j)
{
	const struct rule_alert_stats *alerts = changes_stats(engine_shared(e), rule);
	const struct engine_rule_stats *bounds = engine_rule_stats(e, rule);
	struct tracker *t = explain_tracker(e, rule);
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
	json_member_u64(j, "silenced", alerts->silenced);
	json_member_u64(j, "unsent", alerts->unsent);
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
	const struct engine_shared *shared = engine_shared(e);
	const struct engine_rule_stats *bounds = engine_rule_stats(e, rule);
	struct tracker *t = explain_tracker(e, rule);
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
	if (t && !recently_fired(shared, rule) &&
	    elapsed_ns(conf->now_ns, shared->began_ns[rule]) >= FAR_FROM_NS &&
	    near_nearest(&t->misses, conf->now_ns, &miss) && miss.distance > FAR) {
		buf_adds(phrase, "it came nowhere near its limit in the last hour");
		return 1;
	}
	return 0;
}
