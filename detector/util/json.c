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

void json_escape(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);

		if (n == 0) {
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

void json_u64(struct json *j, uint64_t v)
{
	value(j);
	buf_addf(j->out, "%llu", (unsigned long long)v);
}

void json_i64(struct json *j, int64_t v)
{
	value(j);
	buf_addf(j->out, "%lld", (long long)v);
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
