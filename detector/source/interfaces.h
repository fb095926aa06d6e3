/* SPDX-License-Identifier: BSD-2-Clause */
/* What went over each network interface, from the counters that the kernel keeps of it. */
#ifndef SOURCE_INTERFACES_H
#define SOURCE_INTERFACES_H

#include "util/base.h"

#include "../bpf/event.h"

struct interfaces; /* opaque */

typedef void interface_fn(void *ctx, struct ev_net_interface *sample);

struct interfaces *interfaces_new(void);
/* NULL is fine. */
void interfaces_free(struct interfaces *f);

/*
 * Reads the counters of all interfaces of this network namespace; fn gets what each has done since
 * the last time, without the times, unless that is nothing. At the first time fn gets nothing; an
 * interface that is new afterwards is reported with all it did. False if they cannot be read.
 */
bool interfaces_read(struct interfaces *f, interface_fn *fn, void *ctx);
/* The next time is the first again. */
void interfaces_forget(struct interfaces *f);

#endif
