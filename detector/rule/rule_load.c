/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, defaults and rules. All hooks are read before the first rule, since a rule may name a hook
 * of any file. A rule with mistakes stays in the set until the end, so that they do not hide those
 * of others; then the set as a whole is refused.
 */
#include "rule/rule_load.h"

#include <stdlib.h>
#include <string.h>

#include "rule/formula.h"
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

static const struct event_type *read_type(const struct node *n)
{
	unsigned n_types;
	const struct event_type *types = event_types(&n_types);
	AUTO_FREE const char **names = xcalloc(n_types, sizeof(*names));
	size_t i;

	for (i = 0; i < n_types; i++)
		names[i] = types[i].name;
	return node_choice(n, "source", names, n_types, &i) ? &types[i] : NULL;
}

static void read_source(const struct node *n, void *target)
{
	struct rule *r = target;

	r->on = read_type(n);
}

static void read_where(const struct node *n, void *target)
{
	struct rule_draft *d = target;

	d->rule.where = read_condition(n, d, d->rule.on);
}

static void read_with_source(const struct node *n, void *target)
{
	struct rule_draft *d = target;
	const struct event_type *with = read_type(n);

	if (with && with == d->rule.on)
		node_error(n, "\"with\" is for another source; of the same one, write a condition "
			      "such as count(...)");
	else
		d->rule.with = with;
	d->second_unknown = !d->rule.with;
}

static void read_with_where(const struct node *n, void *target)
{
	struct rule_draft *d = target;

	d->rule.with_where = read_condition(n, d, d->rule.with);
}

static void read_with(const struct node *n, void *target)
{
	static const struct member members[] = {
		{ .key = "on", .read = read_with_source, .required = true },
		{ .key = "where", .read = read_with_where },
	};

	((struct rule_draft *)target)->second_unknown = true;
	node_read(n, members, ARRAY_SIZE(members), target);
}

static bool is_key(const struct field *f)
{
	return f->role == ROLE_KEY;
}

/* The key must be one of the second source too. */
static bool add_key_of_second(const struct node *n, struct rule *r, const struct field *f)
{
	const struct field *same = event_field_find(r->with, f->name, strlen(f->name));
	AUTO_FREE char *hint = NULL;

	if (same && is_key(same) && same->type == f->type) {
		r->with_by[r->n_by] = same;
		return true;
	}
	hint = suggest_field(f->name, r->with, is_key);
	node_error(n, "no key \"%s\" in source %s%s", f->name, r->with->name, hint);
	return false;
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
	if (r->with && !add_key_of_second(n, r, f))
		return;
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
	if (main_formula(r) && !main_is_event(r))
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

static void read_label(const struct node *n, struct label *label)
{
	label->name = xstrdup(node_key(n));
	(void)name_is_valid(n, node_key(n));
	if (!fits(n, LABEL_MAX))
		return;
	node_read_text(n, &label->value);
	if (!strstr(label->value, "{{"))
		return;
	label->rendered = read_template(n);
}

/* Labels are rendered before there are labels, and these before the summary. */
static void check_label(const struct node *n, const struct label *label, const char *path)
{
	long at = label->rendered ? template_path_at(label->rendered, path) : -1;

	if (at >= 0)
		node_error_at(n, (size_t)at, "a label cannot have \"%s\" in it", path);
}

static void read_labels(const struct node *n, void *target)
{
	struct rule *r = target;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, LABELS_MAX, &n_nodes);

	r->labels = xcalloc(n_nodes, sizeof(*r->labels));
	for (unsigned i = 0; i < n_nodes; i++)
		read_label(&nodes[i], &r->labels[r->n_labels++]);
	for (unsigned i = 0; i < n_nodes; i++) {
		check_label(&nodes[i], &r->labels[i], "summary");
		check_label(&nodes[i], &r->labels[i], "labels");
		for (unsigned j = 0; j < n_nodes; j++) {
			AUTO_FREE char *path = xasprintf("labels.%s", r->labels[j].name);

			check_label(&nodes[i], &r->labels[i], path);
		}
	}
}

static void refuse_in_event_rule(const struct node *n, void *target)
{
	(void)target;
	node_error_key(n, "\"%s\" is for rules with \"sequence\" or \"together\"", node_key(n));
}

static void refuse_in_composite(const struct node *n, void *target)
{
	(void)target;
	node_error_key(n, "\"%s\" is for rules on a source; this one is made of rules",
		       node_key(n));
}

static void read_notify(const struct node *n, void *target)
{
	struct rule *r = target;
	bool notify = true;

	node_read_bool(n, &notify);
	r->quiet = !notify;
}

/* Rows that more than one table has. */
#define ROW_NAME                                                                                   \
	{                                                                                          \
		.key = "name", .read = read_name, .offset = offsetof(struct rule, name),           \
		.required = true                                                                   \
	}
#define ROW_KEEP                                                                                   \
	{                                                                                          \
		.key = "keep", .read = read_keep, .min = SECOND_NS, .max = DURATION_MAX_NS         \
	}
#define ROW_REPEAT                                                                                 \
	{                                                                                          \
		.key = "repeat", .read = node_read_duration,                                       \
		.offset = offsetof(struct rule, repeat_ns), .max = DURATION_MAX_NS                 \
	}
#define ROW_GRACE                                                                                  \
	{                                                                                          \
		.key = "grace", .read = node_read_duration,                                        \
		.offset = offsetof(struct rule, grace_ns), .max = DURATION_MAX_NS                  \
	}
#define ROW_SEVERITY                                                                               \
	{                                                                                          \
		.key = "severity", .read = read_severity                                           \
	}
