/* SPDX-License-Identifier: BSD-2-Clause */
/* A template is a row of pieces, each a text that stands for itself or a path. */
#include "rule/template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/json_scan.h"

#define PATH_LEN_MAX 128
#define PATHS_MAX    256 /* each is looked for in the whole document */

struct piece {
	bool is_path;
	bool quoted;   /* a path between the quotes of a JSON string */
	size_t offset; /* in the text of the template */
	char *text;    /* what to write, or the path with its dots */
	size_t len;
};

struct template
{
	struct piece *pieces;
	size_t n;
	size_t n_paths;
	bool quoted; /* at the end of what is parsed so far */
};

/* --- parsing --------------------------------------------------------------------------------- */

/* Is the end of the text between the quotes of a JSON string, if its start is so or not? */
static bool ends_quoted(bool quoted, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (text[i] == '\\' && quoted)
			i++;
	}
	return quoted;
}

static void add_piece(struct template *t, bool is_path, const char *text, size_t offset, size_t len)
{
	if (len == 0)
		return;
	t->pieces = xrealloc(t->pieces, t->n + 1, sizeof(*t->pieces));
	t->pieces[t->n++] = (struct piece){
		.is_path = is_path,
		.quoted = t->quoted,
		.offset = offset,
		.text = xstrndup(text + offset, len),
		.len = len,
	};
	if (!is_path)
		t->quoted = ends_quoted(t->quoted, text + offset, len);
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Bytes of the path at s: names with single dots between. */
static size_t path_length(const char *s)
{
	size_t n = 0;

	while (is_name(s[n]) || (n > 0 && s[n] == '.' && is_name(s[n + 1])))
		n++;
	return n;
}

/* Adds the path in the braces that open at offset. Returns the offset behind them, or 0 with the
 * outputs written. */
static size_t parse_path(struct template *t, const char *text, size_t offset, size_t *ret_offset,
			 const char **ret_message)
{
	size_t start = offset + 2 + strspn(text + offset + 2, " \t\r\n");
	size_t len = path_length(text + start);
	size_t end = start + len + strspn(text + start + len, " \t\r\n");

	if (len > 0 && len <= PATH_LEN_MAX && strncmp(text + end, "}}", 2) == 0 &&
	    t->n_paths++ < PATHS_MAX) {
		add_piece(t, true, text, start, len);
		return end + 2;
	}
	*ret_offset = offset;
	if (!strstr(text + offset, "}}")) {
		*ret_message = "\"{{\" without \"}}\"; \"{{{{\" stands for the braces themselves";
	} else if (len > PATH_LEN_MAX) {
		*ret_message = "name of over 128 bytes; that is the limit";
	} else if (t->n_paths > PATHS_MAX) {
		*ret_message = "more than 256 names; that is the limit";
	} else {
		*ret_offset = end;
		*ret_message = "no name such as {{pid}} or {{baseline.center}}; allowed are "
			       "letters, digits, _ - and single dots";
	}
	return 0;
}

struct template *template_parse(const char *text, size_t *ret_offset, const char **ret_message)
{
	struct template *t = xcalloc(1, sizeof(*t));
	size_t at = 0;

	for (;;) {
		const char *open = strstr(text + at, "{{");
		size_t offset = open ? (size_t)(open - text) : strlen(text);

		if (open && strncmp(open, "{{{{", 4) == 0) {
			add_piece(t, false, text, at, offset + 2 - at);
			at = offset + 4;
			continue;
		}
		add_piece(t, false, text, at, offset - at);
		if (!open)
			return t;
		at = parse_path(t, text, offset, ret_offset, ret_message);
		if (at == 0) {
			template_free(t);
			return NULL;
		}
	}
}

void template_free(struct template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->pieces[i].text);
	free(t->pieces);
	free(t);
}

/* --- rendering ------------------------------------------------------------------------------- */

/* A document, and where in it single names are looked up, in this order. */
struct lookup {
	const char *doc;
	size_t len;
	struct json_span sections[3]; /* of length 0 if the document has none such */
};

static struct lookup lookup_in(const char *doc, size_t len)
{
	static const char *const names[] = { "event", "process", "key" };
	struct lookup l = { .doc = doc, .len = len };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)json_find(doc, len, names[i], &l.sections[i]);
	return l;
}

