/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for lists and conditions: "lists" and "macros" of all files are one namespace. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rule/rule_read.h"

static const char *const words[] = { "and", "or", "not", "in", "like", "matches" };

/* --- definitions ----------------------------------------------------------------------------- */

/* What else a condition or a formula may mean by the name; NULL: nothing. The caller frees it. */
static char *other_meaning(const char *name)
{
	size_t len = strlen(name);
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(name, words[i]) == 0)
			return xstrdup("a word of the language");
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(name, types[i].name) == 0)
			return xstrdup("the name of a source");
		if (event_field_find(&types[i], name, len))
			return xasprintf("a field of source %s", types[i].name);
	}
	return NULL;
}

static bool is_word(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return len > 0 && len <= RULE_NAME_MAX && !isdigit((unsigned char)name[0]);
}

/* Where the name is defined; NULL: it is not. */
static const struct node *find_definition(const struct definitions *d, const char *name)
{
	for (unsigned i = 0; i < d->names.n_lists; i++)
		if (strcmp(d->names.lists[i].name, name) == 0)
			return &d->list_nodes[i];
	for (unsigned i = 0; i < d->names.n_macros; i++)
		if (strcmp(d->names.macros[i].name, name) == 0)
			return &d->macro_nodes[i];
	return NULL;
}

/* Reports a name that cannot be. same: where it is defined already; NULL: nowhere. */
static bool may_define(const struct node *n, const struct node *same)
{
	const char *name = node_key(n);
	AUTO_FREE char *meaning = other_meaning(name);

	if (!is_word(name))
		node_error_key(n,
			       "bad name \"%s\"; a list or macro is called by 1 to %d letters, "
			       "digits and _, no digit first",
			       name, RULE_NAME_MAX);
	else if (meaning)
		node_error_key(n, "\"%s\" is %s; choose another name", name, meaning);
	else if (same)
		node_error_key(n, "\"%s\" is already at %s:%u", name, node_file(same),
			       node_line(same));
	return is_word(name) && !meaning && !same;
}

static unsigned room(const struct definitions *d)
{
	return NAMES_MAX - d->names.n_lists - d->names.n_macros;
}

static bool read_item(const struct node *n, struct expr_item *item)
{
	if (!node_is_string(n))
		return node_number(n, &item->number);
	item->text = node_text(n);
	return true;
}

static void add_list(const struct node *n, struct definitions *d)
{
	struct expr_list list = { .name = node_key(n) };
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 1, ITEMS_MAX, &n_nodes);

	if (!may_define(n, find_definition(d, node_key(n))) || !nodes)
		return;
	list.items = xcalloc(n_nodes, sizeof(*list.items));
	for (unsigned i = 0; i < n_nodes; i++)
		list.n += read_item(&nodes[i], &list.items[list.n]);
	d->list_nodes[d->names.n_lists] = *n;
	d->names.lists[d->names.n_lists++] = list;
}

void lists_read(const struct node *n, struct definitions *d)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, room(d), &n_nodes);
	unsigned all = d->names.n_lists + n_nodes;

	d->names.lists = xrealloc(d->names.lists, all, sizeof(*d->names.lists));
	d->list_nodes = xrealloc(d->list_nodes, all, sizeof(*d->list_nodes));
	for (unsigned i = 0; i < n_nodes; i++)
		add_list(&nodes[i], d);
}

static void add_macro(const struct node *n, struct definitions *d)
{
	const char *text = node_text(n);

	if (text && strlen(text) > MACRO_MAX) {
		node_error(n, "longer than %d bytes; that is the limit", MACRO_MAX);
		return;
	}
	if (!may_define(n, find_definition(d, node_key(n))) || !text)
		return;
	d->macro_nodes[d->names.n_macros] = *n;
	d->macro_wrong[d->names.n_macros] = 0;
	d->names.macros[d->names.n_macros++] =
		(struct expr_macro){ .name = node_key(n), .text = text };
}

void macros_read(const struct node *n, struct definitions *d)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, room(d), &n_nodes);
	unsigned all = d->names.n_macros + n_nodes;

	d->names.macros = xrealloc(d->names.macros, all, sizeof(*d->names.macros));
	d->macro_nodes = xrealloc(d->macro_nodes, all, sizeof(*d->macro_nodes));
	d->macro_wrong = xrealloc(d->macro_wrong, all, sizeof(*d->macro_wrong));
	for (unsigned i = 0; i < n_nodes; i++)
		add_macro(&nodes[i], d);
}

