/* SPDX-License-Identifier: BSD-2-Clause */
/* The hooks of a rule set: the "hooks" object of each file, and the names that rules give. */
#include <string.h>

#include "rule/rule_read.h"
#include "rule/suggest.h"

static struct hook_conf *find_hook(const struct rule_set *set, const char *name)
{
	for (unsigned i = 0; i < set->n_hooks; i++)
		if (strcmp(set->hooks[i].name, name) == 0)
			return &set->hooks[i];
	return NULL;
}

static void add_hook(const struct node *n, const char *file, struct rule_set *set)
{
	const char *name = node_key(n);
	const struct hook_conf *same = find_hook(set, name);
	struct hook_conf *h = &set->hooks[set->n_hooks];

	if (same && same->file != file)
		node_error_key(n, "hook \"%s\" is already at %s:%u", name, same->file, same->line);
	(void)name_is_valid(n, name);
	*h = (struct hook_conf){ .name = xstrdup(name), .file = file, .line = node_line(n) };
	set->n_hooks++;
	hook_conf_read(n, h);
}

void hooks_read(const struct node *n, const char *file, struct rule_set *set)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, HOOKS_MAX - set->n_hooks, &n_nodes);

	set->hooks = xrealloc(set->hooks, set->n_hooks + n_nodes, sizeof(*set->hooks));
	for (unsigned i = 0; i < n_nodes; i++)
		add_hook(&nodes[i], file, set);
}

void hooks_warn_unused(const struct node *n, const struct rule_set *set)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, HOOKS_MAX, &n_nodes);

	for (unsigned i = 0; i < n_nodes; i++) {
		const struct hook_conf *h = find_hook(set, node_key(&nodes[i]));

		if (!h->used)
			node_warning(&nodes[i], "no rule uses hook \"%s\"", h->name);
	}
}

static void unknown_hook(const struct node *n, const struct rule_set *set, const char *name)
{
	AUTO_FREE const char **names = xcalloc(set->n_hooks, sizeof(*names));
	AUTO_FREE char *hint = NULL;

	for (unsigned i = 0; i < set->n_hooks; i++)
		names[i] = set->hooks[i].name;
	hint = suggest(name, names, set->n_hooks);
	node_error(n, "no hook \"%s\"%s", name, hint);
}

static void use_hook(const struct node *n, struct rule *r, const struct rule_set *set)
{
	const char *name = node_text(n);
	const struct hook_conf *h;
	unsigned index;

	if (!name)
		return;
	h = find_hook(set, name);
	if (!h) {
		unknown_hook(n, set, name);
		return;
	}
	index = (unsigned)(h - set->hooks);
	for (unsigned i = 0; i < r->n_hooks; i++) {
		if (r->hooks[i] == index) {
			node_error(n, "hook \"%s\" twice", name);
			return;
		}
	}
	r->hooks[r->n_hooks++] = index;
}

void read_rule_hooks(const struct node *n, void *draft)
{
	struct rule_draft *d = draft;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 0, RULE_HOOKS_MAX, &n_nodes);

	d->rule.n_hooks = 0;
	for (unsigned i = 0; i < n_nodes; i++)
		use_hook(&nodes[i], &d->rule, d->set);
}
