/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages about input files, collected so that all are reported and not just the first:
 *
 *	rules/slow.json:14:16: error: no value "latency" in source syscall; did you mean "latency_ms"?
 *	      "value": "latency",
 *	               ^~~~~~~~~
 *
 * Lines and columns count from 1, columns in characters. The caret underlines the word or the
 * quoted text at the place; of a long line only the part around it is shown. Control characters
 * in what is printed are replaced by "?". At most DIAG_MAX messages are kept; the rest is counted
 * and said.
 */
#ifndef UTIL_DIAG_H
#define UTIL_DIAG_H

#include <stdio.h>

#include "util/base.h"

#define DIAG_MAX 100

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diags; /* opaque */

struct diags *diags_new(void);
void diags_free(struct diags *d);
/*
 * Adds a message about the byte at `offset` of `text`, the whole content of `file`. Copies what it
 * keeps. With text NULL the message is about the file as a whole and has no line.
 */
void diag_add(struct diags *d, enum diag_level level, const char *file, const char *text,
	      size_t len, size_t offset, const char *fmt, ...) PRINTF(7, 8);
unsigned diags_errors(const struct diags *d);
unsigned diags_warnings(const struct diags *d);
/* Prints all messages in the order they were added. */
void diags_print(const struct diags *d, FILE *out);

#endif