#define ROW_HOOKS                                                                                  \
	{                                                                                          \
		.key = "hooks", .read = read_rule_hooks                                            \
	}

/* Read into a struct rule_draft; what others depend on comes first. Rows without a function are
 * read once all rules are known. */
static const struct member rule_members[] = {
	ROW_NAME,
	{ .key = "why", .read = read_why },
	{ .key = "on", .read = read_source, .required = true },
	{ .key = "where", .read = read_where },
	{ .key = "with", .read = read_with },
	{ .key = "by", .read = read_by },
	{ .key = "when", .read = read_when, .required = true },
	{ .key = "for", .read = read_for, .max = DURATION_MAX_NS },
	{ .key = "clear", .read = read_clear },
	ROW_KEEP,
	ROW_SEVERITY,
	{ .key = "warning", .read = read_escalation },
	{ .key = "error", .read = read_escalation },
	{ .key = "critical", .read = read_escalation },
	{ .key = "summary", .read = read_summary },
	ROW_HOOKS,
	{ .key = "notify", .read = read_notify },
	ROW_REPEAT,
	{ .key = "labels", .read = read_labels },
	{ .key = "inhibited_by" },
	{ .key = "flap", .read = read_flap },
	ROW_GRACE,
	{ .key = "sequence" },
	{ .key = "together" },
	{ .key = "within", .read = refuse_in_event_rule },
};

/* The same for a rule that is made of rules. */
static const struct member composite_members[] = {
	ROW_NAME,
	{ .key = "why", .read = read_why },
	{ .key = "sequence" },
	{ .key = "together" },
	{ .key = "within",
	  .read = node_read_duration,
	  .offset = offsetof(struct rule, within_ns),
	  .required = true,
	  .min = SECOND_NS,
	  .max = 24 * HOUR_NS },
	{ .key = "by" },
	{ .key = "keep",
	  .read = node_read_duration,
	  .offset = offsetof(struct rule, keep_ns),
	  .min = SECOND_NS,
	  .max = DURATION_MAX_NS },
	ROW_SEVERITY,
	{ .key = "summary", .read = read_summary },
	ROW_HOOKS,
	{ .key = "notify", .read = read_notify },
	ROW_REPEAT,
	{ .key = "labels", .read = read_labels },
	{ .key = "inhibited_by" },
	{ .key = "flap", .read = read_flap },
	ROW_GRACE,
	{ .key = "on", .read = refuse_in_composite, .refused = true },
	{ .key = "where", .read = refuse_in_composite, .refused = true },
	{ .key = "with", .read = refuse_in_composite, .refused = true },
	{ .key = "when", .read = refuse_in_composite, .refused = true },
	{ .key = "for", .read = refuse_in_composite, .refused = true },
	{ .key = "clear", .read = refuse_in_composite, .refused = true },
	{ .key = "warning", .read = refuse_in_composite, .refused = true },
	{ .key = "error", .read = refuse_in_composite, .refused = true },
	{ .key = "critical", .read = refuse_in_composite, .refused = true },
};

/* What a rule starts with; the same keys as there. */
static const struct member default_members[] = {
	ROW_HOOKS, ROW_REPEAT, ROW_SEVERITY, ROW_KEEP, ROW_GRACE,
};

/* --- files ----------------------------------------------------------------------------------- */

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
};

static void read_event_rule(const struct node *n, struct rule_draft *draft)
{
	node_read(n, rule_members, ARRAY_SIZE(rule_members), draft);
}

static void read_composite(const struct node *n, struct rule_draft *draft)
{
	struct node sequence, together;
	bool in_order = node_member(n, "sequence", &sequence);

	draft->rule.kind = in_order ? RULE_SEQUENCE : RULE_TOGETHER;
	node_read(n, composite_members, ARRAY_SIZE(composite_members), draft);
	if (in_order && node_member(n, "together", &together))
		node_error_key(&together,
			       "\"together\" beside \"sequence\"; a rule has one of them");
}

static void add_rule(const struct node *n, struct rule_draft draft, struct rule_set *set)
{
	const struct rule *same;
	struct node name;

	draft.rule.line = node_line(n);
	draft.rule.why = xstrdup("");
	(is_composite(n) ? read_composite : read_event_rule)(n, &draft);
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
		node_read(&f->defaults, default_members, ARRAY_SIZE(default_members), &draft);
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

struct rule_set *rule_load(const struct rule_file *files, unsigned n, struct diags *diags)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));
	AUTO_FREE struct open_file *opened = xcalloc(n, sizeof(*opened));
	unsigned errors = diags_errors(diags);
	bool ok;

	set->refs = 1;
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

static void rule_fini(struct rule *r)
{
	free(r->name);
	free(r->why);
	expr_free(r->where);
	expr_free(r->with_where);
	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		formula_fini(&r->judge.leaves[i].value);
	for (unsigned i = 0; i < r->n_labels; i++) {
		free(r->labels[i].name);
		free(r->labels[i].value);
		template_free(r->labels[i].rendered);
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
	free(set->index);
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

uint64_t rule_given_up(const struct rule *r)
{
	uint64_t n = r->where ? expr_given_up(r->where) : 0;

	if (r->with_where)
		n += expr_given_up(r->with_where);
	for (unsigned i = 0; i < r->judge.n_leaves; i++) {
		const struct formula *f = &r->judge.leaves[i].value;

		for (unsigned j = 0; j < f->n_terms; j++)
			n += f->terms[j].where ? expr_given_up(f->terms[j].where) : 0;
	}
	return n;
}
