/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The members of one JSON object that is flat, as the lines of event streams are, one after the
 * other: one pass, nothing built, nothing copied. For millions of lines; json_scan.h is for the rest.
 */
#ifndef UTIL_JSON_LINE_H
#define UTIL_JSON_LINE_H

#include "util/base.h"

struct json_line {
	const char *at; /* the next byte to read; where it is broken, that place */
	const char *end;
	bool opened; /* a member was read */
};

enum json_kind { JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL, JSON_NESTED };

/* Lends from the text. */
struct json_member {
	const char *key; /* what stands between its quotes, escapes and all */
	size_t key_len;
	enum json_kind kind;
	const char *value; /* of a string what stands between the quotes */
	size_t len;
	bool escaped; /* a string with escapes: for json_unescape_bytes() */
};

/* Moves behind the opening bracket; false if the text does not start with one. */
bool json_line_open(struct json_line *l, const char *text, size_t len);

/*
 * Reads the next member: 1, or 0 at the end of the object and the text, or -1 where it is broken.
 * Lists and objects are passed over by their brackets as JSON_NESTED. Numbers have JSON's form, and
 * strings no control characters; whether escapes and UTF-8 are right is not looked at.
 */
int json_line_next(struct json_line *l, struct json_member *ret_member);
/*
 * Reads the next member if it is written with just these bytes: its quoted key and the colon, with no
 * blanks, and after a comma unless it is the first. 1, or -1 as above; 0 if it is not, and nothing was
 * read.
 */
int json_line_expect(struct json_line *l, const char *key, size_t len,
		     struct json_member *ret_member);

#endif
