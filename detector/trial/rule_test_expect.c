/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of "expect". What is said about the alert itself becomes paths into its document. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "rule/suggest.h"
#include "trial/rule_test_parts.h"
#include "util/nearest.h"

#define MEMBERS_MAX 64
#define EXPECT_MAX  10000
#define TIME_MAX_NS (400ull * 86400 * NS_PER_S)

static const char *const said_names[] = {
	[SAID_FIRING] = "firing",
	[SAID_RESOLVED] = "resolved",
	[SAID_REPEATED] = "repeated",
	[SAID_CHANGED] = "changed",
};

const char *said_name(enum said said)
{
	return said_names[said];
}

/* What node_read() reads into. */
struct draft {
	struct expectation e;
	const struct test_context *ctx;
	struct node at, key, alert, severity, rule;
};

static void read_at(const struct node *n, void *target)
{
	struct draft *d = target;
	uint64_t ns = UINT64_MAX;

	node_read_duration(n, &ns);
	d->e.has_at = ns != UINT64_MAX;
	d->e.at_ns = ns;
}

static void read_state(const struct node *n, void *target)
{
	struct draft *d = target;
	size_t i;

	if (node_choice(n, "state", said_names, ARRAY_SIZE(said_names), &i))
		d->e.said = (enum said)i;
}

static void read_rule(const struct node *n, void *target)
{
	struct draft *d = target;
	const struct rule_set *set = d->ctx->rules;
	AUTO_FREE const char **names = xcalloc(set->n_rules, sizeof(*names));
	size_t i;

	d->rule = *n;
	for (i = 0; i < set->n_rules; i++)
		names[i] = set->rules[i].name;
	if (node_choice(n, "rule", names, set->n_rules, &i))
		d->e.rule = &set->rules[i];
}

static const struct member members[] = {
	{ .key = "at", .read = read_at, .max = TIME_MAX_NS },
	{ .key = "within",
	  .read = node_read_duration,
	  .offset = offsetof(struct draft, e) + offsetof(struct expectation, within_ns),
	  .max = TIME_MAX_NS },
	{ .key = "state", .read = read_state },
	{ .key = "rule", .read = read_rule },
	{ .key = "key", .read = node_read_node, .offset = offsetof(struct draft, key) },
	{ .key = "severity", .read = node_read_node, .offset = offsetof(struct draft, severity) },
	{ .key = "alert", .read = node_read_node, .offset = offsetof(struct draft, alert) },
};

/* --- members of the document ----------------------------------------------------------------- */

/* The names of the members of the object at a path, as far as they fit. */
struct names {
	const char **names;
	char *owned[128];
	unsigned n;
};

static void add_name(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	struct names *names = ctx;

	(void)value;
	if (key && names->n < ARRAY_SIZE(names->owned))
		names->owned[names->n++] = xstrndup(key, key_len);
}

/* Reports that an alert of the rule has no such member, and which ones it has there. */
static void report_missing(const struct node *n, const struct rule *rule,
			   const struct alert *example, const char *shown, const char *path)
{
	const char *last = strrchr(path, '/');
	AUTO_FREE char *parent = xstrndup(path, last ? (size_t)(last - path) : 0);
	AUTO_FREE char *hint = NULL;
	struct names names = { 0 };
	struct json_span span;

	if (json_find(example->doc, example->doc_len, parent, &span))
		json_each(example->doc, example->doc_len, span, add_name, &names);
	hint = suggest(last ? last + 1 : path, (const char *const *)names.owned, names.n);
	node_error_key(n, "alerts of rule \"%s\" have no \"%s\"%s", rule->name, shown, hint);
	for (unsigned i = 0; i < names.n; i++)
		free(names.owned[i]);
}

/* "event.latency_ms" is event/latency_ms. */
static char *path_of(const char *prefix, const char *shown)
{
	char *path = xasprintf("%s%s", prefix, shown);

	for (char *at = path + strlen(prefix); *at; at++)
		if (*at == '.')
			*at = '/';
	return path;
}

static void check_severity(const struct node *n)
{
	const char *names[] = { severity_name(SEVERITY_INFO), severity_name(SEVERITY_WARNING),
				severity_name(SEVERITY_ERROR), severity_name(SEVERITY_CRITICAL) };
	size_t i;

	(void)node_choice(n, "severity", names, ARRAY_SIZE(names), &i);
}

