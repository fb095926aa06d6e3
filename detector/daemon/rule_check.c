/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/rule_check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/alert.h"
#include "rule/json_syntax.h"
#include "rule/mask.h"
#include "rule/suggest.h"
#include "util/json_scan.h"
#include "util/nearest.h"

#define NAMES_MAX 256

struct checker {
	const struct rule_set *set;
	const struct rule_file *files; /* in the order of set->files */
	char **shown;		       /* for each its text with secrets masked, once needed */
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

static unsigned file_of(const struct checker *c, const char *name)
{
	unsigned i = 0;

	while (i + 1 < c->n_files && c->set->files[i] != name)
		i++;
	return i;
}

/* Where a template stands: the name of its file, and its path there for json_find(). */
struct place {
	const char *file;
	const char *path;
};

/* Adds an error at byte `at` of a template. */
static void report(const struct checker *c, const struct place *place, size_t at,
		   const char *message)
{
	unsigned i = file_of(c, place->file);
	const struct rule_file *file = &c->files[i];
	struct json_span span = { 0 };

	if (!c->shown[i])
		c->shown[i] = mask_secrets(file->text, file->len);
	if (diags_errors(c->diags) < DIAG_MAX) /* later ones are only counted */
		(void)json_find(file->text, file->len, place->path, &span);
	diag_add(c->diags, DIAG_ERROR, file->name, c->shown[i], file->len,
		 json_string_offset(file->text, span, at), "%s", message);
}

/* Checks the names in one template against one rule's alerts. */
static bool check_names(const struct checker *c, const struct template *t,
			const struct place *place, unsigned rule)
{
	const struct alert *alert = c->examples[rule];
	const char *missing = NULL;
	long at = template_missing_at(t, alert->doc, alert->doc_len, &missing);
	AUTO_FREE char *hint = NULL;
	AUTO_FREE char *message = NULL;

	if (at < 0)
		return true;
	hint = suggest_path(alert, missing);
	message = xasprintf("alerts of rule \"%s\" have no \"%s\"%s", c->set->rules[rule].name,
			    missing, hint);
	report(c, place, (size_t)at, message);
	return false;
}

static bool check_json(const struct checker *c, const struct template *t, const struct place *place,
		       const char *doc, size_t doc_len, const char *when)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *problem = NULL;
	AUTO_FREE char *message = NULL;
	const char *missing;
	size_t at;

	(void)template_render(t, doc, doc_len, ESCAPE_JSON, &text, &missing);
	if (json_syntax_check(buf_str(&text), text.len, &at, &problem))
		return true;
	message = xasprintf("the body %s is no JSON: %s", when, problem);
	report(c, place, template_source_of(t, doc, doc_len, ESCAPE_JSON, at), message);
	return false;
}

/* Checks a body that is JSON: with an alert of the rule, and with one of which nothing is known, so
 * that all values that can be null are. */
static bool check_body(const struct checker *c, const struct template *t, const struct place *place,
		       unsigned rule)
{
	const struct alert *alert = c->examples[rule];
	AUTO_FREE char *when = xasprintf("for rule \"%s\"", c->set->rules[rule].name);

	return check_json(c, t, place, alert->doc, alert->doc_len, when) &&
	       check_json(c, t, place, "{}", 2, "without values");
}

/* index: of the rule in the list of its file */
static void check_labels(const struct checker *c, unsigned rule, unsigned index)
{
	const struct rule *r = &c->set->rules[rule];

	for (unsigned i = 0; i < r->n_labels; i++) {
		AUTO_FREE char *path = xasprintf("rules/%u/labels/%s", index, r->labels[i].name);

		if (r->labels[i].rendered)
			(void)check_names(c, r->labels[i].rendered,
					  &(struct place){ r->file, path }, rule);
	}
}

static void check_rule_texts(const struct checker *c)
{
	unsigned index = 0; /* in its file */

	for (unsigned i = 0; i < c->set->n_rules; i++) {
		const struct rule *r = &c->set->rules[i];
		AUTO_FREE char *path = NULL;

		index = i > 0 && r->file == r[-1].file ? index + 1 : 0;
		path = xasprintf("rules/%u/summary", index);
		if (r->summary)
			(void)check_names(c, r->summary, &(struct place){ r->file, path }, i);
		check_labels(c, i, index);
	}
}

static bool uses(const struct rule *r, unsigned hook)
{
	for (unsigned i = 0; i < r->n_hooks; i++)
		if (r->hooks[i] == hook)
			return true;
	return false;
}

/* Checks a template against the rules that use the hook, up to the first that it does not suit. */
static void check_hook_template(const struct checker *c, unsigned hook, const struct template *t,
				const char *path, bool json)
{
	const struct place place = { c->set->hooks[hook].file, path };
	bool ok = true;

	for (unsigned i = 0; ok && i < c->set->n_rules; i++)
		if (uses(&c->set->rules[i], hook))
			ok = check_names(c, t, &place, i) && (!json || check_body(c, t, &place, i));
}

static void check_hook(const struct checker *c, unsigned hook)
{
	const struct hook_conf *h = &c->set->hooks[hook];
	AUTO_FREE char *body = xasprintf("hooks/%s/body", h->name);

	if (h->body)
		check_hook_template(c, hook, h->body, body,
				    !h->content_type || strcasestr(h->content_type, "json"));
	for (unsigned i = 0; i < h->n_argv; i++) {
		AUTO_FREE char *argument = xasprintf("hooks/%s/argv/%u", h->name, i);

		check_hook_template(c, hook, h->argv[i], argument, false);
	}
}

void rule_check_templates(const struct rule_set *set, const struct rule_file *files, unsigned n,
			  struct diags *d)
{
	AUTO_FREE struct alert **examples = xcalloc(set->n_rules, sizeof(struct alert *));
	AUTO_FREE char **shown = xcalloc(n, sizeof(char *));
	const struct checker c = {
		.set = set,
		.files = files,
		.shown = shown,
		.n_files = n,
		.examples = examples,
		.diags = d,
	};

	for (unsigned i = 0; i < set->n_rules; i++)
		examples[i] = alert_example(set, &set->rules[i]);
	check_rule_texts(&c);
	for (unsigned i = 0; i < set->n_hooks; i++)
		check_hook(&c, i);
	for (unsigned i = 0; i < set->n_rules; i++)
		alert_unref(examples[i]);
	for (unsigned i = 0; i < n; i++)
		free(shown[i]);
}

void rule_check_warn(const struct rule_set *set, const struct rule_file *files, unsigned rule,
		     const char *path, const char *message, struct diags *d)
{
	const char *name = set->rules[rule].file;
	const struct rule_file *file = files;
	unsigned index = 0;
	struct json_span span = { 0 };
	AUTO_FREE char *shown = NULL;
	AUTO_FREE char *whole = NULL;

	for (unsigned i = 0; i < set->n_files; i++)
		if (set->files[i] == name)
			file = &files[i];
	while (index < rule && set->rules[rule - index - 1].file == name)
		index++;
	shown = mask_secrets(file->text, file->len);
	whole = xasprintf("rules/%u/%s", index, path);
	(void)json_find(file->text, file->len, whole, &span);
	diag_add(d, DIAG_WARNING, file->name, shown, file->len, span.at, "%s", message);
}
