/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads command lines from /proc without letting anybody wait. To read one is to read the memory of
 * the process, which may have to come from a disk that does not answer, or be locked by a thread that
 * waits for one: so a thread of its own does it. While that is held up, those that ask wait in its
 * queue, and nobody waits for them.
 */
#ifndef PROCESS_CMDLINE_READER_H
#define PROCESS_CMDLINE_READER_H

#include "process/process_cache.h"

struct cmdline_reader; /* opaque */

/* What was read at a time, CLOCK_MONOTONIC. Lends. */
typedef void cmdline_fn(void *ctx, struct process_name name, uint64_t at_ns, const char *cmdline);

struct cmdline_reader *cmdline_reader_new(void);
/* NULL is fine. */
void cmdline_reader_free(struct cmdline_reader *r);

/* Puts a process in the queue; left out if too many wait. */
void cmdline_reader_ask(struct cmdline_reader *r, struct process_name name);
/*
 * Hands on what has been read; before that, waits until everything has been that was asked for, at
 * most wait_ns. Of those that could not be read nothing is heard.
 */
void cmdline_reader_take(struct cmdline_reader *r, uint64_t wait_ns, cmdline_fn *fn, void *ctx);

/* Has it been reading one command line for more than two seconds? */
bool cmdline_reader_held_up(const struct cmdline_reader *r);

#endif
