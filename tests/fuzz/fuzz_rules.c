/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a rule file: loaded, its messages printed, and what is right put to use. */
#include "rule/rule_load.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What is printed may go to a terminal, whatever the file holds. */
static void check_messages(const struct diags *diags)
{
	AUTO_FREE char *messages = NULL;
	size_t len;
	FILE *out = open_memstream(&messages, &len);

	require(out);
	diags_print(diags, out);
	require(fclose(out) == 0);
	require((len > 0) == (diags_errors(diags) + diags_warnings(diags) > 0));
	for (size_t i = 0; i < len; i++)
		require((unsigned char)messages[i] >= 0x20 || messages[i] == '\n');
}

static void check_leaf(const struct leaf *l, bool alone)
{
	bool windowed = l->value.n_terms && l->value.terms[0].aggregate != AGGREGATE_NONE;

	require(l->value.text);
	require((l->value.n_terms == 0) == (l->absent_ns > 0));
	require(windowed == (l->window_ns > 0));
	require(alone || windowed || l->absent_ns);
	require(l->above.set || l->below.set || l->has_baseline || l->outside_low.set ||
		l->change.ago_ns || l->absent_ns);
	require(l->outside_low.set == l->outside_high.set);
	require(!l->has_baseline || l->baseline.deviations > 0);
}

/* Returns how many nodes the tree at `at` has. */
static unsigned check_tree(const struct when *w, unsigned at)
{
	const struct tree_node *node = &w->nodes[at];
	unsigned n = 1;

	require(at < w->n_nodes);
	if (node->kind == NODE_LEAF)
		require(node->leaf < w->n_leaves);
	else
		require(node->skip >= 3);
	while (n < node->skip)
		n += check_tree(w, at + n);
	require(n == node->skip);
	return n;
}

static void check_rule(const struct rule *r, const struct rule_set *set)
{
	require(r->name && r->why && r->n_by <= RULE_BY_MAX && r->n_hooks <= RULE_HOOKS_MAX);
	for (unsigned i = 0; i < r->n_inhibitors; i++)
		require(&set->rules[r->inhibitors[i].rule] != r);
	if (r->kind != RULE_EVENTS) {
		require(!r->on && r->n_members >= 2 && r->within_ns > 0);
		for (unsigned i = 0; i < r->n_members; i++)
			require(set->rules[r->members[i]].kind == RULE_EVENTS);
		return;
	}
	require(r->on && r->judge.n_leaves >= 1);
	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		check_leaf(&r->judge.leaves[i], r->judge.n_leaves == 1);
	require(check_tree(&r->judge, 0) == r->judge.n_nodes);
	for (unsigned i = 1; i < r->n_escalations; i++)
		require(r->escalations[i].severity > r->escalations[i - 1].severity);
}

static void check_set(const struct rule_set *set)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	struct demand demand;

	for (unsigned i = 0; i < n; i++)
		rule_demand(set, &types[i], &demand);
	for (unsigned i = 0; i < set->n_rules; i++)
		check_rule(&set->rules[i], set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_file file = { "fuzz.json", (const char *)data, size };
	struct diags *diags = diags_new();
	struct rule_set *set = rule_load(&file, 1, diags);

	require(!set == (diags_errors(diags) > 0));
	check_messages(diags);
	if (set)
		check_set(set);
	rule_set_free(set);
	diags_free(diags);
	return 0;
}
