/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard output that never blocks: a reader that stops reading (a pager, Ctrl-S, a hung terminal)
 * must not stop detection. Text waits in a bounded buffer; what finds no room is dropped as a whole
 * and counted.
 */
#ifndef DAEMON_OUTLET_H
#define DAEMON_OUTLET_H

#include "loop/loop.h"

#define OUTLET_BYTES_MAX (1 << 20)

struct outlet; /* opaque */

/* Called once when writing has failed for good, with errno: EPIPE if the reader is gone. */
typedef void outlet_failed_fn(void *ctx, int error);

/* Writes to a descriptor, which is borrowed. */
struct outlet *outlet_new(struct loop *loop, int fd, outlet_failed_fn *on_failed, void *ctx);
/* Waits a second at most for what is still in the buffer. NULL is fine. */
void outlet_free(struct outlet *o);

/* Takes the whole text or, without room, nothing of it. */
void outlet_write(struct outlet *o, const char *text, size_t len);
/* How many texts were dropped. */
uint64_t outlet_dropped(const struct outlet *o);

#endif
