/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recursive descent that builds nothing. cJSON would take some texts that are not JSON (raw line
 * breaks in strings, 01) and says of the others only where it stopped; what it is given has passed
 * here.
 */
#include "rule/json_syntax.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"

#define NUMBER_MAX 60 /* characters; cJSON before 1.7.19 reads no more than 63 */

struct syntax {
	const char *text;
	size_t len;
	size_t at;
	size_t last; /* last byte of what was read last */
	unsigned depth;
	size_t error_at;
	char *error;
};

static PRINTF(3, 4) bool fail(struct syntax *s, size_t at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&s->error, fmt, args) < 0)
		s->error = NULL;
	va_end(args);
	s->error_at = at;
	return false;
}

/* The byte at hand; -1 at the end of the text. */
static int peek(const struct syntax *s)
{
	return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

/* The byte after the blanks at hand. */
static int next(struct syntax *s)
{
	while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\r' || peek(s) == '\n')
		s->at++;
	return peek(s);
}

static bool expected(struct syntax *s, size_t at, const char *what)
{
	const char *found = s->text + s->at;
	int c = peek(s);

	if (c < 0)
		return fail(s, at, "expected %s; the file ends here", what);
	if (c == '/' || c == '#')
		return fail(s, at, "found '%c'; expected %s (JSON has no comments)", c, what);
	if (c == '\'')
		return fail(s, at, "found a single quote; JSON takes double quotes");
	if (c == '\n' || c == '\r')
		return fail(s, at, "expected %s; the line ends here", what);
	return fail(s, at, "found '%.*s'; expected %s", (int)utf8_length(found, s->len - s->at),
		    found, what);
}

static bool read_hex4(struct syntax *s, unsigned *ret_code)
{
	char digits[5] = { 0 };

	for (unsigned i = 0; i < 4; i++, s->at++) {
		if (!isxdigit(peek(s)))
			return false;
		digits[i] = (char)peek(s);
	}
	*ret_code = (unsigned)strtoul(digits, NULL, 16);
	return true;
}

/* Behind "\u". */
static bool read_unicode_escape(struct syntax *s, size_t start)
{
	unsigned code, low = 0;

	if (!read_hex4(s, &code))
		return fail(s, start, "\\u needs four hexadecimal digits");
	if (code == 0)
		return fail(s, start, "\\u0000 is not allowed");
	if (code < 0xd800 || code > 0xdfff)
		return true;
	if (code < 0xdc00 && s->len - s->at >= 6 && memcmp(s->text + s->at, "\\u", 2) == 0) {
		s->at += 2;
		if (read_hex4(s, &low) && low >= 0xdc00 && low <= 0xdfff)
			return true;
	}
	return fail(s, start, "half a surrogate pair, which is no character");
}

static bool read_escape(struct syntax *s)
{
	size_t start = s->at++;
	int c = peek(s);

	if (c <= 0 || !strchr("\"\\/bfnrtu", c))
		return fail(s, start, "no such escape; write \\\\ for a backslash");
	s->at++;
	return c != 'u' || read_unicode_escape(s, start);
}

static bool read_string(struct syntax *s)
{
	size_t start = s->at++;

	while (peek(s) != '"') {
		if (peek(s) < 0 || peek(s) == '\n' || peek(s) == '\r')
			return fail(s, start, "this string has no closing quote on its line");
		if (peek(s) < 0x20)
			return fail(s, s->at, "control character in a string; write it as \\u%04x",
				    (unsigned)peek(s));
		if (peek(s) != '\\')
			s->at++;
		else if (!read_escape(s))
			return false;
	}
	s->last = s->at++;
	return true;
}

static bool read_digits(struct syntax *s)
{
	if (!isdigit(peek(s)))
		return expected(s, s->at, "a digit");
	while (isdigit(peek(s)))
		s->at++;
	return true;
}

static bool read_number(struct syntax *s)
{
	size_t start = s->at;

	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (!read_digits(s))
		return false;
	if (peek(s) == '.') {
		s->at++;
		if (!read_digits(s))
			return false;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (!read_digits(s))
			return false;
	}
	if (s->at - start > NUMBER_MAX)
		return fail(s, start, "a number of over %d characters", NUMBER_MAX);
	s->last = s->at - 1;
	return true;
}

static bool read_word(struct syntax *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (s->len - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
			s->at += n;
			s->last = s->at - 1;
			return true;
		}
	}
	return expected(s, s->at, s->depth ? "a value" : "JSON, such as an object in { }");
}

static bool read_value(struct syntax *s);

static bool read_element(struct syntax *s)
{
	next(s);
	return read_value(s);
}

static bool read_member(struct syntax *s)
{
	if (next(s) != '"')
		return expected(s, s->at, "a key in double quotes");
	if (!read_string(s))
		return false;
	if (next(s) != ':')
		return expected(s, s->last, "':' after this key");
	s->at++;
	return read_element(s);
}

/* Brackets with nothing in them, or with items that have commas between them. */
static bool read_items(struct syntax *s, char close, bool (*read_item)(struct syntax *s))
{
	bool empty;

	s->at++;
	empty = next(s) == close;
	while (!empty) {
		if (!read_item(s))
			return false;
		if (next(s) != ',')
			break;
		s->at++;
	}
	if (peek(s) != close && s->text[s->last] == '"' && isalnum(peek(s)))
		return expected(
			s, s->last,
			"',' or the end of this list or object; in a text, \" is written as "
			"\\\" or '");
	if (peek(s) != close)
		return expected(s, s->last,
				close == '}' ? "',' or '}' after this" : "',' or ']' after this");
	s->last = s->at++;
	return true;
}

static bool read_nested(struct syntax *s)
{
	bool ok;

	if (s->depth == JSON_DEPTH_MAX)
		return fail(s, s->at, "nested over %d deep", JSON_DEPTH_MAX);
	s->depth++;
	ok = peek(s) == '{' ? read_items(s, '}', read_member) : read_items(s, ']', read_element);
	s->depth--;
	return ok;
}

static bool read_value(struct syntax *s)
{
	switch (peek(s)) {
	case '{':
	case '[':
		return read_nested(s);
	case '"':
		return read_string(s);
	case '-':
	case '0' ... '9':
		return read_number(s);
	default:
		return read_word(s);
	}
}

static bool check_utf8(struct syntax *s)
{
	for (size_t at = 0, n; at < s->len; at += n) {
		n = utf8_length(s->text + at, s->len - at);
		if (n == 0)
			return fail(s, at, "byte 0x%02x is not UTF-8", (unsigned char)s->text[at]);
	}
	return true;
}

bool json_syntax_check(const char *text, size_t len, size_t *ret_offset, char **ret_message)
{
	struct syntax s = { .text = text, .len = len };

	if (check_utf8(&s) && read_element(&s) &&
	    (next(&s) < 0 || expected(&s, s.at, "the end of the file")))
		return true;
	*ret_offset = s.error_at;
	*ret_message = s.error;
	return false;
}
