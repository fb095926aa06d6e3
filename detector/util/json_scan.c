/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over the text that skips values by their brackets and quotes and follows a path on the
 * way. It is no validator: numbers and literals are any run of their characters. Nesting is bounded
 * by DEPTH_MAX; the text is not required to end with a NUL.
 */
#include "util/json_scan.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 128

struct scan {
	const char *text;
	size_t len;
	size_t at;
	unsigned depth;
	bool found;
	struct json_span span; /* where the path led last */
};

static void skip_space(struct scan *s)
{
	while (s->at < s->len && s->text[s->at] && strchr(" \t\r\n", s->text[s->at]))
		s->at++;
}

/* Moves over c and what blanks are before it. */
static bool accept(struct scan *s, char c)
{
	skip_space(s);
	if (s->at == s->len || s->text[s->at] != c)
		return false;
	s->at++;
	return true;
}

static bool skip_string(struct scan *s)
{
	if (!accept(s, '"'))
		return false;
	while (s->at < s->len && s->text[s->at] != '"')
		s->at += s->text[s->at] == '\\' ? 2 : 1;
	if (s->at >= s->len) {
		s->at = s->len;
		return false;
	}
	s->at++;
	return true;
}

static bool skip_scalar(struct scan *s)
{
	size_t start = s->at;

	while (s->at < s->len && (isalnum((unsigned char)s->text[s->at]) || s->text[s->at] == '+' ||
				  s->text[s->at] == '-' || s->text[s->at] == '.'))
		s->at++;
	return s->at > start;
}

/* --- strings --------------------------------------------------------------------------------- */

static bool hex4(const char *s, size_t len, uint32_t *ret)
{
	uint32_t v = 0;

	if (len < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return false;
		v = v << 4 | (uint32_t)(isdigit((unsigned char)s[i]) ? s[i] - '0'
								     : (s[i] | 0x20) - 'a' + 10);
	}
	*ret = v;
	return true;
}

static size_t utf8_write(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Reads the \u escape at s, or the two of a surrogate pair; half a pair is U+FFFD. */
static size_t unicode_escape(const char *s, size_t len, char out[4], size_t *ret_n)
{
	uint32_t high, low;

	if (!hex4(s + 2, len - 2, &high)) {
		out[0] = s[0];
		*ret_n = 1;
		return 1;
	}
	if (high >= 0xd800 && high < 0xdc00 && len >= 12 && s[6] == '\\' && s[7] == 'u' &&
	    hex4(s + 8, 4, &low) && low >= 0xdc00 && low < 0xe000) {
		*ret_n = utf8_write(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), out);
		return 12;
	}
	*ret_n = utf8_write(high >= 0xd800 && high < 0xe000 ? 0xfffd : high, out);
	return 6;
}

/* Decodes the byte or escape at s (len > 0) to *ret_n bytes; returns how many it takes there. */
static size_t string_unit(const char *s, size_t len, char out[4], size_t *ret_n)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *escape;

	*ret_n = 1;
	out[0] = s[0];
	if (s[0] != '\\' || len < 2)
		return 1;
	if (s[1] == 'u')
		return unicode_escape(s, len, out, ret_n);
	escape = s[1] ? strchr(escapes, s[1]) : NULL;
	if (!escape)
		return 1;
	out[0] = meant[escape - escapes];
	return 2;
}

static bool is_string(const char *text, struct json_span span)
{
	return span.len >= 2 && text[span.at] == '"';
}

/* --- paths ----------------------------------------------------------------------------------- */

/* What is left of a path: `target` at its end, NULL beside it, else the next element and the rest.
 */
static const char target[] = "";

/* Takes a byte of the path's first element; -1 at its end. */
static int path_byte(const char **path)
{
	char c = **path;

	if (c == '\0' || c == '/')
		return -1;
	(*path)++;
	if (c == '~' && (**path == '0' || **path == '1'))
		c = *(*path)++ == '0' ? '~' : '/';
	return (unsigned char)c;
}

static const char *path_rest(const char *path)
{
	return *path ? path + 1 : target;
}

/* What is left of the path behind the key written in the len bytes at s; NULL if it is another. */
static const char *path_after_key(const char *path, const char *s, size_t len)
{
	char decoded[4];
	size_t n;

	for (size_t at = 0; at < len;) {
		at += string_unit(s + at, len - at, decoded, &n);
		for (size_t i = 0; i < n; i++)
			if (path_byte(&path) != (unsigned char)decoded[i])
				return NULL;
	}
	return path_byte(&path) < 0 ? path_rest(path) : NULL;
}

static const char *path_after_index(const char *path, size_t index)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", index);
	return path_after_key(path, text, strlen(text));
}

/* --- values ---------------------------------------------------------------------------------- */

