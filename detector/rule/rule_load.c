/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, defaults and rules. All hooks are read before the first rule, since a rule may name a hook
 * of any file. A rule with mistakes stays in the set until the end, so that they do not hide those
 * of others; then the set as a whole is refused.
 */
#include "rule/rule_load.h"

#include <stdlib.h>
#include <string.h>

#include "rule/rule_read.h"
#include "rule/suggest.h"
#include "util/utf8.h"

static const char *const severities[] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
	[SEVERITY_CRITICAL] = "critical",
};

const char *severity_name(enum severity s)
{
	return severities[s];
}

bool name_is_valid(const struct node *n, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(name);
	AUTO_FREE char *message = NULL;

	if (len > 0 && len <= RULE_NAME_MAX && strspn(name, allowed) == len)
		return true;
	message =
		xasprintf("bad name \"%s\"; a name is 1 to %d of the characters A-Z a-z 0-9 _ . -",
			  name, RULE_NAME_MAX);
	(name == node_key(n) ? node_error_key : node_error)(n, "%s", message);
	return false;
}

struct template *read_template(const struct node *n)
{
	const char *text = node_text(n), *message = NULL;
	size_t offset = 0;
	struct template *t = text ? template_parse(text, &offset, &message) : NULL;

	if (text && !t)
		node_error_at(n, offset, "%s", message);
	return t;
}

/* Is it a text of at most that many characters? They go into each alert. */
static bool fits(const struct node *n, size_t max)
{
	const char *text = node_text(n);
	size_t len = text ? strlen(text) : 0;

	if (text && utf8_prefix(text, len, max) < len)
		node_error(n, "longer than %zu characters; that is the limit", max);
	return text && utf8_prefix(text, len, max) == len;
}

/* --- the keys of a rule ---------------------------------------------------------------------- */

static void read_name(const struct node *n, void *target)
{
	const char *name = node_text(n);

	if (name && name_is_valid(n, name))
		node_read_text(n, target);
}

static void read_source(const struct node *n, void *target)
{
	struct rule *r = target;
	unsigned n_types;
	const struct event_type *types = event_types(&n_types);
	AUTO_FREE const char **names = xcalloc(n_types, sizeof(*names));
	size_t i;

	for (i = 0; i < n_types; i++)
		names[i] = types[i].name;
	if (node_choice(n, "source", names, n_types, &i))
		r->on = &types[i];
}

static void read_where(const struct node *n, void *target)
{
	struct rule *r = target;
	const char *text = node_text(n);
	struct expr_error error = { 0 };

	if (!text || !r->on)
		return;
	r->where = expr_parse(text, r->on, &error);
	if (!r->where)
		node_error_at(n, error.offset, "%s", error.message);
	free(error.message);
}

static bool is_key(const struct field *f)
{
	return f->role == ROLE_KEY;
}

static void add_key(const struct node *n, struct rule *r)
{
	const char *name = node_text(n);
	const struct field *f;
	AUTO_FREE char *hint = NULL;

	if (!name || !r->on)
		return;
	f = event_field_find(r->on, name, strlen(name));
	if (!f || !is_key(f)) {
		hint = suggest_field(name, r->on, is_key);
		node_error(n, "no key \"%s\" in source %s%s", name, r->on->name, hint);
		return;
	}
	for (unsigned i = 0; i < r->n_by; i++) {
		if (r->by[i] == f) {
			node_error(n, "key \"%s\" twice", name);
			return;
		}
	}
	r->by[r->n_by++] = f;
}

static void read_by(const struct node *n, void *target)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 0, RULE_BY_MAX, &n_nodes);

	for (unsigned i = 0; i < n_nodes; i++)
		add_key(&nodes[i], target);
}

static void read_keep(const struct node *n, void *target)
{
	struct rule *r = target;

	node_read_duration(n, &r->keep_ns);
	if (r->when.window_ns)
		node_warning(n,
			     "\"keep\" is for rules without a window; this one ends by \"clear\"");
}

