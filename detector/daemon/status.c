/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/self.h"
#include "engine/explain.h"

static const struct source *source_of(const struct status_view *v, const struct event_type *type)
{
	for (unsigned i = 0; i < sources_count(v->sources); i++)
		if (source_delivers(sources_at(v->sources, i), type))
			return sources_at(v->sources, i);
	return NULL;
}

static void write_ledger(const struct source *source, struct json *j)
{
	struct source_stats s;

	source_stats(source, &s);
	json_key(j, "ledger");
	json_open(j, '{');
	json_member_str(j, "of", source_name(source));
	json_member_u64(j, "seen", source_seen(&s.counters));
	json_member_u64(j, "filtered", s.counters.filtered);
	json_member_u64(j, "aggregated", s.counters.aggregated);
	json_member_u64(j, "emitted", s.counters.emitted);
	json_member_u64(j, "ring_full", s.counters.ring_full);
	json_member_u64(j, "no_storage", s.counters.no_storage);
	json_member_u64(j, "map_full", s.counters.map_full);
	json_member_u64(j, "rate_limited", s.counters.rate_limited);
	json_member_u64(j, "not_run", s.not_run);
	json_member_u64(j, "lost_in_user_space", s.lost_here);
	json_member_u64(j, "memory_bytes", source_memory_bytes(source));
	json_close(j, '}');
}

/* Several event types may come from one source, and then have its ledger in common. */
static void write_source(const struct status_view *v, const struct event_type *type,
			 const struct source_note *note, struct json *j)
{
	const struct source *source = source_of(v, type);

	json_open(j, '{');
	json_member_str(j, "name", type->name);
	json_member_bool(j, "attached", source != NULL);
	json_member_str(j, "route", source ? source_route(source) : NULL);
	json_member_str(j, "error", source ? NULL : note->error);
	if (source)
		write_ledger(source, j);
	json_close(j, '}');
}

static void write_sources(const struct status_view *v, struct json *j)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	json_key(j, "sources");
	json_open(j, '[');
	for (unsigned i = 0; i < n; i++)
		if (v->notes[i].error || source_of(v, &types[i]))
			write_source(v, &types[i], &v->notes[i], j);
	json_close(j, ']');
}

static bool source_stands(void *ctx, const struct event_type *type, struct buf *ret_phrase)
{
	const struct status_view *v = ctx;
	unsigned n;
	const struct source_note *note = &v->notes[type - event_types(&n)];

	bool is_self = strcmp(type->object, SELF_OBJECT) == 0; /* needs no programs */

	if (is_self || source_of(v, type)) {
		buf_addf(ret_phrase, "%s is attached", type->name);
		return true;
	}
	buf_addf(ret_phrase, "%s is not attached: %s", type->name,
		 note->error ? note->error : "nothing wants it");
	return false;
}

static bool hook_works(void *ctx, unsigned hook, struct buf *out)
{
	const struct status_view *v = ctx;
	struct hook_view h;

	if (!hooks_view(v->hooks, hook, &h))
		return true;
	if (h.gone)
		buf_adds(out, " (its receiver is gone for good)");
	else if (h.failures)
		buf_addf(out, " (%u failure%s in a row, %llu waiting: %s)", h.failures,
			 plural(h.failures), (unsigned long long)h.stats.queued,
			 h.last_failure ? h.last_failure : "not said why");
	return !h.gone && !h.failures;
}

static struct explain_conf explain_conf(const struct status_view *v)
{
	return (struct explain_conf){
		.now_ns = v->now_ns,
		.wall_offset_ns = v->wall_offset_ns,
		.source_stands = source_stands,
		.hook_works = hook_works,
		.ctx = (void *)v,
	};
}

static void write_rule(const struct status_view *v, const struct explain_conf *conf, unsigned i,
		       struct json *j)
{
	const struct rule *rule = &v->rules->rules[i];
	CLEANUP(buf_fini) struct buf phrase = { 0 };
	unsigned suspicion = engine_suspicion(v->engine, i, conf, &phrase);

