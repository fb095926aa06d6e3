/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes JSON onto a buf, in the order of the calls, commas placed by itself. Written here and not
 * with cJSON because 64-bit time stamps must keep every digit and names from the kernel may hold
 * bytes that are not UTF-8: each such byte becomes U+FFFD.
 */
#ifndef UTIL_JSON_H
#define UTIL_JSON_H

#include "util/buf.h"

struct json {
	struct buf *out;
	bool need_comma;
};

/* bracket is '{' or '['. */
void json_open(struct json *j, char bracket);
/* bracket is '}' or ']'. */
void json_close(struct json *j, char bracket);
void json_key(struct json *j, const char *key);
/* NULL writes null. */
void json_str(struct json *j, const char *s);
void json_strn(struct json *j, const char *s, size_t len);
/* As json_strn(), but such that json_unescape_bytes() gives back the same bytes: one that is not
 * UTF-8 is written as the half surrogate \udc00 + byte, which other readers take for U+FFFD. */
void json_bytes(struct json *j, const char *s, size_t len);
void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
/* v / 10^decimals with every digit: json_fixed(j, 31207123, 6) writes 31.207123. */
void json_fixed(struct json *j, uint64_t v, unsigned decimals);
/* The shortest text that reads back as v to 6 decimals; NaN and infinity write null. */
void json_num(struct json *j, double v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
/* A value that is JSON already. */
void json_raw(struct json *j, const char *text);

/* A key and its value, as by json_key() and then json_str() and so on. */
void json_member_str(struct json *j, const char *key, const char *s);
void json_member_u64(struct json *j, const char *key, uint64_t v);
void json_member_num(struct json *j, const char *key, double v);
void json_member_bool(struct json *j, const char *key, bool v);
/* The seconds from one moment to a later one, 0 if it is not later; null if from_ns is 0: it never
 * was. */
void json_member_span(struct json *j, const char *key, uint64_t from_ns, uint64_t to_ns);

/* Writes s escaped as it stands between the quotes of a JSON string, without the quotes. */
void json_escape(struct buf *out, const char *s, size_t len);

#endif
