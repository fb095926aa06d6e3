/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts that a record of bpf/process.h carries in pieces. */
#ifndef PROCESS_PROCESS_TEXT_H
#define PROCESS_PROCESS_TEXT_H

#include "util/buf.h"

/*
 * Writes a path from its names, the last one first, each with a NUL behind: "/usr/bin/dd", "/" for
 * none. cut: the first directories are missing; shown as "...". The names may hold any bytes.
 */
void path_from_names(const char *names, size_t len, bool cut, struct buf *out);

/* Writes arguments, each with a NUL behind, separated by blanks; cut: "..." at the end. */
void cmdline_from_args(const char *args, size_t len, bool cut, struct buf *out);

#endif
