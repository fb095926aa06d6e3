/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/json_line.h"

#include <string.h>

static void skip_space(struct json_line *l)
{
	while (l->at < l->end &&
	       (*l->at == ' ' || *l->at == '\t' || *l->at == '\n' || *l->at == '\r'))
		l->at++;
}

static bool accept(struct json_line *l, char c)
{
	skip_space(l);
	if (l->at == l->end || *l->at != c)
		return false;
	l->at++;
	return true;
}

bool json_line_open(struct json_line *l, const char *text, size_t len)
{
	*l = (struct json_line){ .at = text, .end = text + len };
	return accept(l, '{');
}

/* The high bit of each byte of x that is zero, and perhaps of bytes above one. */
static uint64_t zero_bytes(uint64_t x)
{
	return (x - 0x0101010101010101) & ~x & 0x8080808080808080;
}

static bool ends_run(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* Where a run inside a string ends: at a quote, a backslash, a control character or the end. Eight
 * bytes at a time. */
static const char *run_end(const char *at, const char *end)
{
	uint64_t x;

	while (end - at >= 8) {
		memcpy(&x, at, sizeof(x));
		if (zero_bytes(x ^ 0x2222222222222222) | zero_bytes(x ^ 0x5c5c5c5c5c5c5c5c) |
		    zero_bytes(x & 0xe0e0e0e0e0e0e0e0))
			break;
		at += sizeof(x);
	}
	while (at < end && !ends_run((unsigned char)*at))
		at++;
	return at;
}

/* Reads the string whose opening quote was taken. */
static bool read_string(struct json_line *l, const char **ret_text, size_t *ret_len,
			bool *ret_escaped)
{
	const char *start = l->at, *at = start, *end = l->end;

	*ret_escaped = false;
	for (;;) {
		at = run_end(at, end);
		if (end - at < 2 || *at != '\\')
			break;
		*ret_escaped = true;
		at += 2;
	}
	l->at = at;
	if (at == end || *at != '"')
		return false;
	*ret_text = start;
	*ret_len = (size_t)(at - start);
	l->at++;
	return true;
}

static bool digits(struct json_line *l)
{
	const char *start = l->at;

	while (l->at < l->end && *l->at >= '0' && *l->at <= '9')
		l->at++;
	return l->at > start;
}

static bool one_of(struct json_line *l, char a, char b)
{
	if (l->at == l->end || (*l->at != a && *l->at != b))
		return false;
	l->at++;
	return true;
}

static bool read_number(struct json_line *l)
{
	(void)one_of(l, '-', '-');
	if (!one_of(l, '0', '0') && !digits(l))
		return false;
	if (one_of(l, '.', '.') && !digits(l))
		return false;
	if (!one_of(l, 'e', 'E'))
		return true;
	(void)one_of(l, '+', '-');
	return digits(l);
}

static bool read_word(struct json_line *l, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(l->end - l->at) < len || memcmp(l->at, word, len) != 0)
		return false;
	l->at += len;
	return true;
}

/* Passes over brackets in pairs, whatever is in them but for strings. */
static bool skip_nested(struct json_line *l)
{
	unsigned depth = 0;
	const char *text;
	size_t len;
	bool escaped;

	while (l->at < l->end) {
		char c = *l->at++;

		if (c == '"' && !read_string(l, &text, &len, &escaped))
			return false;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (depth == 0)
			return true;
	}
	return false;
}

static bool read_value(struct json_line *l, struct json_member *m)
{
	bool ok;

	skip_space(l);
	if (l->at == l->end)
		return false;
	m->escaped = false;
	m->value = l->at;
	switch (*l->at) {
	case '"':
		l->at++;
		m->kind = JSON_STRING;
		return read_string(l, &m->value, &m->len, &m->escaped);
	case 't':
		m->kind = JSON_TRUE;
		ok = read_word(l, "true");
		break;
	case 'f':
		m->kind = JSON_FALSE;
		ok = read_word(l, "false");
		break;
	case 'n':
		m->kind = JSON_NULL;
		ok = read_word(l, "null");
		break;
	case '{':
	case '[':
		m->kind = JSON_NESTED;
		ok = skip_nested(l);
		break;
	default:
		m->kind = JSON_NUMBER;
		ok = read_number(l);
	}
	m->len = (size_t)(l->at - m->value);
	return ok;
}

int json_line_next(struct json_line *l, struct json_member *m)
{
	bool escaped;

	if (accept(l, '}')) {
		skip_space(l);
		return l->at == l->end ? 0 : -1;
	}
	if (l->opened && !accept(l, ','))
		return -1;
	l->opened = true;
	if (!accept(l, '"') || !read_string(l, &m->key, &m->key_len, &escaped) || !accept(l, ':'))
		return -1;
	return read_value(l, m) ? 1 : -1;
}

int json_line_expect(struct json_line *l, const char *key, size_t len, struct json_member *m)
{
	const char *at = l->at;

	if (l->opened && (at == l->end || *at++ != ','))
		return 0;
	if ((size_t)(l->end - at) < len || memcmp(at, key, len) != 0)
		return 0;
	l->opened = true;
	l->at = at + len;
	m->key = at + 1;
	m->key_len = len - 3;
	return read_value(l, m) ? 1 : -1;
}
