/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules that are right by themselves but make little sense beside each other. */
#include <stdlib.h>
#include <string.h>

#include "rule/rule_read.h"

#define NEIGHBOURS_MAX 16 /* rules of one identity that each is compared with */

static bool same_limit(const struct limit *a, const struct limit *b)
{
	return a->set == b->set && (!a->set || a->at == b->at);
}

static bool same_leaf(const struct leaf *a, const struct leaf *b)
{
	return same_limit(&a->above, &b->above) && same_limit(&a->below, &b->below) &&
	       same_limit(&a->outside_low, &b->outside_low) &&
	       same_limit(&a->outside_high, &b->outside_high) &&
	       same_limit(&a->change.above, &b->change.above) &&
	       same_limit(&a->change.below, &b->change.below) &&
	       a->change.relative == b->change.relative && a->absent_ns == b->absent_ns &&
	       a->min_samples == b->min_samples && a->baseline.deviations == b->baseline.deviations;
}

static bool same_tree(const struct when *a, const struct when *b)
{
	if (a->n_nodes != b->n_nodes || a->n_leaves != b->n_leaves)
		return false;
	for (unsigned i = 0; i < a->n_nodes; i++)
		if (a->nodes[i].kind != b->nodes[i].kind || a->nodes[i].skip != b->nodes[i].skip)
			return false;
	for (unsigned i = 0; i < a->n_leaves; i++)
		if (!same_leaf(&a->leaves[i], &b->leaves[i]))
			return false;
	return true;
}

static bool same_members(const struct rule *a, const struct rule *b)
{
	return a->within_ns == b->within_ns && a->n_members == b->n_members &&
	       memcmp(a->members, b->members, a->n_members * sizeof(*a->members)) == 0;
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return a->identity == b->identity && a->for_ns == b->for_ns && a->hits == b->hits &&
	       a->of == b->of && same_tree(&a->judge, &b->judge) && same_members(a, b);
}

static int by_identity(const void *a, const void *b)
{
	const struct rule *x = *(const struct rule *const *)a, *y = *(const struct rule *const *)b;

	if (x->identity != y->identity)
		return x->identity < y->identity ? -1 : 1;
	return (x > y) - (x < y);
}

const struct rule **find_duplicates(const struct rule_set *set)
{
	const struct rule **same = xcalloc(set->n_rules, sizeof(*same));
	AUTO_FREE const struct rule **sorted = xcalloc(set->n_rules, sizeof(*sorted));

	for (unsigned i = 0; i < set->n_rules; i++)
		sorted[i] = &set->rules[i];
	qsort(sorted, set->n_rules, sizeof(*sorted), by_identity);
	for (unsigned i = 1; i < set->n_rules; i++)
		for (unsigned j = i; j-- > 0 && i - j <= NEIGHBOURS_MAX;)
			if (same_rule(sorted[j], sorted[i]))
				same[sorted[i] - set->rules] = sorted[j];
	return same;
}

static void doubt_names(const struct node *n, const char *key, const struct rule_set *set,
			const bool *never)
{
	struct node list;
	unsigned n_nodes = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (node_member(n, key, &list))
		nodes = node_list(&list, 0, INHIBITORS_MAX, &n_nodes);
	for (unsigned i = 0; i < n_nodes; i++) {
		const struct rule *r = rule_find(set, node_text(&nodes[i]));

		if (never[r - set->rules])
			node_warning(&nodes[i], "rule \"%s\" can never fire", r->name);
	}
}

void doubt_among_rules(const struct node *n, const struct rule_set *set, const struct rule *same,
		       const bool *never)
{
	struct node name;

	if (same && node_member(n, "name", &name))
		node_warning(&name, "fires for the same as rule \"%s\" at %s:%u", same->name,
			     same->file, same->line);
	doubt_names(n, "inhibited_by", set, never);
	doubt_names(n, "sequence", set, never);
	doubt_names(n, "together", set, never);
}