void definitions_fini(struct definitions *d)
{
	for (unsigned i = 0; i < d->names.n_lists; i++)
		free(d->names.lists[i].items);
	free(d->names.lists);
	free(d->names.macros);
	free(d->list_nodes);
	free(d->macro_nodes);
	free(d->macro_wrong);
}

/* --- use ------------------------------------------------------------------------------------- */

static uint64_t type_bit(const struct event_type *type)
{
	unsigned n;

	return 1ull << (type - event_types(&n));
}

void report_expr_error(const struct node *n, struct rule_draft *draft,
		       const struct event_type *type, struct expr_error *e)
{
	struct definitions *d = draft->definitions;
	size_t i = e->macro ? (size_t)(e->macro - d->names.macros) : 0;

	if (!e->macro) {
		node_error_at(n, e->offset, "%s", e->message);
	} else if (!(d->macro_wrong[i] & type_bit(type))) {
		/* many rules may use it */
		d->macro_wrong[i] |= type_bit(type);
		node_error_at(&d->macro_nodes[i], e->offset, "%s (macro \"%s\", in rule \"%s\")",
			      e->message, e->macro->name, draft->rule.name ? draft->rule.name : "");
	}
	free(e->message);
	e->message = NULL;
}

struct expr *read_condition(const struct node *n, struct rule_draft *draft,
			    const struct event_type *type)
{
	const char *text = node_text(n);
	struct expr_error error = { .offset = 0 };
	struct expr *e;

	if (!text || !type)
		return NULL;
	e = expr_parse_named(text, type, &draft->definitions->names, &error);
	if (!e)
		report_expr_error(n, draft, type, &error);
	return e;
}

/* --- what no rule uses ----------------------------------------------------------------------- */

/* The mistake may be in a macro that this one uses. */
static void report_unused_macro(const struct node *n, struct definitions *d,
				const struct expr_error *e)
{
	size_t i = e->macro ? (size_t)(e->macro - d->names.macros) : 0;

	if (e->macro && d->macro_wrong[i])
		return;
	if (e->macro)
		d->macro_wrong[i] = UINT64_MAX;
	node_error_at(e->macro ? &d->macro_nodes[i] : n, e->offset, "%s", e->message);
}

/* Says what is wrong with the macro in the source with which it comes furthest, unless it is right
 * in some source. */
static void try_macro(const struct node *n, struct definitions *d, struct expr_macro *macro)
{
	unsigned n_types;
	const struct event_type *types = event_types(&n_types);
	struct expr_error worst = { .offset = 0 };

	for (unsigned i = 0; i < n_types; i++) {
		struct expr_error error = { .offset = 0 };
		struct expr *e;

		macro->open = true;
		e = expr_parse_named(macro->text, &types[i], &d->names, &error);
		macro->open = false;
		if (e) {
			expr_free(e);
			free(worst.message);
			return;
		}
		if (!worst.message || (!error.macro && error.offset > worst.offset)) {
			free(worst.message);
			worst = error;
		} else {
			free(error.message);
		}
	}
	report_unused_macro(n, d, &worst);
	free(worst.message);
}

void names_finish(struct definitions *d, bool ok)
{
	unsigned n_macros = d->names.n_macros, n_lists = d->names.n_lists;
	AUTO_FREE bool *unused = xcalloc(n_macros + n_lists, sizeof(*unused));

	for (unsigned i = 0; i < n_lists; i++)
		unused[i] = !d->names.lists[i].used;
	for (unsigned i = 0; i < n_macros; i++)
		unused[n_lists + i] = !d->names.macros[i].used;
	/* trying one marks what it names as used */
	for (unsigned i = 0; i < n_macros; i++)
		if (unused[n_lists + i])
			try_macro(&d->macro_nodes[i], d, &d->names.macros[i]);
	for (unsigned i = 0; ok && i < n_lists; i++)
		if (unused[i])
			node_warning(&d->list_nodes[i], "no rule uses list \"%s\"",
				     d->names.lists[i].name);
	for (unsigned i = 0; ok && i < n_macros; i++)
		if (unused[n_lists + i])
			node_warning(&d->macro_nodes[i], "no rule uses macro \"%s\"",
				     d->names.macros[i].name);
}
