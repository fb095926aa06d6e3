/* SPDX-License-Identifier: BSD-2-Clause */
/* Foreign text (names from the kernel, files, answers) made fit for a terminal or a line. */
#ifndef UTIL_PRINTABLE_H
#define UTIL_PRINTABLE_H

#include "util/buf.h"

/*
 * Adds the first `max` characters of text. A tab becomes a blank; any other control character
 * (util/control.h) and any byte that is no UTF-8 becomes the replacement. Returns the bytes taken.
 */
size_t printable_add(struct buf *out, const char *text, size_t len, size_t max,
		     const char *replacement);

#endif