static bool scan_value(struct scan *s, size_t key, const char *path);

/* Moves to the value of the next member of an object, or to the next element of an array. */
static bool to_member(struct scan *s, bool object, struct json_span *ret_key)
{
	skip_space(s);
	ret_key->key = ret_key->at = s->at;
	if (object) {
		if (!skip_string(s))
			return false;
		ret_key->len = s->at - ret_key->at;
		if (!accept(s, ':'))
			return false;
		skip_space(s);
	}
	return true;
}

static bool scan_members(struct scan *s, const char *path)
{
	bool object = s->text[s->at++] == '{';
	char close = object ? '}' : ']';
	size_t index = 0;

	if (accept(s, close))
		return true;
	do {
		struct json_span key = { 0 };
		const char *rest = NULL;

		if (!to_member(s, object, &key))
			return false;
		if (path && path != target)
			rest = object ? path_after_key(path, s->text + key.at + 1, key.len - 2)
				      : path_after_index(path, index);
		if (rest)
			s->found = false;
		if (!scan_value(s, key.at, rest))
			return false;
		index++;
	} while (accept(s, ','));
	return accept(s, close);
}

/* Moves over the value at s->at; notes the span of the path's target in it. */
static bool scan_value(struct scan *s, size_t key, const char *path)
{
	size_t start = s->at;
	char c = start < s->len ? s->text[start] : '\0';
	bool ok = false;

	if (c == '"') {
		ok = skip_string(s);
	} else if (c == '{' || c == '[') {
		if (s->depth++ < DEPTH_MAX)
			ok = scan_members(s, path);
		s->depth--;
	} else {
		ok = skip_scalar(s);
	}
	if (ok && path == target) {
		s->found = true;
		s->span = (struct json_span){ .key = key, .at = start, .len = s->at - start };
	}
	return ok;
}

bool json_find(const char *text, size_t len, const char *path, struct json_span *ret_span)
{
	struct scan s = { .text = text, .len = len };

	skip_space(&s);
	(void)scan_value(&s, s.at, *path ? path : target);
	if (s.found)
		*ret_span = s.span;
	return s.found;
}

void json_each(const char *text, size_t len, struct json_span object, json_each_fn *fn, void *ctx)
{
	struct scan s = { .text = text, .len = len, .at = object.at };
	bool is_object;

	if (s.at >= len || (text[s.at] != '{' && text[s.at] != '['))
		return;
	is_object = text[s.at++] == '{';
	if (accept(&s, is_object ? '}' : ']'))
		return;
	do {
		struct json_span key = { 0 }, value;

		if (!to_member(&s, is_object, &key))
			return;
		value = (struct json_span){ .key = key.at, .at = s.at };
		if (!scan_value(&s, key.at, NULL))
			return;
		value.len = s.at - value.at;
		if (is_object)
			fn(ctx, text + key.at + 1, key.len - 2, value);
		else
			fn(ctx, NULL, 0, value);
	} while (accept(&s, ','));
}

void json_span_text(const char *text, struct json_span span, struct buf *out)
{
	const char *s = text + span.at + 1;
	char decoded[4];
	size_t n;

	if (!is_string(text, span)) {
		buf_add(out, text + span.at, span.len);
		return;
	}
	for (size_t at = 0; at < span.len - 2;) {
		at += string_unit(s + at, span.len - 2 - at, decoded, &n);
		buf_add(out, decoded, n);
	}
}

/* Is it an escape \udc80 to \udcff at s? */
static bool is_byte_escape(const char *s, size_t len, uint32_t *ret_unit)
{
	return len >= 6 && s[0] == '\\' && s[1] == 'u' && hex4(s + 2, 4, ret_unit) &&
	       *ret_unit >= 0xdc80 && *ret_unit <= 0xdcff;
}

size_t json_unescape_bytes(const char *s, size_t len, char *out)
{
	size_t done = 0, n;
	uint32_t unit;

	for (size_t at = 0; at < len; done += n) {
		if (is_byte_escape(s + at, len - at, &unit)) {
			out[done] = (char)(unit & 0xff);
			n = 1;
			at += 6;
		} else {
			char decoded[4];

			at += string_unit(s + at, len - at, decoded, &n);
			memcpy(out + done, decoded, n);
		}
	}
	return done;
}

size_t json_string_offset(const char *text, struct json_span span, size_t decoded)
{
	const char *s = text + span.at + 1;
	char bytes[4];
	size_t at = 0, n;

	if (!is_string(text, span))
		return span.at;
	while (at < span.len - 2) {
		size_t taken = string_unit(s + at, span.len - 2 - at, bytes, &n);

		if (decoded < n)
			break;
		decoded -= n;
		at += taken;
	}
	return span.at + 1 + at;
}