/* The field of an event that the path into the document of an alert leads to; NULL: to none. */
static const struct field *field_at(const struct rule *rule, const char *path)
{
	const char *name = strchr(path, '/');

	for (unsigned i = 0; i < rule->n_by; i++)
		if (strncmp(path, "key/", 4) == 0 && strcmp(rule->by[i]->name, name + 1) == 0)
			return rule->by[i];
	if (rule->on && strncmp(path, "event/", 6) == 0)
		return event_field_find(rule->on, name + 1, strlen(name + 1));
	return NULL;
}

/* What stands at the path is always one of a few texts: is this one of them? */
static void check_text(const struct node *n, const struct rule *rule, const char *path)
{
	const struct field *f = field_at(rule, path);
	const char *const *texts = f ? event_field_texts(event_field_type(f), f) : NULL;
	const char *text = node_is_string(n) ? node_text(n) : "";
	AUTO_FREE char *hint = NULL;
	size_t all = 0;

	if (strcmp(path, "severity") == 0)
		check_severity(n);
	if (!texts || !*text)
		return;
	for (; texts[all]; all++)
		if (fnmatch(texts[all], text, 0) == 0)
			return;
	hint = suggest(text, texts, all);
	node_error(n, "%s is never \"%s\"%s", f->name, text, hint);
}

static void add_member(struct draft *d, const struct node *n, const char *prefix, const char *shown,
		       const struct alert *example)
{
	struct test_member *m = &d->e.members[d->e.n_members];
	AUTO_FREE char *path = path_of(prefix, shown);
	struct json_span span;
	char first = d->ctx->text[n->span.at];

	if (first == '{' || first == '[') {
		node_error(n, "expected a text, a number, true, false or null");
		return;
	}
	if (!json_find(example->doc, example->doc_len, path, &span)) {
		report_missing(n, d->e.rule, example, shown, path);
		return;
	}
	check_text(n, d->e.rule, path);
	d->e.n_members++;
	m->shown = xasprintf("%s%s%s", *prefix ? "key" : "", *prefix ? "." : "", shown);
	m->value = xstrndup(d->ctx->text + n->span.at, n->span.len);
	m->path = path;
	path = NULL;
}

static void add_members(struct draft *d, const struct node *object, const char *prefix,
			const struct alert *example)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(object, MEMBERS_MAX, &n_nodes);

	for (unsigned i = 0; i < n_nodes; i++)
		add_member(d, &nodes[i], prefix, node_key(&nodes[i]), example);
}

/* --- entries --------------------------------------------------------------------------------- */

static void read_expectation(const struct node *n, const struct test_context *ctx,
			     struct expectation *ret)
{
	struct draft d = { .ctx = ctx };
	struct alert *example;

	d.e.line = node_line(n);
	node_read(n, members, ARRAY_SIZE(members), &d);
	if (!d.e.rule && !d.rule.doc && ctx->rules->n_rules == 1)
		d.e.rule = &ctx->rules->rules[0];
	else if (!d.e.rule && !d.rule.doc)
		node_error(n, "missing key \"rule\"");
	if (d.e.within_ns && !d.e.has_at)
		node_error(n, "\"within\" needs \"at\"");
	if (d.e.rule) {
		d.e.members = xcalloc(2 * MEMBERS_MAX + 1, sizeof(*d.e.members));
		example = alert_example(ctx->rules, d.e.rule);
		if (d.severity.doc)
			add_member(&d, &d.severity, "", "severity", example);
		if (d.key.doc)
			add_members(&d, &d.key, "key/", example);
		if (d.alert.doc)
			add_members(&d, &d.alert, "", example);
		alert_unref(example);
	}
	*ret = d.e;
}

struct expectation *expectations_read(const struct node *list, const struct test_context *ctx,
				      unsigned *ret_n)
{
	AUTO_FREE struct node *nodes = node_list(list, 0, EXPECT_MAX, ret_n);
	struct expectation *all = xcalloc(*ret_n, sizeof(*all));

	for (unsigned i = 0; i < *ret_n; i++)
		read_expectation(&nodes[i], ctx, &all[i]);
	return all;
}

void expectations_free(struct expectation *all, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < all[i].n_members; k++) {
			free(all[i].members[k].path);
			free(all[i].members[k].shown);
			free(all[i].members[k].value);
		}
		free(all[i].members);
	}
	free(all);
}
