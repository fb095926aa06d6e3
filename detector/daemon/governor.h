/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kernelsight costs, and what it gives up to cost less. Every ten seconds the kernel measures the
 * CPU time of the programs for a tenth of a second; with the CPU time that the process itself, walks
 * included, took since the measurement before, that is the cost. If three measurements are over the
 * budget on average, the dearest part that may be given up is detached; it is tried again after a
 * minute, and after each failure twice as long.
 */
#ifndef DAEMON_GOVERNOR_H
#define DAEMON_GOVERNOR_H

#include "daemon/source_list.h"

struct governor; /* opaque */

/* budget: a share of all CPUs, 0.05 for 5 %; 0: only measures. The list is borrowed, and may change
 * meanwhile. */
struct governor *governor_new(struct loop *loop, const struct source_list *list, double budget);
/* NULL is fine. */
void governor_free(struct governor *g);

/* CPU time per second that the source's programs and walks took when last measured, in ns; NAN if the kernel
 * did not measure them. */
double governor_cost_ns(const struct governor *g, const struct source *source);
/* The same of the programs that tell of processes. */
double governor_processes_cost_ns(const struct governor *g);
/* How many of its parts are given up. */
unsigned governor_given_up(const struct source *source);

#endif
