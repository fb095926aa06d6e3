/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/utf8.h"

static void value(struct json *j)
{
	if (j->need_comma)
		buf_addc(j->out, ',');
	j->need_comma = true;
}

void json_open(struct json *j, char bracket)
{
	value(j);
	buf_addc(j->out, bracket);
	j->need_comma = false;
}

void json_close(struct json *j, char bracket)
{
	buf_addc(j->out, bracket);
	j->need_comma = true;
}

void json_key(struct json *j, const char *key)
{
	json_str(j, key);
	buf_addc(j->out, ':');
	j->need_comma = false;
}

static void escape_ascii(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_adds(out, "\\\"");
		break;
	case '\\':
		buf_adds(out, "\\\\");
		break;
	case '\n':
		buf_adds(out, "\\n");
		break;
	case '\t':
		buf_adds(out, "\\t");
		break;
	case '\r':
		buf_adds(out, "\\r");
		break;
	default:
		if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\u%04x", c);
		else
			buf_addc(out, (char)c);
	}
}

/* How many bytes from s on stand in a JSON string as they are. */
static size_t plain(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void escape(struct buf *out, const char *s, size_t len, bool keep_bytes)
{
	for (size_t i = 0; i < len;) {
		size_t as_is = plain(s + i, len - i), n;

		buf_add(out, s + i, as_is);
		i += as_is;
		if (i == len)
			break;
		n = utf8_length(s + i, len - i);
		if (n == 0) {
			if (keep_bytes)
				buf_addf(out, "\\udc%02x", (unsigned char)s[i]);
			else
				buf_adds(out, "\xef\xbf\xbd");
			i++;
		} else if (n == 1) {
			escape_ascii(out, (unsigned char)s[i++]);
		} else {
			buf_add(out, s + i, n);
			i += n;
		}
	}
}

void json_escape(struct buf *out, const char *s, size_t len)
{
	escape(out, s, len, false);
}

void json_str(struct json *j, const char *s)
{
	if (s)
		json_strn(j, s, strlen(s));
	else
		json_null(j);
}

void json_strn(struct json *j, const char *s, size_t len)
{
	value(j);
	buf_addc(j->out, '"');
	json_escape(j->out, s, len);
	buf_addc(j->out, '"');
}

void json_bytes(struct json *j, const char *s, size_t len)
{
	value(j);
	buf_addc(j->out, '"');
	escape(j->out, s, len, true);
	buf_addc(j->out, '"');
}

#define DIGITS_MAX 20 /* of 64 bits */

/* Writes at least min_digits digits up to `end`; returns where they begin. */
static char *digits(uint64_t v, unsigned min_digits, char *end)
{
	char *at = end;

	do {
		*--at = (char)('0' + v % 10);
		v /= 10;
	} while (v || end - at < (int)min_digits);
	return at;
}

void json_u64(struct json *j, uint64_t v)
{
	char text[DIGITS_MAX], *end = text + sizeof(text), *at = digits(v, 1, end);

	value(j);
	buf_add(j->out, at, (size_t)(end - at));
}

void json_i64(struct json *j, int64_t v)
{
	char text[1 + DIGITS_MAX], *end = text + sizeof(text);
	char *at = digits(v < 0 ? -(uint64_t)v : (uint64_t)v, 1, end);

	if (v < 0)
		*--at = '-';
	value(j);
	buf_add(j->out, at, (size_t)(end - at));
}

void json_fixed(struct json *j, uint64_t v, unsigned decimals)
{
	char text[2 * DIGITS_MAX], *end = text + sizeof(text);
	char *at = digits(v, decimals + 1, end), *point = end - decimals;

	while (end > point && end[-1] == '0')
		end--;
	value(j);
	buf_add(j->out, at, (size_t)(point - at));
	if (end > point) {
		buf_addc(j->out, '.');
		buf_add(j->out, point, (size_t)(end - point));
	}
}

void json_num(struct json *j, double v)
{
	char text[64];
	size_t len;

	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	value(j);
	if (fabs(v) >= 1e15) {
		buf_addf(j->out, "%.15g", v);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.6f", v);
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	buf_add(j->out, text, len);
}

void json_bool(struct json *j, bool v)
{
	json_raw(j, v ? "true" : "false");
}

void json_null(struct json *j)
{
	json_raw(j, "null");
}

void json_raw(struct json *j, const char *text)
{
	value(j);
	buf_adds(j->out, text);
}

void json_member_str(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_str(j, s);
}

void json_member_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

void json_member_num(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_num(j, v);
}

void json_member_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

void json_member_span(struct json *j, const char *key, uint64_t from_ns, uint64_t to_ns)
{
	json_key(j, key);
	if (from_ns)
		json_num(j, to_ns > from_ns ? (double)(to_ns - from_ns) / (double)NS_PER_S : 0);
	else
		json_null(j);
}
