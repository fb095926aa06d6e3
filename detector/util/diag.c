/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages are rendered when they are added, so nothing of the input has to stay. Whatever comes
 * from the input goes through printable_add(): a hostile file cannot send escape sequences to the
 * terminal, nor break a message into two lines.
 */
#include "util/diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/printable.h"
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
	size_t column; /* of `at`, from 1 */
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

static size_t count_characters(const char *s, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at < len; count++)
		at += (unsigned char)s[at] < 0x80 ? 1 : utf8_prefix(s + at, len - at, 1);
	return count;
}

static struct excerpt excerpt_at(const char *text, size_t len, size_t offset)
{
	struct excerpt e = { .line = text, .number = 1 };
	const char *place, *end;

	if (offset > len)
		offset = len;
	place = text + offset;
	while ((end = memchr(e.line, '\n', (size_t)(place - e.line)))) {
		e.number++;
		e.line = end + 1;
	}
	end = memchr(place, '\n', len - offset);
	e.len = (size_t)((end ? end : text + len) - e.line);
	e.at = (size_t)(place - e.line);
	if (e.len > e.at && e.line[e.len - 1] == '\r')
		e.len--;
	e.column = 1 + count_characters(e.line, e.at);
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

/* Where in the line the shown part starts: a line is cut so that LEFT_OF characters are left before
 * the place. */
static size_t cut_of(const struct excerpt *e)
{
	size_t near, before;

	if (e->column <= LINE_WIDTH - 19)
		return 0;
	/* as many bytes as the characters can have, and the rest of one that this falls into */
	near = e->at > 4 * LEFT_OF ? e->at - 4 * LEFT_OF : 0;
	while (near < e->at && (e->line[near] & 0xc0) == 0x80)
		near++;
	before = count_characters(e->line + near, e->at - near);
	return before > LEFT_OF ? near + utf8_prefix(e->line + near, e->at - near, before - LEFT_OF)
				: near;
}

static void add_excerpt(struct buf *out, const struct excerpt *e)
{
	size_t from = cut_of(e);
	size_t left = count_characters(e->line + from, e->at - from);
	size_t rest = e->len - e->at < 4 * LINE_WIDTH ? e->len - e->at : 4 * LINE_WIDTH;
	size_t marks = count_characters(e->line + e->at, token_length(e->line + e->at, rest));
	size_t shown;

	if (from)
		buf_adds(out, "...");
	shown = printable_add(out, e->line + from, e->len - from, LINE_WIDTH, "?");
	buf_adds(out, from + shown < e->len ? "...\n" : "\n");

	if (marks > LINE_WIDTH - left)
		marks = LINE_WIDTH - left;
	buf_addf(out, "%*s^", (int)(left + (from ? 3 : 0)), "");
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

	(void)printable_add(&out, file, strlen(file), FILE_NAME_MAX, "?");
	if (e)
		buf_addf(&out, ":%u:%zu", e->number, e->column);
	buf_adds(&out, level == DIAG_ERROR ? ": error: " : ": warning: ");
	if (printable_add(&out, message, len, MESSAGE_MAX, "?") < len)
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
		fprintf(out, "%u more message%s not shown\n", more, plural(more));
}
