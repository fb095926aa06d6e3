/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cJSON has the tree and the decoded strings but no positions; util/json_scan.h has positions. Both
 * go through members in the order of the file, so each node pairs one with the other.
 */
#include "rule/json_object.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rule/json_syntax.h"
#include "rule/mask.h"
#include "rule/suggest.h"
#include "util/units.h"

struct place {
	size_t offset;
	unsigned line;
};

struct json_doc {
	const char *file;
	const char *text;
	size_t len;
	char *shown;	    /* the text with secrets masked */
	struct place *last; /* whose line was asked for: the next one is mostly behind it */
	struct diags *diags;
	cJSON *root;
};

/* --- documents ------------------------------------------------------------------------------- */

static bool parse(struct json_doc *doc)
{
	AUTO_FREE char *message = NULL;
	size_t offset = 0;

	if (json_syntax_check(doc->text, doc->len, &offset, &message))
		doc->root = cJSON_ParseWithLength(doc->text, doc->len);
	if (!doc->root)
		diag_add(doc->diags, DIAG_ERROR, doc->file, doc->shown, doc->len, offset, "%s",
			 message ? message : "not enough memory");
	return doc->root;
}

struct json_doc *json_doc_new(const char *file, const char *text, size_t len, struct diags *diags)
{
	struct json_doc *doc = xcalloc(1, sizeof(*doc));

	*doc = (struct json_doc){ .file = file, .text = text, .len = len, .diags = diags };
	doc->shown = mask_secrets(text, len);
	doc->last = xcalloc(1, sizeof(*doc->last));
	if (parse(doc))
		return doc;
	json_doc_free(doc);
	return NULL;
}

void json_doc_free(struct json_doc *doc)
{
	if (!doc)
		return;
	cJSON_Delete(doc->root);
	free(doc->shown);
	free(doc->last);
	free(doc);
}

struct node json_doc_root(const struct json_doc *doc)
{
	struct node n = { .doc = doc, .item = doc->root };

	(void)json_find(doc->text, doc->len, "", &n.span);
	return n;
}

/* --- messages -------------------------------------------------------------------------------- */

static void report(const struct node *n, enum diag_level level, size_t offset, const char *fmt,
		   va_list args)
{
	const struct json_doc *doc = n->doc;
	AUTO_FREE char *message = NULL;

	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	diag_add(doc->diags, level, doc->file, doc->shown, doc->len, offset, "%s",
		 message ? message : fmt);
}

void node_error(const struct node *n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(n, DIAG_ERROR, n->span.at, fmt, args);
	va_end(args);
}

void node_error_key(const struct node *n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(n, DIAG_ERROR, n->span.key, fmt, args);
	va_end(args);
}

void node_error_at(const struct node *n, size_t offset, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(n, DIAG_ERROR, json_string_offset(n->doc->text, n->span, offset), fmt, args);
	va_end(args);
}

void node_warning(const struct node *n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(n, DIAG_WARNING, n->span.key, fmt, args);
	va_end(args);
}

void node_warning_at(const struct node *n, size_t offset, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(n, DIAG_WARNING, json_string_offset(n->doc->text, n->span, offset), fmt, args);
	va_end(args);
}

const char *node_source(const struct node *n, size_t *ret_len)
{
	*ret_len = n->span.len;
	return n->doc->text + n->span.at;
}

unsigned node_line(const struct node *n)
{
	struct place *last = n->doc->last;
	const char *end = n->doc->text + n->span.key, *at;

	if (n->span.key < last->offset)
		*last = (struct place){ 0, 0 };
	at = n->doc->text + last->offset;
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		last->line++;
	}
	last->offset = n->span.key;
	return last->line + 1;
}

const char *node_file(const struct node *n)
{
	return n->doc->file;
}

const char *node_key(const struct node *n)
{
	return n->item->string;
}

static void wrong_type(const struct node *n, const char *expected)
{
	const char *found = cJSON_IsObject(n->item)   ? "an object"
			    : cJSON_IsArray(n->item)  ? "a list"
			    : cJSON_IsString(n->item) ? "a string"
			    : cJSON_IsNumber(n->item) ? "a number"
			    : cJSON_IsNull(n->item)   ? "null"
						      : "a boolean";

	node_error(n, "found %s; expected %s", found, expected);
}

