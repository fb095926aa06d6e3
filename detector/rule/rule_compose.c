/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules that name rules: "sequence", "together", "inhibited_by". Read when all rules are known. */
#include <string.h>

#include "rule/rule_read.h"
#include "rule/suggest.h"
#include "util/nearest.h"

#define NO_RULE UINT32_MAX

/* The index of the rule that the text of the node names; NO_RULE and a message if there is none. */
static unsigned find_rule(const struct node *n, const struct rule_set *set)
{
	const char *name = node_text(n);
	AUTO_FREE const char **names = NULL;
	AUTO_FREE char *hint = NULL;
	unsigned n_names = 0;

	const struct rule *r = name ? rule_find(set, name) : NULL;

	if (r)
		return (unsigned)(r - set->rules);
	if (!name)
		return NO_RULE;
	names = xcalloc(set->n_rules, sizeof(*names));
	for (unsigned i = 0; i < set->n_rules; i++)
		if (set->rules[i].name)
			names[n_names++] = set->rules[i].name;
	hint = n_names > 10 && !nearest(name, names, n_names) ? xstrdup("")
							      : suggest(name, names, n_names);
	node_error(n, "no rule \"%s\"%s", name, hint);
	return NO_RULE;
}

static bool contains(const unsigned *indices, unsigned n, unsigned index)
{
	for (unsigned i = 0; i < n; i++)
		if (indices[i] == index)
			return true;
	return false;
}

/* --- sequence and together ------------------------------------------------------------------- */

static void add_member(const struct node *n, struct rule *r, const struct rule_set *set)
{
	unsigned index = find_rule(n, set);

	if (index == NO_RULE)
		return;
	if (set->rules[index].kind != RULE_EVENTS)
		node_error(n, "rule \"%s\" is itself made of rules; only those with \"on\" can be",
			   set->rules[index].name);
	else if (contains(r->members, r->n_members, index))
		node_error(n, "rule \"%s\" twice", set->rules[index].name);
	else
		r->members[r->n_members++] = index;
}

static bool read_members(const struct node *n, const char *key, struct rule *r,
			 const struct rule_set *set)
{
	struct node list;
	unsigned n_nodes = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (node_member(n, key, &list))
		nodes = node_list(&list, 2, RULE_MEMBERS_MAX, &n_nodes);
	for (unsigned i = 0; i < n_nodes; i++)
		add_member(&nodes[i], r, set);
	return n_nodes >= 2 && r->n_members == n_nodes;
}

static const struct field *find_key(const struct rule *r, const char *name)
{
	for (unsigned i = 0; i < r->n_by; i++)
		if (strcmp(r->by[i]->name, name) == 0)
			return r->by[i];
	return NULL;
}

/* A key of the first member; all others must have one of that name and type. */
static void add_key(const struct node *n, struct rule *r, const struct rule_set *set)
{
	const char *name = node_text(n);
	const struct field *f = NULL;

	for (unsigned i = 0; name && i < r->n_members; i++) {
		const struct rule *member = &set->rules[r->members[i]];
		const struct field *key = find_key(member, name);

		if (!key || (f && f->type != key->type)) {
			node_error(n, "rule \"%s\" has no such key \"%s\" in \"by\"", member->name,
				   name);
			return;
		}
		f = f ? f : key;
	}
	if (name && find_key(r, name))
		node_error(n, "key \"%s\" twice", name);
	else if (f)
		r->by[r->n_by++] = f;
}

static void read_members_and_keys(const struct node *n, struct rule *r, const struct rule_set *set)
{
	const char *key = r->kind == RULE_SEQUENCE ? "sequence" : "together";
	struct node by;
	unsigned n_nodes = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (!read_members(n, key, r, set) || !node_member(n, "by", &by))
		return;
	nodes = node_list(&by, 0, RULE_BY_MAX, &n_nodes);
	for (unsigned i = 0; i < n_nodes; i++)
		add_key(&nodes[i], r, set);
}

bool is_composite(const struct node *n)
{
	struct node member;

	return node_is_object(n) &&
	       (node_member(n, "sequence", &member) || node_member(n, "together", &member));
}

/* --- inhibited_by ---------------------------------------------------------------------------- */

static void read_inhibitors(const struct node *n, struct rule *r, const struct rule_set *set)
{
	struct node list;
	unsigned n_nodes = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (node_member(n, "inhibited_by", &list))
		nodes = node_list(&list, 1, INHIBITORS_MAX, &n_nodes);
	for (unsigned i = 0; i < n_nodes; i++) {
		unsigned index = find_rule(&nodes[i], set);
		bool twice = false;

		for (unsigned j = 0; j < r->n_inhibitors; j++)
			twice = twice || r->inhibitors[j].rule == index;
		if (twice && index != NO_RULE)
			node_error(&nodes[i], "rule \"%s\" twice", set->rules[index].name);
		else if (index != NO_RULE)
			r->inhibitors[r->n_inhibitors++].rule = index;
	}
}

/* Is rule `from` inhibited by `by`, at once or by way of others? Marks in `seen` where it was. */
static bool leads_to(const struct rule_set *set, unsigned from, unsigned by, bool *seen)
{
	const struct rule *r = &set->rules[from];

	if (from == by)
		return true;
	if (seen[from])
		return false;
	seen[from] = true;
	for (unsigned i = 0; i < r->n_inhibitors; i++)
		if (leads_to(set, r->inhibitors[i].rule, by, seen))
			return true;
	return false;
}

void check_inhibitors(const struct node *n, unsigned rule, const struct rule_set *set)
{
	const struct rule *r = &set->rules[rule];
	struct node list;

	for (unsigned i = 0; i < r->n_inhibitors; i++) {
		AUTO_FREE bool *seen = xcalloc(set->n_rules, sizeof(*seen));
		unsigned by = r->inhibitors[i].rule;

		if (!leads_to(set, by, rule, seen) || !node_member(n, "inhibited_by", &list))
			continue;
		if (by == rule)
			node_error(&list, "rule \"%s\" would inhibit itself", r->name);
		else
			node_error(&list, "rule \"%s\" is in turn inhibited by this one",
				   set->rules[by].name);
	}
}

void compose_rule(const struct node *n, unsigned rule, struct rule_set *set)
{
	struct rule *r = &set->rules[rule];

	if (!node_is_object(n))
		return;
	if (r->kind != RULE_EVENTS)
		read_members_and_keys(n, r, set);
	read_inhibitors(n, r, set);
}
