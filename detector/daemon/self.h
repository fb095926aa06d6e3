/* SPDX-License-Identifier: BSD-2-Clause */
/* The source `self`: once a second, what each source saw, lost and cost, as events like any other. */
#ifndef DAEMON_SELF_H
#define DAEMON_SELF_H

#include "daemon/governor.h"

/* In bpf/events.def, the object of an event that no BPF object sends. */
#define SELF_OBJECT "userspace"

struct self; /* opaque */

struct self *self_new(void);
/* NULL is fine. */
void self_free(struct self *self);

/* Hands on one event for each source, one for what tells of processes, and one for the program. */
void self_tick(struct self *self, const struct source_list *list, const struct governor *governor,
	       uint64_t now_ns, int64_t wall_offset_ns, source_event_fn *on_event, void *ctx);

#endif