static bool find(const struct lookup *l, const char *path, struct json_span *ret_span)
{
	char json_path[PATH_LEN_MAX + 1];

	(void)snprintf(json_path, sizeof(json_path), "%s", path);
	for (char *dot = json_path; (dot = strchr(dot, '.'));)
		*dot = '/';
	if (json_find(l->doc, l->len, json_path, ret_span))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(l->sections) && !strchr(path, '.'); i++) {
		size_t at = l->sections[i].at;

		if (json_find(l->doc + at, l->sections[i].len, path, ret_span)) {
			ret_span->key += at;
			ret_span->at += at;
			return true;
		}
	}
	return false;
}

static void add_value(const struct piece *piece, const char *doc, struct json_span span,
		      enum template_escape escape, struct buf *out)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	bool as_json = escape == ESCAPE_JSON && !piece->quoted && doc[span.at] != '"';

	if (!as_json && span.len == 4 && memcmp(doc + span.at, "null", 4) == 0)
		buf_adds(&text, "none");
	else
		json_span_text(doc, span, &text);
	if (escape == ESCAPE_JSON && !as_json)
		json_escape(out, buf_str(&text), text.len);
	else
		buf_add(out, buf_str(&text), text.len);
}

/* False if the document does not have the piece's path. */
static bool render_piece(const struct piece *piece, const struct lookup *l,
			 enum template_escape escape, struct buf *out)
{
	struct json_span span;

	if (!piece->is_path) {
		buf_add(out, piece->text, piece->len);
		return true;
	}
	if (find(l, piece->text, &span)) {
		add_value(piece, l->doc, span, escape, out);
		return true;
	}
	if (escape == ESCAPE_JSON && !piece->quoted)
		buf_adds(out, "null");
	else
		buf_addf(out, "{{%s}}", piece->text);
	return false;
}

/* Adds the text to out, cut before the character that goes over the limit. */
static void add_bounded(struct buf *out, const struct buf *text)
{
	size_t len = text->len;

	if (len > TEMPLATE_OUTPUT_MAX) {
		len = TEMPLATE_OUTPUT_MAX;
		while (len > TEMPLATE_OUTPUT_MAX - 3 && (text->data[len] & 0xc0) == 0x80)
			len--;
	}
	buf_add(out, buf_str(text), len);
}

unsigned template_render(const struct template *t, const char *doc, size_t doc_len,
			 enum template_escape escape, struct buf *out, const char **ret_missing)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	const struct lookup l = lookup_in(doc, doc_len);
	unsigned missing = 0;

	*ret_missing = NULL;
	for (size_t i = 0; i < t->n && text.len <= TEMPLATE_OUTPUT_MAX; i++)
		if (!render_piece(&t->pieces[i], &l, escape, &text) && missing++ == 0)
			*ret_missing = t->pieces[i].text;
	if (escape == ESCAPE_NONE || text.len <= TEMPLATE_OUTPUT_MAX)
		add_bounded(out, &text);
	return missing;
}

size_t template_source_of(const struct template *t, const char *doc, size_t doc_len,
			  enum template_escape escape, size_t at)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	const struct lookup l = lookup_in(doc, doc_len);

	for (size_t i = 0; i < t->n; i++) {
		const struct piece *piece = &t->pieces[i];
		size_t start = text.len;

		(void)render_piece(piece, &l, escape, &text);
		if (text.len > at)
			return piece->offset + (piece->is_path ? 0 : at - start);
	}
	return t->n ? t->pieces[t->n - 1].offset + t->pieces[t->n - 1].len : 0;
}

long template_path_at(const struct template *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->pieces[i].is_path && strcmp(t->pieces[i].text, path) == 0)
			return (long)t->pieces[i].offset;
	return -1;
}

long template_missing_at(const struct template *t, const char *doc, size_t doc_len,
			 const char **ret_missing)
{
	const struct lookup l = lookup_in(doc, doc_len);
	struct json_span span;

	*ret_missing = NULL;
	for (size_t i = 0; i < t->n; i++) {
		const struct piece *piece = &t->pieces[i];

		if (piece->is_path && !find(&l, piece->text, &span)) {
			*ret_missing = piece->text;
			return (long)piece->offset;
		}
	}
	return -1;
}
