/* SPDX-License-Identifier: BSD-2-Clause */
/* Wall-clock times as text, RFC 3339 in UTC: "2026-11-22T10:04:31.207Z". */
#ifndef UTIL_TIMETEXT_H
#define UTIL_TIMETEXT_H

#include "util/base.h"

#define TIMETEXT_LEN 24

/* Writes ns since 1970 with milliseconds. */
void timetext(uint64_t wall_ns, char ret_text[TIMETEXT_LEN + 1]);
/* Reads such a text, with up to nine decimals of a second or none; false if it is none. */
bool timetext_parse(const char *text, size_t len, uint64_t *ret_wall_ns);

#endif
