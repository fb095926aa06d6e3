/* SPDX-License-Identifier: BSD-2-Clause */
/* How long the threads of one process waited for a CPU in one second (bpf/histogram.h). */
#ifndef SOURCE_WAITS_H
#define SOURCE_WAITS_H

#include "util/base.h"

#include "../bpf/source.h"

struct waits {
	uint64_t longest_ns;
	int64_t buckets[WAIT_BUCKETS];
};

void waits_add(struct waits *w, const struct waits_delta *delta);

/*
 * The wait that a share q (0.5: the median) of all waits did not exceed, by the nearest rank: of n
 * waits, those not in the histogram were at most HISTOGRAM_FROM_NS, which is given for all of them.
 * w may be NULL: then that is all of them. At most 12.5 % off; q = 1 is exact. n is not 0.
 */
uint64_t waits_quantile_ns(const struct waits *w, uint64_t n, double q);

#endif
