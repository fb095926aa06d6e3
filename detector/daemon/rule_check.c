/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/rule_check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/alert.h"
#include "rule/mask.h"
#include "rule/suggest.h"
#include "util/json_scan.h"
#include "util/nearest.h"

#define NAMES_MAX 256

struct checker {
	const struct rule_set *set;
	const struct rule_file *files; /* in the order of set->files */
	unsigned n_files;
	struct alert **examples; /* one for each rule */
	struct diags *diags;
};

/* --- names that a template may use ----------------------------------------------------------- */

struct names {
	char *names[NAMES_MAX];
	unsigned n;
	unsigned n_single;   /* the first of them: without a section */
	const char *section; /* that is being collected; NULL: none */
	const struct alert *alert;
};

static void names_fini(struct names *names)
{
	while (names->n > 0)
		free(names->names[--names->n]);
}

static void add_name(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	struct names *names = ctx;
	AUTO_FREE char *name = names->section
				       ? xasprintf("%s.%.*s", names->section, (int)key_len, key)
				       : xstrndup(key, key_len);

	(void)value;
	for (unsigned i = 0; i < names->n; i++)
		if (strcmp(names->names[i], name) == 0)
			return;
	if (names->n == NAMES_MAX)
		return;
	names->names[names->n++] = name;
	name = NULL;
}

static void add_section(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	struct names *names = ctx;
	AUTO_FREE char *section = xstrndup(key, key_len);

	names->section = section;
	json_each(names->alert->doc, names->alert->doc_len, value, add_name, names);
	names->section = NULL;
}

static void collect_names(struct names *names, const struct alert *alert)
{
	static const char *const shortcuts[] = { "event", "process", "key", "" };
	struct json_span span = { 0 };

	names->alert = alert;
	for (size_t i = 0; i < ARRAY_SIZE(shortcuts); i++)
		if (json_find(alert->doc, alert->doc_len, shortcuts[i], &span))
			json_each(alert->doc, alert->doc_len, span, add_name, names);
	names->n_single = names->n;
	json_each(alert->doc, alert->doc_len, span, add_section, names);
}

static char *suggest_path(const struct alert *alert, const char *missing)
{
	CLEANUP(names_fini) struct names names = { 0 };
	const char *const *list = (const char *const *)names.names;

	collect_names(&names, alert);
	return suggest(missing, list, nearest(missing, list, names.n) ? names.n : names.n_single);
}

/* --- templates ------------------------------------------------------------------------------- */

static const struct rule_file *file_of(const struct checker *c, const char *name)
{
	unsigned i = 0;

	while (i + 1 < c->n_files && c->set->files[i] != name)
		i++;
	return &c->files[i];
}

/* Checks one template against one rule's alerts; path is its place in the rule file, for
 * json_find(). */
static bool check(const struct checker *c, const struct template *t, const char *file_name,
		  const char *path, unsigned rule)
{
	const struct alert *alert = c->examples[rule];
	const char *missing = NULL;
	long at = template_missing_at(t, alert->doc, alert->doc_len, &missing);
	AUTO_FREE char *hint = NULL;
	AUTO_FREE char *shown = NULL;
	const struct rule_file *file;
	struct json_span span = { 0 };

	if (at < 0)
		return true;
	file = file_of(c, file_name);
	hint = suggest_path(alert, missing);
	shown = mask_secrets(file->text, file->len);
	(void)json_find(file->text, file->len, path, &span);
	diag_add(c->diags, DIAG_ERROR, file->name, shown, file->len,
		 json_string_offset(file->text, span, (size_t)at),
		 "alerts of rule \"%s\" have no \"%s\"%s", c->set->rules[rule].name, missing, hint);
	return false;
}

static void check_summaries(const struct checker *c)
{
	unsigned index = 0; /* in its file */

	for (unsigned i = 0; i < c->set->n_rules; i++) {
		const struct rule *r = &c->set->rules[i];
		AUTO_FREE char *path = NULL;

		index = i > 0 && r->file == r[-1].file ? index + 1 : 0;
		path = xasprintf("rules/%u/summary", index);
		if (r->summary)
			(void)check(c, r->summary, r->file, path, i);
	}
}

static bool uses(const struct rule *r, unsigned hook)
{
	for (unsigned i = 0; i < r->n_hooks; i++)
		if (r->hooks[i] == hook)
			return true;
	return false;
}

/* Against the rules that use the hook, up to the first that it does not suit. */
static void check_hook_template(const struct checker *c, unsigned hook, const struct template *t,
				const char *path)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < c->set->n_rules; i++)
		if (uses(&c->set->rules[i], hook))
			ok = check(c, t, c->set->hooks[hook].file, path, i);
}

static void check_hook(const struct checker *c, unsigned hook)
{
	const struct hook_conf *h = &c->set->hooks[hook];
	AUTO_FREE char *body = xasprintf("hooks/%s/body", h->name);

	if (h->body)
		check_hook_template(c, hook, h->body, body);
	for (unsigned i = 0; i < h->n_argv; i++) {
		AUTO_FREE char *argument = xasprintf("hooks/%s/argv/%u", h->name, i);

		check_hook_template(c, hook, h->argv[i], argument);
	}
}

void rule_check_templates(const struct rule_set *set, const struct rule_file *files, unsigned n,
			  struct diags *d)
{
	AUTO_FREE struct alert **examples = xcalloc(set->n_rules, sizeof(struct alert *));
	const struct checker c = {
		.set = set, .files = files, .n_files = n, .examples = examples, .diags = d
	};

	for (unsigned i = 0; i < set->n_rules; i++)
		examples[i] = alert_example(&set->rules[i]);
	check_summaries(&c);
	for (unsigned i = 0; i < set->n_hooks; i++)
		check_hook(&c, i);
	for (unsigned i = 0; i < set->n_rules; i++)
		alert_unref(examples[i]);
}
