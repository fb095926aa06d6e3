/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular expressions, as PCRE2 has them but for captures; over bytes, not characters. What one
 * match may cost is bounded, since both the expression and the texts it meets may be hostile.
 * Without its just-in-time compiler: whether one exists must not decide where the bound lies, and
 * the same events must give the same alerts on each host.
 */
#ifndef RULE_REGEX_H
#define RULE_REGEX_H

#include "util/base.h"

#define REGEX_MAX      1024 /* bytes of an expression */
#define REGEX_TEXT_MAX 4608 /* bytes of a text that are looked at */

struct regex; /* opaque */

/* NULL if the text is no expression; then *ret_message says why, which the caller frees, and
 * *ret_offset at which byte. */
struct regex *regex_new(const char *text, size_t len, size_t *ret_offset, char **ret_message);
/* NULL is fine. */
void regex_free(struct regex *r);

/* Does it match some part of the text? A match that would cost too much is none, and counted. */
bool regex_match(struct regex *r, const char *text, size_t len);

/* How many matches were given up. */
uint64_t regex_given_up(const struct regex *r);

#endif
