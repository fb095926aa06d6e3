/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean": the name that a mistyped one is nearest to. */
#ifndef UTIL_NEAREST_H
#define UTIL_NEAREST_H

#include "util/base.h"

/*
 * The one of n names with the smallest edit distance (insert, delete, replace, swap) to `word`, the
 * first of equals, if that is at most a third of the length of the longer of the two, or 1; else
 * NULL. Whether letters are upper or lower case makes no difference. A word or name of over 64 bytes is near to nothing. Lends one of the names.
 */
const char *nearest(const char *word, const char *const *names, size_t n);

#endif