static void read_severity(const struct node *n, void *target)
{
	struct rule *r = target;
	size_t severity;

	if (node_choice(n, "severity", severities, ARRAY_SIZE(severities), &severity))
		r->severity = (enum severity)severity;
}

static void read_why(const struct node *n, void *target)
{
	struct rule *r = target;

	if (fits(n, WHY_MAX))
		node_read_text(n, &r->why);
}

static void read_summary(const struct node *n, void *target)
{
	struct rule *r = target;
	long at;

	r->summary = read_template(n);
	at = r->summary ? template_path_at(r->summary, "summary") : -1;
	if (at >= 0)
		node_error_at(n, (size_t)at, "a summary cannot have itself in it");
}

static void read_labels(const struct node *n, void *target)
{
	struct rule *r = target;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, LABELS_MAX, &n_nodes);

	r->labels = xcalloc(n_nodes, sizeof(*r->labels));
	for (unsigned i = 0; i < n_nodes; i++) {
		struct label *label = &r->labels[r->n_labels++];

		label->name = xstrdup(node_key(&nodes[i]));
		(void)name_is_valid(&nodes[i], node_key(&nodes[i]));
		if (fits(&nodes[i], LABEL_MAX))
			node_read_text(&nodes[i], &label->value);
	}
}

#define REPEAT                                                                                     \
	{                                                                                          \
		.key = "repeat", .read = node_read_duration,                                       \
		.offset = offsetof(struct rule, repeat_ns), .max = DURATION_MAX_NS                 \
	}
#define KEEP                                                                                       \
	{                                                                                          \
		.key = "keep", .read = read_keep, .min = SECOND_NS, .max = DURATION_MAX_NS         \
	}

/* Read into a struct rule_draft, "on" before what depends on the source's fields. */
static const struct member rule_members[] = {
	{ .key = "name",
	  .read = read_name,
	  .offset = offsetof(struct rule, name),
	  .required = true },
	{ .key = "why", .read = read_why },
	{ .key = "on", .read = read_source, .required = true },
	{ .key = "where", .read = read_where },
	{ .key = "by", .read = read_by },
	{ .key = "when", .read = read_when, .required = true },
	{ .key = "for",
	  .read = node_read_duration,
	  .offset = offsetof(struct rule, for_ns),
	  .max = DURATION_MAX_NS },
	{ .key = "clear", .read = read_clear },
	KEEP,
	{ .key = "severity", .read = read_severity },
	{ .key = "summary", .read = read_summary },
	{ .key = "hooks", .read = read_rule_hooks },
	REPEAT,
	{ .key = "labels", .read = read_labels },
};

/* What a rule starts with; the same keys as there. */
static const struct member default_members[] = {
	{ .key = "hooks", .read = read_rule_hooks },
	REPEAT,
	{ .key = "severity", .read = read_severity },
	KEEP,
};

/* --- files ----------------------------------------------------------------------------------- */

struct open_file {
	struct json_doc *doc; /* NULL: not JSON */
	const char *name;
	struct node hooks, defaults, rules; /* without a doc where the file has none */
};

static void read_version(const struct node *n, void *target)
{
	double version;

	(void)target;
	if (node_number(n, &version) && version != 1)
		node_error(n, "version %.15g is not known; this kernelsight reads version 1",
			   version);
}

static const struct member file_members[] = {
	{ .key = "version", .read = read_version, .required = true },
	{ .key = "hooks", .read = node_read_node, .offset = offsetof(struct open_file, hooks) },
	{ .key = "defaults",
	  .read = node_read_node,
	  .offset = offsetof(struct open_file, defaults) },
	{ .key = "rules", .read = node_read_node, .offset = offsetof(struct open_file, rules) },
};

static const struct rule *find_rule(const struct rule_set *set, const char *name)
{
	for (unsigned i = 0; i < set->n_rules; i++)
		if (set->rules[i].name && strcmp(set->rules[i].name, name) == 0)
			return &set->rules[i];
	return NULL;
}