/* --- values ---------------------------------------------------------------------------------- */

bool node_is_string(const struct node *n)
{
	return cJSON_IsString(n->item);
}

bool node_is_object(const struct node *n)
{
	return cJSON_IsObject(n->item);
}

bool node_expect_object(const struct node *n)
{
	if (!cJSON_IsObject(n->item))
		wrong_type(n, "an object in { }");
	return cJSON_IsObject(n->item);
}

const char *node_text(const struct node *n)
{
	if (!cJSON_IsString(n->item))
		wrong_type(n, "a string");
	return cJSON_GetStringValue(n->item);
}

bool node_number(const struct node *n, double *ret_number)
{
	if (!cJSON_IsNumber(n->item)) {
		wrong_type(n, "a number");
		return false;
	}
	if (!isfinite(n->item->valuedouble)) {
		node_error(n, "this number is too large");
		return false;
	}
	*ret_number = n->item->valuedouble;
	return true;
}

static bool whole_number(const struct node *n, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	double number;

	if (!node_number(n, &number))
		return false;
	if (number != floor(number) || number < (double)min || number > (double)max) {
		node_error(n, "found %.15g; expected a whole number from %llu to %llu", number,
			   (unsigned long long)min, (unsigned long long)max);
		return false;
	}
	*ret_number = (uint64_t)number;
	return true;
}

bool node_choice(const struct node *n, const char *what, const char *const *names, size_t n_names,
		 size_t *ret_choice)
{
	AUTO_FREE char *hint = NULL;
	const char *text = node_text(n);

	for (size_t i = 0; text && i < n_names; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_choice = i;
			return true;
		}
	}
	if (text) {
		hint = suggest(text, names, n_names);
		node_error(n, "unknown %s \"%s\"%s", what, text, hint);
	}
	return false;
}

/* --- objects and lists ----------------------------------------------------------------------- */

struct collector {
	const struct json_doc *doc;
	const cJSON *item; /* the one whose place comes next */
	struct node *nodes;
	unsigned n;
};

static void collect(void *ctx, const char *key, size_t key_len, struct json_span span)
{
	struct collector *c = ctx;

	(void)key;
	(void)key_len;
	if (!c->item)
		return;
	c->nodes[c->n++] = (struct node){ .doc = c->doc, .item = c->item, .span = span };
	c->item = c->item->next;
}

/* All elements or members; the caller frees the array. */
static struct node *children(const struct node *n, unsigned *ret_n)
{
	struct collector c = { .doc = n->doc, .item = n->item->child };

	c.nodes = xcalloc((size_t)cJSON_GetArraySize(n->item), sizeof(*c.nodes));
	json_each(n->doc->text, n->doc->len, n->span, collect, &c);
	*ret_n = c.n;
	return c.nodes;
}

struct node *node_list(const struct node *n, unsigned min, unsigned max, unsigned *ret_n)
{
	unsigned found = (unsigned)cJSON_GetArraySize(n->item);

	*ret_n = 0;
	if (!cJSON_IsArray(n->item)) {
		wrong_type(n, "a list in [ ]");
		return NULL;
	}
	if (found < min || found > max) {
		node_error(n, "found a list of %u; expected a list of %u to %u", found, min, max);
		return NULL;
	}
	return children(n, ret_n);
}

static void report_duplicates(const struct node *nodes, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(node_key(&nodes[i]), node_key(&nodes[j])) == 0) {
				node_error_key(&nodes[i], "duplicate key \"%s\"",
					       node_key(&nodes[i]));
				break;
			}
		}
	}
}

struct node *node_map(const struct node *n, unsigned max, unsigned *ret_n)
{
	unsigned found = (unsigned)cJSON_GetArraySize(n->item);
	struct node *nodes;

	*ret_n = 0;
	if (!node_expect_object(n))
		return NULL;
	if (found > max) {
		node_error(n, "found %u keys; allowed are %u", found, max);
		return NULL;
	}
	nodes = children(n, ret_n);
	report_duplicates(nodes, *ret_n);
	return nodes;
}

