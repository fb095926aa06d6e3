/* SPDX-License-Identifier: BSD-2-Clause */
/* Other rules without a gap, or none of them. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon_parts.h"
#include "engine/adopt.h"
#include "util/clock.h"

/* What became of the rules, for people. */
struct reload_report {
	unsigned counts[4]; /* by enum rule_fate */
	FILE *out;
};

static void on_fate(void *ctx, const struct rule *rule, enum rule_fate fate, const char *why)
{
	struct reload_report *r = ctx;

	r->counts[fate]++;
	if (fate == RULE_CHANGED)
		fprintf(r->out, "rule %s: begins anew, since %s\n", rule->name, why);
	else if (fate == RULE_REMOVED)
		fprintf(r->out, "rule %s: removed\n", rule->name);
}

/* Nothing can go wrong from here on. */
static void exchange(struct daemon *d, const struct rule_set *rules, struct hooks_plan *plan,
		     FILE *out)
{
	AUTO_FREE struct demand *demands = daemon_demands(rules);
	struct engine *engine = daemon_engine(d, rules);
	struct reload_report report = { .out = out };
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_offset_ns = clock_wall_offset_ns();

	engine_adopt(engine, d->engine, now_ns, wall_offset_ns, on_fate, &report);
	hooks_apply(d->hooks, plan);
	engine_free(d->engine);
	rule_set_free(d->rules);
	d->engine = engine;
	d->rules = rules;
	daemon_forget_notes(d);
	recorder_rules(d->recorder, rules->digest, demands, now_ns, wall_offset_ns);
	sources_adjust(d->sources, demands);
	fprintf(out, "%u rule%s: %u as before, %u new, %u begun anew, %u removed\n", rules->n_rules,
		plural(rules->n_rules), report.counts[RULE_KEPT], report.counts[RULE_ADDED],
		report.counts[RULE_CHANGED], report.counts[RULE_REMOVED]);
}

/* False, with everything as it was, if the rules or their hooks are not right. */
static bool reload(struct daemon *d, FILE *out)
{
	const struct rule_set *rules = d->conf.load(d->conf.load_ctx, out);
	struct hooks_plan *plan = NULL;
	AUTO_FREE char *error = NULL;

	if (rules)
		plan = hooks_plan(d->hooks, rules, &error);
	if (error)
		fprintf(out, "%s\n", error);
	if (plan) {
		exchange(d, rules, plan, out);
		return true;
	}
	rule_set_free(rules);
	return false;
}

bool daemon_reload(struct daemon *d, char **ret_text)
{
	size_t len;
	FILE *out = open_memstream(ret_text, &len);
	bool ok = reload(d, out);

	(void)fclose(out);
	fprintf(stderr, "kernelsight: %s\n%s",
		ok ? "rules read again" : "the new rules are refused; those before stay",
		*ret_text);
	return ok;
}
