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
	size_t offset; /* in the text of the template */
	char *text;    /* what to write, or the path with its dots */
	size_t len;
};

struct template
{
	struct piece *pieces;
	size_t n;
	size_t n_paths;
};

/* --- parsing --------------------------------------------------------------------------------- */

static void add_piece(struct template *t, bool is_path, const char *text, size_t offset, size_t len)
{
	if (len == 0)
		return;
	t->pieces = xrealloc(t->pieces, t->n + 1, sizeof(*t->pieces));
	t->pieces[t->n++] = (struct piece){
		.is_path = is_path,
		.offset = offset,
		.text = xstrndup(text + offset, len),
		.len = len,
	};
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

static bool find_below(const char *doc, size_t doc_len, const char *parent, const char *path,
		       struct json_span *ret_span)
{
	char json_path[PATH_LEN_MAX + 32];

	(void)snprintf(json_path, sizeof(json_path), "%s%s", parent, path);
	for (char *dot = json_path; (dot = strchr(dot, '.'));)
		*dot = '/';
	return json_find(doc, doc_len, json_path, ret_span);
}

static bool find(const char *doc, size_t doc_len, const char *path, struct json_span *ret_span)
{
	if (find_below(doc, doc_len, "", path, ret_span))
		return true;
	return !strchr(path, '.') && (find_below(doc, doc_len, "event/", path, ret_span) ||
				      find_below(doc, doc_len, "process/", path, ret_span) ||
				      find_below(doc, doc_len, "key/", path, ret_span));
}

static void escape_slack(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '&')
			buf_adds(out, "&amp;");
		else if (s[i] == '<')
			buf_adds(out, "&lt;");
		else if (s[i] == '>')
			buf_adds(out, "&gt;");
		else
			buf_addc(out, s[i]);
	}
}

static void add_value(struct buf *out, const char *doc, struct json_span span,
		      enum template_escape escape)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (span.len == 4 && memcmp(doc + span.at, "null", 4) == 0)
		buf_adds(&text, "none");
	else
		json_span_text(doc, span, &text);
	switch (escape) {
	case ESCAPE_NONE:
		buf_add(out, buf_str(&text), text.len);
		break;
	case ESCAPE_JSON:
		json_escape(out, buf_str(&text), text.len);
		break;
	case ESCAPE_SLACK:
		escape_slack(out, buf_str(&text), text.len);
	}
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
	unsigned missing = 0;

	*ret_missing = NULL;
	for (size_t i = 0; i < t->n && text.len <= TEMPLATE_OUTPUT_MAX; i++) {
		const struct piece *piece = &t->pieces[i];
		struct json_span span;

		if (!piece->is_path) {
			buf_add(&text, piece->text, piece->len);
		} else if (find(doc, doc_len, piece->text, &span)) {
			add_value(&text, doc, span, escape);
		} else {
			buf_addf(&text, "{{%s}}", piece->text);
			if (missing++ == 0)
				*ret_missing = piece->text;
		}
	}
	add_bounded(out, &text);
	return missing;
}

long template_missing_at(const struct template *t, const char *doc, size_t doc_len,
			 const char **ret_missing)
{
	struct json_span span;

	*ret_missing = NULL;
	for (size_t i = 0; i < t->n; i++) {
		const struct piece *piece = &t->pieces[i];

		if (piece->is_path && !find(doc, doc_len, piece->text, &span)) {
			*ret_missing = piece->text;
			return (long)piece->offset;
		}
	}
	return -1;
}
