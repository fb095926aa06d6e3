/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds a value in JSON text without building anything: for the position of a message (cJSON keeps
 * none) and for {{path}} in templates. The text may be broken: what cannot be found is "not found".
 */
#ifndef UTIL_JSON_SCAN_H
#define UTIL_JSON_SCAN_H

#include "util/buf.h"

struct json_span {
	size_t key; /* offset of the quote that opens the member's key; of the value in an array */
	size_t at;  /* offset of the value's first byte */
	size_t len; /* bytes of the value, quotes included */
};

/*
 * Finds the value at a path of keys and array indices separated by '/': "rules/2/when/above".
 * An empty path is the whole document. Of a duplicate key the last counts. '/' and '~' in a key are
 * written ~1 and ~0 (RFC 6901). What lies deeper than 128 brackets, or behind such a place or a
 * broken one, is not found. Takes time linear in len.
 */
bool json_find(const char *text, size_t len, const char *path, struct json_span *ret_span);

/*
 * Calls fn for each member of the object at span (or each element of the array), in order. key is
 * what is written between the quotes, escapes and all; of an array NULL.
 */
typedef void json_each_fn(void *ctx, const char *key, size_t key_len, struct json_span value);
void json_each(const char *text, size_t len, struct json_span object, json_each_fn *fn, void *ctx);

/* Adds the text of a scalar: strings without quotes and escapes, all else as it is written. */
void json_span_text(const char *text, struct json_span span, struct buf *out);

/*
 * Decodes what stands between the quotes of a string to at most len bytes at out; returns how many.
 * The escapes \udc80 to \udcff alone are single bytes, as json_bytes() writes them.
 */
size_t json_unescape_bytes(const char *s, size_t len, char *out);

/*
 * The offset in the text of byte `decoded` of the string value at span, which starts at its opening
 * quote: an escape such as \" or \u00e9 is longer in the file than the bytes it stands for.
 */
size_t json_string_offset(const char *text, struct json_span span, size_t decoded);

#endif
