/* SPDX-License-Identifier: BSD-2-Clause */
/* Foreign bytes (a sink's answer, a program's output, a process name) made fit for one log line. */
#ifndef HOOK_ONE_LINE_H
#define HOOK_ONE_LINE_H

#include "util/buf.h"

/*
 * Adds at most max_bytes of text on one line: each run of blanks, line ends and control characters
 * is one blank, none at either end, and what is not UTF-8 is '?'. What was cut off shows as "...".
 */
void add_one_line(const char *text, size_t len, size_t max_bytes, struct buf *out);

#endif
