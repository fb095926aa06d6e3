/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, and the rules in them in all their steps. All hooks are read before the first rule, since a rule may name a hook
 * of any file. A rule with mistakes stays in the set until the end, so that they do not hide those
 * of others; then the set as a whole is refused.
 */
#include "rule/rule_load.h"

#include <stdlib.h>

#include "rule/rule_read.h"
#include "util/hash.h"

struct open_file {
	struct json_doc *doc; /* NULL: not JSON */
	const char *name;
	/* without a doc where the file has none */
	struct node lists, macros, hooks, defaults, rules;
	unsigned first, n; /* its rules in the set */
};

static void read_version(const struct node *n, void *target)
{
	double version;

	(void)target;
	if (node_number(n, &version) && version != 1)
		node_error(n, "version %.15g is not known; this kernelsight reads version 1",
			   version);
}

/* For editors; a text is all it must be. */
static void read_schema(const struct node *n, void *target)
{
	(void)target;
	(void)node_text(n);
}

static void refuse_tests(const struct node *n, void *target)
{
	(void)target;
	node_error_key(n, "this is a file of tests, which `kernelsight test` takes");
}

static const struct member file_members[] = {
	{ .key = "$schema", .read = read_schema },
	{ .key = "version", .read = read_version, .required = true },
	{ .key = "lists", .read = node_read_node, .offset = offsetof(struct open_file, lists) },
	{ .key = "macros", .read = node_read_node, .offset = offsetof(struct open_file, macros) },
	{ .key = "hooks", .read = node_read_node, .offset = offsetof(struct open_file, hooks) },
	{ .key = "defaults",
	  .read = node_read_node,
	  .offset = offsetof(struct open_file, defaults) },
	{ .key = "rules", .read = node_read_node, .offset = offsetof(struct open_file, rules) },
	{ .key = "tests", .read = refuse_tests, .refused = true },
};

static void add_rule(const struct node *n, struct rule_draft draft, struct rule_set *set)
{
	const struct rule *same;
	struct node name;

	draft.rule.line = node_line(n);
	draft.rule.why = xstrdup("");
	read_rule(n, &draft);
	same = draft.rule.name ? rule_find(set, draft.rule.name) : NULL;
	if (same && node_member(n, "name", &name))
		node_error(&name, "rule \"%s\" is already at %s:%u", same->name, same->file,
			   same->line);
	for (unsigned i = 0; i < draft.rule.n_hooks; i++)
		set->hooks[draft.rule.hooks[i]].used = true;
	set->rules[set->n_rules] = draft.rule;
	if (draft.rule.name && !same)
		rule_index_add(set, set->n_rules);
	set->n_rules++;
}

/* The rules of a file; the caller frees the array. */
static struct node *rule_nodes(const struct open_file *f, unsigned max, unsigned *ret_n)
{
	*ret_n = 0;
	return f->rules.doc ? node_list(&f->rules, 0, max, ret_n) : NULL;
}

static void read_rules(struct open_file *f, struct definitions *definitions, struct rule_set *set)
{
	struct rule_draft draft = { .set = set,
				    .definitions = definitions,
				    .rule = { .file = f->name,
					      .clear.for_ns = 10 * NS_PER_S,
					      .keep_ns = 30 * NS_PER_S,
					      .flap_changes = 6,
					      .flap_window_ns = 600 * NS_PER_S,
					      .severity = SEVERITY_WARNING } };
	AUTO_FREE struct node *nodes = rule_nodes(f, RULES_MAX - set->n_rules, &f->n);

	if (f->defaults.doc)
		read_defaults(&f->defaults, &draft);
	f->first = set->n_rules;
	set->rules = xrealloc(set->rules, set->n_rules + f->n, sizeof(*set->rules));
	for (unsigned i = 0; i < f->n; i++)
		add_rule(&nodes[i], draft, set);
}

/* What rules say of other rules. */
static void read_relations(const struct open_file *f, struct rule_set *set)
{
	unsigned n;
	AUTO_FREE struct node *nodes = f->n ? rule_nodes(f, f->n, &n) : NULL;

	for (unsigned i = 0; i < f->n; i++)
		compose_rule(&nodes[i], f->first + i, set);
}

