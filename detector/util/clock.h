/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks. Not for the core (event, stats, rule, engine), which is given the time. */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include "util/base.h"

/* CLOCK_MONOTONIC in ns: the time line of events and rules. */
uint64_t clock_monotonic_ns(void);
/* CLOCK_BOOTTIME in ns: the time line of the start of processes. */
uint64_t clock_boottime_ns(void);
/* CPU time of the calling thread so far. */
uint64_t clock_thread_cpu_ns(void);
/* CPU time of this process so far. */
uint64_t clock_process_cpu_ns(void);
/* What to add to CLOCK_MONOTONIC now for ns since 1970. Changes when the wall clock is set. */
int64_t clock_wall_offset_ns(void);

#endif