	json_open(j, '{');
	json_member_str(j, "name", rule->name);
	json_member_str(j, "source", rule->on ? rule->on->name : NULL);
	json_member_u64(j, "suspicion", suspicion);
	json_member_str(j, "suspicious", suspicion ? buf_str(&phrase) : NULL);
	engine_write_rule(v->engine, i, conf, j);
	json_member_u64(j, "matches_given_up", rule_given_up(rule));
	json_close(j, '}');
}

/* A rule in the order in which rules are shown. */
struct ranked {
	unsigned rule;
	unsigned suspicion;
	uint64_t cost_ns;
};

/* The most suspicious first, of equally suspicious ones the dearest. */
static int compare_ranks(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->suspicion != y->suspicion)
		return x->suspicion > y->suspicion ? -1 : 1;
	if (x->cost_ns != y->cost_ns)
		return x->cost_ns > y->cost_ns ? -1 : 1;
	return x->rule < y->rule ? -1 : 1;
}

static void write_rules(const struct status_view *v, struct json *j)
{
	const struct explain_conf conf = explain_conf(v);
	AUTO_FREE struct ranked *ranks = xcalloc(v->rules->n_rules, sizeof(*ranks));

	for (unsigned i = 0; i < v->rules->n_rules; i++)
		ranks[i] = (struct ranked){ i, engine_suspicion(v->engine, i, &conf, NULL),
					    engine_rule_cost_ns(v->engine, i) };
	qsort(ranks, v->rules->n_rules, sizeof(*ranks), compare_ranks);
	json_key(j, "rules");
	json_open(j, '[');
	for (unsigned i = 0; i < v->rules->n_rules; i++)
		write_rule(v, &conf, ranks[i].rule, j);
	json_close(j, ']');
}

char *status_explain(const struct status_view *v, const char *rule, const char *key, struct json *j)
{
	const struct explain_conf conf = explain_conf(v);

	return engine_explain(v->engine, rule, key, &conf, j);
}

static void write_hook(const struct hook_view *h, uint64_t now_ns, struct json *j)
{
	json_open(j, '{');
	json_member_str(j, "name", h->conf->name);
	json_member_str(j, "type", hook_type_name(h->conf->type));
	json_member_u64(j, "queued", h->stats.queued);
	json_member_u64(j, "in_flight", h->in_flight);
	json_member_u64(j, "delivered", h->stats.delivered);
	json_member_u64(j, "retried", h->stats.retried);
	json_member_u64(j, "failed", h->stats.failed);
	json_member_u64(j, "dropped", h->stats.dropped);
	json_member_u64(j, "failures_in_a_row", h->failures);
	json_key(j, "next_try_s");
	if (h->not_before_ns > now_ns)
		json_num(j, (double)(h->not_before_ns - now_ns) / (double)NS_PER_S);
	else
		json_null(j);
	json_member_str(j, "last_failure", h->last_failure);
	json_member_bool(j, "gone", h->gone);
	json_close(j, '}');
}

static void write_hooks(const struct status_view *v, struct json *j)
{
	struct hook_view h;

	json_key(j, "hooks");
	json_open(j, '[');
	for (unsigned i = 0; i < v->rules->n_hooks; i++)
		if (hooks_view(v->hooks, i, &h))
			write_hook(&h, v->now_ns, j);
	json_close(j, ']');
}

void status_write(const struct status_view *v, struct json *j)
{
	const struct engine_stats *e = engine_stats(v->engine);

	json_member_str(j, "version", KERNELSIGHT_VERSION);
	json_member_u64(j, "pid", (uint64_t)getpid());
	json_member_span(j, "up_s", v->started_ns, v->now_ns);
	json_member_u64(j, "events", e->events);
	json_member_u64(j, "matched", e->matched);
	json_member_u64(j, "fired", e->fired);
	json_member_u64(j, "resolved", e->resolved);
	json_member_u64(j, "firing", e->firing);
	json_member_u64(j, "held", e->held);
	json_member_u64(j, "silences", silences_count(engine_silences(v->engine)));
	json_member_u64(j, "silenced", e->silenced);
	json_member_u64(j, "unsent", e->unsent);
	json_member_u64(j, "keys", e->keys);
	json_member_u64(j, "lost", v->lost);
	json_member_u64(j, "alerts_not_shown", v->not_shown);
	write_sources(v, j);
	write_rules(v, j);
	write_hooks(v, j);
}
