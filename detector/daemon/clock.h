/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks, read here and given to everything below as arguments. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include "util/base.h"

/* CLOCK_MONOTONIC in ns: the time line of events and rules. */
uint64_t clock_monotonic_ns(void);
/* What to add to CLOCK_MONOTONIC now for ns since 1970. Changes when the wall clock is set. */
int64_t clock_wall_offset_ns(void);

#endif