static void add_rule(const struct node *n, struct rule_draft draft, struct rule_set *set)
{
	const struct rule *same;
	struct node name;

	draft.rule.line = node_line(n);
	draft.rule.why = xstrdup("");
	node_read(n, rule_members, ARRAY_SIZE(rule_members), &draft);
	rule_complete(&draft.rule);
	same = draft.rule.name ? find_rule(set, draft.rule.name) : NULL;
	if (same && node_member(n, "name", &name))
		node_error(&name, "rule \"%s\" is already at %s:%u", same->name, same->file,
			   same->line);
	if (draft.rule.on && draft.rule.when.value.text)
		warn_of_doubts(n, &draft.rule);
	for (unsigned i = 0; i < draft.rule.n_hooks; i++)
		set->hooks[draft.rule.hooks[i]].used = true;
	set->rules[set->n_rules++] = draft.rule;
}

static void read_rules(const struct open_file *f, struct rule_set *set)
{
	struct rule_draft draft = { .set = set,
				    .rule = { .file = f->name,
					      .clear.for_ns = 10 * NS_PER_S,
					      .keep_ns = 30 * NS_PER_S,
					      .flap_changes = 6,
					      .flap_window_ns = 600 * NS_PER_S,
					      .severity = SEVERITY_WARNING } };
	unsigned n_nodes = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (f->defaults.doc)
		node_read(&f->defaults, default_members, ARRAY_SIZE(default_members), &draft);
	if (f->rules.doc)
		nodes = node_list(&f->rules, 0, RULES_MAX - set->n_rules, &n_nodes);
	set->rules = xrealloc(set->rules, set->n_rules + n_nodes, sizeof(*set->rules));
	for (unsigned i = 0; i < n_nodes; i++)
		add_rule(&nodes[i], draft, set);
}

static void read_file(const struct rule_file *file, struct open_file *f, struct rule_set *set,
		      struct diags *diags)
{
	struct node root;

	f->name = set->files[set->n_files++] = xstrdup(file->name);
	f->doc = json_doc_new(f->name, file->text, file->len, diags);
	if (!f->doc)
		return;
	root = json_doc_root(f->doc);
	node_read(&root, file_members, ARRAY_SIZE(file_members), f);
	if (f->hooks.doc)
		hooks_read(&f->hooks, f->name, set);
}

struct rule_set *rule_load(const struct rule_file *files, unsigned n, struct diags *diags)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));
	AUTO_FREE struct open_file *opened = xcalloc(n, sizeof(*opened));
	unsigned errors = diags_errors(diags);
	bool ok;

	set->refs = 1;
	set->files = xcalloc(n, sizeof(*set->files));
	for (unsigned i = 0; i < n; i++)
		read_file(&files[i], &opened[i], set, diags);
	for (unsigned i = 0; i < n; i++)
		read_rules(&opened[i], set);
	ok = diags_errors(diags) == errors;
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

static void rule_fini(struct rule *r)
{
	free(r->name);
	free(r->why);
	expr_free(r->where);
	free(r->when.value.text);
	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		free(r->judge.leaves[i].value.text);
	for (unsigned i = 0; i < r->n_labels; i++) {
		free(r->labels[i].name);
		free(r->labels[i].value);
	}
	free(r->labels);
	template_free(r->summary);
}

static void rule_set_fini(struct rule_set *set)
{
	for (unsigned i = 0; i < set->n_rules; i++)
		rule_fini(&set->rules[i]);
	for (unsigned i = 0; i < set->n_hooks; i++)
		hook_conf_fini(&set->hooks[i]);
	for (unsigned i = 0; i < set->n_files; i++)
		free(set->files[i]);
	free(set->rules);
	free(set->hooks);
	free(set->files);
	free(set);
}

const struct rule_set *rule_set_ref(const struct rule_set *set)
{
	if (set->refs)
		((struct rule_set *)set)->refs++;
	return set;
}

void rule_set_free(const struct rule_set *set)
{
	if (set && set->refs && --((struct rule_set *)set)->refs == 0)
		rule_set_fini((struct rule_set *)set);
}