static void check_relations(const struct open_file *f, const struct rule_set *set)
{
	unsigned n;
	AUTO_FREE struct node *nodes = f->n ? rule_nodes(f, f->n, &n) : NULL;

	for (unsigned i = 0; i < f->n; i++)
		check_inhibitors(&nodes[i], f->first + i, set);
}

/* Warnings of what is right by the letter. */
static void doubt_rules(const struct open_file *files, unsigned n_files, struct rule_set *set)
{
	AUTO_FREE const struct rule **same = find_duplicates(set);
	AUTO_FREE bool *never = xcalloc(set->n_rules, sizeof(*never));

	for (unsigned i = 0; i < n_files; i++) {
		const struct open_file *f = &files[i];
		unsigned n;
		AUTO_FREE struct node *nodes = rule_nodes(f, f->n, &n);

		for (unsigned j = 0; j < n; j++)
			never[f->first + j] = doubt_rule(&nodes[j], &set->rules[f->first + j]);
	}
	for (unsigned i = 0; i < n_files; i++) {
		const struct open_file *f = &files[i];
		unsigned n;
		AUTO_FREE struct node *nodes = rule_nodes(f, f->n, &n);

		for (unsigned j = 0; j < n; j++)
			doubt_among_rules(&nodes[j], set, same[f->first + j], never);
	}
}

static void read_file(const struct rule_file *file, struct open_file *f,
		      struct definitions *definitions, struct rule_set *set, struct diags *diags)
{
	struct node root;

	f->name = set->files[set->n_files++] = xstrdup(file->name);
	f->doc = json_doc_new(f->name, file->text, file->len, diags);
	if (!f->doc)
		return;
	root = json_doc_root(f->doc);
	node_read(&root, file_members, ARRAY_SIZE(file_members), f);
	if (f->lists.doc)
		lists_read(&f->lists, definitions);
	if (f->macros.doc)
		macros_read(&f->macros, definitions);
	if (f->hooks.doc)
		hooks_read(&f->hooks, f->name, set);
}

static void read_files(const struct rule_file *files, unsigned n, struct open_file *opened,
		       struct rule_set *set, struct diags *diags)
{
	CLEANUP(definitions_fini) struct definitions definitions = { .list_nodes = NULL };
	unsigned errors = diags_errors(diags);

	for (unsigned i = 0; i < n; i++)
		read_file(&files[i], &opened[i], &definitions, set, diags);
	for (unsigned i = 0; i < n; i++)
		read_rules(&opened[i], &definitions, set);
	for (unsigned i = 0; i < n; i++)
		read_relations(&opened[i], set);
	for (unsigned i = 0; i < n; i++)
		check_relations(&opened[i], set);
	names_finish(&definitions, diags_errors(diags) == errors);
}

static uint64_t digest(const struct rule_file *files, unsigned n)
{
	uint64_t hash = HASH_INIT;

	for (unsigned i = 0; i < n; i++) {
		hash = hash_bytes(hash, &files[i].len, sizeof(files[i].len));
		hash = hash_bytes(hash, files[i].text, files[i].len);
	}
	return hash;
}

struct rule_set *rule_load(const struct rule_file *files, unsigned n, struct diags *diags)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));
	AUTO_FREE struct open_file *opened = xcalloc(n, sizeof(*opened));
	unsigned errors = diags_errors(diags);
	bool ok;

	set->refs = 1;
	set->digest = digest(files, n);
	set->files = xcalloc(n, sizeof(*set->files));
	read_files(files, n, opened, set, diags);
	ok = diags_errors(diags) == errors;
	for (unsigned i = 0; ok && i < set->n_rules; i++)
		set->rules[i].identity = rule_identity(&set->rules[i], set);
	if (ok)
		doubt_rules(opened, n, set);
	for (unsigned i = 0; i < n; i++) {
		if (ok && opened[i].hooks.doc)
			hooks_warn_unused(&opened[i].hooks, set);
		json_doc_free(opened[i].doc);
	}
	if (ok)
		return set;
	rule_set_free(set);
	return NULL;
}