bool node_member(const struct node *n, const char *key, struct node *ret_member)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = NULL;

	if (!cJSON_GetObjectItemCaseSensitive(n->item, key))
		return false;
	nodes = children(n, &n_nodes);
	while (n_nodes-- > 0) {
		if (strcmp(node_key(&nodes[n_nodes]), key) == 0) {
			*ret_member = nodes[n_nodes];
			return true;
		}
	}
	return false;
}

/* --- reading by tables ----------------------------------------------------------------------- */

static void unknown_key(const struct node *n, const struct member *table, size_t n_table)
{
	AUTO_FREE const char **names = xcalloc(n_table, sizeof(*names));
	AUTO_FREE char *hint = NULL;
	size_t n_names = 0;

	for (size_t i = 0; i < n_table; i++)
		if (!table[i].refused)
			names[n_names++] = table[i].key;
	hint = suggest(node_key(n), names, n_names);
	node_error_key(n, "unknown key \"%s\"%s", node_key(n), hint);
}

/* Finds for each row of the table the node with its key, and reports all other nodes. */
static void match_members(const struct node *nodes, unsigned n, const struct member *table,
			  size_t n_table, const struct node **ret_found)
{
	for (unsigned i = 0; i < n; i++) {
		size_t row = 0;

		while (row < n_table && strcmp(table[row].key, node_key(&nodes[i])) != 0)
			row++;
		if (row == n_table) {
			unknown_key(&nodes[i], table, n_table);
			continue;
		}
		if (ret_found[row])
			node_error_key(&nodes[i], "duplicate key \"%s\"", table[row].key);
		ret_found[row] = &nodes[i];
	}
}

void node_read(const struct node *n, const struct member *table, size_t n_table, void *target)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = NULL;
	AUTO_FREE const struct node **found = NULL;

	if (!node_expect_object(n))
		return;
	nodes = children(n, &n_nodes);
	found = xcalloc(n_table, sizeof(const struct node *));
	match_members(nodes, n_nodes, table, n_table, found);
	for (size_t i = 0; i < n_table; i++) {
		struct node member;

		if (!found[i] && table[i].required)
			node_error(n, "missing key \"%s\"", table[i].key);
		if (!found[i] || !table[i].read)
			continue;
		member = *found[i];
		member.member = &table[i];
		table[i].read(&member, (char *)target + table[i].offset);
	}
}

void node_read_text(const struct node *n, void *target)
{
	const char *text = node_text(n);
	char **ret_text = target;

	if (!text)
		return;
	free(*ret_text);
	*ret_text = xstrdup(text);
}

void node_read_duration(const struct node *n, void *target)
{
	CLEANUP(buf_fini) struct buf range = { 0 };
	const struct member *m = n->member;
	uint64_t ns;

	if (!cJSON_IsString(n->item)) {
		wrong_type(n, "a duration with a unit such as \"30s\"");
	} else if (!duration_parse(n->item->valuestring, &ns)) {
		node_error(n, "\"%s\" is no duration; write a number and a unit such as \"30s\"",
			   n->item->valuestring);
	} else if (ns < m->min || ns > m->max) {
		if (m->min)
			duration_format(&range, m->min);
		buf_adds(&range, m->min ? " to " : "up to ");
		duration_format(&range, m->max);
		node_error(n, "\"%s\" is out of range; allowed is %s", n->item->valuestring,
			   buf_str(&range));
	} else {
		*(uint64_t *)target = ns;
	}
}

void node_read_u64(const struct node *n, void *target)
{
	(void)whole_number(n, n->member->min, n->member->max, target);
}

void node_read_unsigned(const struct node *n, void *target)
{
	uint64_t number;

	if (whole_number(n, n->member->min, n->member->max, &number))
		*(unsigned *)target = (unsigned)number;
}

void node_read_bool(const struct node *n, void *target)
{
	if (cJSON_IsBool(n->item))
		*(bool *)target = cJSON_IsTrue(n->item);
	else
		wrong_type(n, "true or false");
}

void node_read_node(const struct node *n, void *target)
{
	*(struct node *)target = *n;
}
