/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 as RFC 3629 has it: no surrogates, nothing over U+10FFFF, no overlong forms. */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

#include "util/base.h"

/* Bytes of the character that s starts with (1 to 4); 0 if the bytes are no character. */
size_t utf8_length(const char *s, size_t len);
/* Bytes of s that hold its first `characters` characters; a byte that is none counts as one. */
size_t utf8_prefix(const char *s, size_t len, size_t characters);

#endif
