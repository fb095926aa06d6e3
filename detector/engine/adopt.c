/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/adopt.h"

#include <stdlib.h>
#include <string.h>

#include "engine/parts.h"

static unsigned find_rule(const struct rule_set *set, const char *name)
{
	for (unsigned i = 0; i < set->n_rules; i++)
		if (strcmp(set->rules[i].name, name) == 0)
			return i;
	return NO_RULE;
}

static bool same_keys(const struct rule *a, const struct rule *b)
{
	if (a->n_by != b->n_by)
		return false;
	for (unsigned i = 0; i < a->n_by; i++)
		if (a->by[i] != b->by[i])
			return false;
	return true;
}

/* The members are named by index: the same rules may stand at other places. */
static bool same_members(const struct rule_set *new_set, const struct rule *a,
			 const struct rule_set *old_set, const struct rule *b)
{
	if (a->n_members != b->n_members || a->within_ns != b->within_ns)
		return false;
	for (unsigned i = 0; i < a->n_members; i++)
		if (strcmp(new_set->rules[a->members[i]].name,
			   old_set->rules[b->members[i]].name) != 0)
			return false;
	return true;
}

/* Why the state of the one is of no use to the other; NULL if it is. */
static const char *difference(const struct rule_set *new_set, const struct rule *a,
			      const struct rule_set *old_set, const struct rule *b)
{
	if (a->kind != b->kind)
		return "it is a rule of another kind";
	if (a->on != b->on || a->with != b->with)
		return "it reads another source";
	if (!same_keys(a, b))
		return "its \"by\" is another one";
	if (a->kind != RULE_EVENTS)
		return same_members(new_set, a, old_set, b) ? NULL : "it is made of other rules";
	if (a->identity == b->identity && tracker_alike(a, b))
		return NULL;
	return "its \"where\", what it measures or its windows are others";
}

static void take_over_rule(struct engine *e, unsigned new_rule, struct engine *old,
			   unsigned old_rule, uint64_t now_ns)
{
	struct engine_shared *to = engine_shared(e), *from = engine_shared(old);

	to->began_ns[new_rule] = from->began_ns[old_rule];
	if (to->conf.rules->rules[new_rule].kind != RULE_EVENTS)
		return;
	engine_adopt_traffic(e, new_rule, old, old_rule);
	tracker_adopt(engine_tracker(e, new_rule), engine_tracker(old, old_rule), now_ns);
}

void engine_adopt(struct engine *e, struct engine *old, uint64_t now_ns, int64_t wall_offset_ns,
		  rule_fate_fn *fn, void *ctx)
{
	struct engine_shared *to = engine_shared(e), *from = engine_shared(old);
	const struct rule_set *new_set = to->conf.rules, *old_set = from->conf.rules;
	AUTO_FREE unsigned *heirs = xcalloc(old_set->n_rules, sizeof(*heirs));
	AUTO_FREE bool *known = xcalloc(new_set->n_rules, sizeof(*known));

	for (unsigned i = 0; i < old_set->n_rules; i++) {
		const struct rule *rule = &old_set->rules[i];
		unsigned heir = find_rule(new_set, rule->name);
		const char *why = NULL;

		heirs[i] = NO_RULE;
		if (heir == NO_RULE) {
			changes_end_rule(from, i, "the rule was removed", now_ns, wall_offset_ns);
			fn(ctx, rule, RULE_REMOVED, NULL);
			continue;
		}
		known[heir] = true;
		why = difference(new_set, &new_set->rules[heir], old_set, rule);
		if (why)
			changes_end_rule(from, i, "the rule was changed", now_ns, wall_offset_ns);
		else
			heirs[i] = heir;
		fn(ctx, &new_set->rules[heir], why ? RULE_CHANGED : RULE_KEPT, why);
	}
	for (unsigned i = 0; i < new_set->n_rules; i++)
		if (!known[i])
			fn(ctx, &new_set->rules[i], RULE_ADDED, NULL);
	to->ids = from->ids;
	to->stats = from->stats;
	to->stats.keys = 0;
	for (unsigned i = 0; i < old_set->n_rules; i++)
		if (heirs[i] != NO_RULE)
			take_over_rule(e, heirs[i], old, i, now_ns);
	changes_adopt(to, from, heirs);
}
