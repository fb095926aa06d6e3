/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages are rendered when they are added, so nothing of the input has to stay. Whatever comes
 * from the input goes through add_visible(): a hostile file cannot send escape sequences to the
 * terminal, nor break a message into two lines.
 */
#include "util/diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/utf8.h"

#define LINE_WIDTH    100 /* characters of a source line that are shown */
#define LEFT_OF	      60  /* of these, before the caret in a line that is cut */
#define MESSAGE_MAX   1000
#define FILE_NAME_MAX 300

struct diags {
	char *messages[DIAG_MAX];
	unsigned n;
	unsigned errors;
	unsigned warnings;
};

/* The part of a source line around the place a message is about. */
struct excerpt {
	const char *line; /* the whole line, without its end */
	size_t len;
	size_t at; /* byte in the line */
	unsigned number;
	size_t column; /* characters before `at` */
};

struct diags *diags_new(void)
{
	return xcalloc(1, sizeof(struct diags));
}

void diags_free(struct diags *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->n; i++)
		free(d->messages[i]);
	free(d);
}

/* Characters that print nothing, move the cursor or turn the direction of the text. */
static bool is_unsafe(const char *s, size_t len)
{
	const unsigned char *c = (const unsigned char *)s;

	if (len == 1)
		return c[0] < 0x20 || c[0] == 0x7f;
	if (len == 2)
		return c[0] == 0xc2 && c[1] < 0xa0; /* U+0080 to U+009F */
	if (len == 3 && c[0] == 0xe2)
		return (c[1] == 0x80 &&
			(c[2] <= 0x8f ? c[2] >= 0x8b : c[2] >= 0xa8 && c[2] <= 0xae)) ||
		       (c[1] == 0x81 && c[2] >= 0xa0 && c[2] <= 0xaf);
	return len == 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0;
}

/* Adds at most `max` characters of text, one column each. Returns the bytes taken. */
static size_t add_visible(struct buf *out, const char *s, size_t len, size_t max)
{
	size_t at = 0;

	for (; at < len && max > 0; max--) {
		size_t n = utf8_length(s + at, len - at);

		if (s[at] == '\t')
			buf_addc(out, ' ');
		else if (n == 0 || is_unsafe(s + at, n))
			buf_addc(out, '?');
		else
			buf_add(out, s + at, n);
		at += n ? n : 1;
	}
	return at;
}

static size_t count_characters(const char *s, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at < len; count++)
		at += utf8_prefix(s + at, len - at, 1);
	return count;
}

static struct excerpt excerpt_at(const char *text, size_t len, size_t offset)
{
	struct excerpt e = { .number = 1 };
	size_t start = 0;
	const char *end;

	if (offset > len)
		offset = len;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			e.number++;
			start = i + 1;
		}
	}
	end = memchr(text + offset, '\n', len - offset);
	e.line = text + start;
	e.len = (end ? (size_t)(end - text) : len) - start;
	e.at = offset - start;
	if (e.len > e.at && e.line[e.len - 1] == '\r')
		e.len--;
	e.column = count_characters(e.line, e.at);
	return e;
}

/* Bytes of the quoted text at s, or 1 for a quote that rather ends one. */
static size_t quoted_length(const char *s, size_t len)
{
	size_t n = 1;

	if (len < 2 || strchr(" \t,:)]}", s[1]))
		return 1;
	while (n < len && s[n] != s[0])
		n += s[n] == '\\' ? 2 : 1;
	return n < len ? n + 1 : len;
}

/* Bytes of the word or the quoted text at s. */
static size_t token_length(const char *s, size_t len)
{
	size_t n = 0;

	if (len > 0 && (s[0] == '"' || s[0] == '\''))
		return quoted_length(s, len);
	while (n < len && (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.'))
		n++;
	return n;
}

static void add_excerpt(struct buf *out, const struct excerpt *e)
{
	size_t cut = e->column > LINE_WIDTH - 20 ? e->column - LEFT_OF : 0;
	size_t from = utf8_prefix(e->line, e->len, cut);
	size_t token = token_length(e->line + e->at, e->len - e->at);
	size_t shown, marks;

	if (cut)
		buf_adds(out, "...");
	shown = add_visible(out, e->line + from, e->len - from, LINE_WIDTH);
	buf_adds(out, from + shown < e->len ? "...\n" : "\n");

	marks = count_characters(e->line + e->at, token);
	if (marks > LINE_WIDTH - (e->column - cut))
		marks = LINE_WIDTH - (e->column - cut);
	buf_addf(out, "%*s^", (int)(e->column - cut + (cut ? 3 : 0)), "");
	while (marks-- > 1)
		buf_addc(out, '~');
	buf_addc(out, '\n');
}

static bool is_blank(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isspace((unsigned char)s[i]))
			return false;
	return true;
}

static char *render(enum diag_level level, const char *file, const struct excerpt *e,
		    const char *message)
{
	struct buf out = { 0 };
	size_t len = strlen(message);

	add_visible(&out, file, strlen(file), FILE_NAME_MAX);
	if (e)
		buf_addf(&out, ":%u:%zu", e->number, e->column + 1);
	buf_adds(&out, level == DIAG_ERROR ? ": error: " : ": warning: ");
	if (add_visible(&out, message, len, MESSAGE_MAX) < len)
		buf_adds(&out, "...");
	buf_addc(&out, '\n');
	if (e && !is_blank(e->line, e->len))
		add_excerpt(&out, e);
	return buf_steal(&out);
}

void diag_add(struct diags *d, enum diag_level level, const char *file, const char *text,
	      size_t len, size_t offset, const char *fmt, ...)
{
	AUTO_FREE char *message = NULL;
	struct excerpt e;
	va_list args;

	if (level == DIAG_ERROR)
		d->errors++;
	else
		d->warnings++;
	if (d->n == DIAG_MAX)
		return;
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	if (text)
		e = excerpt_at(text, len, offset);
	d->messages[d->n++] = render(level, file, text ? &e : NULL, message ? message : fmt);
}

unsigned diags_errors(const struct diags *d)
{
	return d->errors;
}

unsigned diags_warnings(const struct diags *d)
{
	return d->warnings;
}

void diags_print(const struct diags *d, FILE *out)
{
	unsigned more = d->errors + d->warnings - d->n;

	for (unsigned i = 0; i < d->n; i++)
		fputs(d->messages[i], out);
	if (more)
		fprintf(out, "%u more message%s not shown\n", more, more == 1 ? "" : "s");
}
