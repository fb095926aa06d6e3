/* SPDX-License-Identifier: BSD-2-Clause */
/* Quantiles by the nearest rank: the smallest value that at least that share of all does not exceed. */
#ifndef STATS_RANK_H
#define STATS_RANK_H

#include <math.h>

#include "util/base.h"

/* Which one it is of n > 0 values in ascending order, from 1 on. */
static inline uint64_t nearest_rank(double quantile, uint64_t n)
{
	/* 0.07 * 100 is a little over 7 in binary. */
	double rank = ceil(quantile * (double)n * (1 - 1e-12) - 1e-9);

	return (uint64_t)fmin(fmax(rank, 1), (double)n);
}

#endif
