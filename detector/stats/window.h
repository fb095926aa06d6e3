/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sliding windows over (time, value) samples and the aggregates taken over them. grid.h says which
 * samples count when; NaN and infinity never do. Memory is bounded: 21 slots of partial results, and
 *
 *	quantile   the latest WINDOW_SAMPLES values: exact as long as the window holds no more,
 *	           from then until it is empty within 1/64 of the value (sketch.h), at most 96 KiB
 *	distinct   exact up to 1,024, beyond with a standard error of at most 5 % (distinct.h), 32 KiB
 *
 * which are allocated as they are needed and given back when the window is empty.
 */
#ifndef STATS_WINDOW_H
#define STATS_WINDOW_H

#include "stats/grid.h"

enum aggregate {
	AGGREGATE_NONE, /* no window: the value of one event */
	AGGREGATE_COUNT,
	AGGREGATE_RATE, /* sum per second of the window */
	AGGREGATE_SUM,
	AGGREGATE_AVG,
	AGGREGATE_MIN,
	AGGREGATE_MAX,
	AGGREGATE_QUANTILE, /* nearest rank: of one sample, that sample */
	AGGREGATE_STDDEV,
	AGGREGATE_LAST,	    /* the latest sample */
	AGGREGATE_DISTINCT, /* how many different values */
};

#define WINDOW_SAMPLES 1024

struct window; /* opaque */

/* length_ns > 0; quantile in (0, 1], used by AGGREGATE_QUANTILE only. */
struct window *window_new(enum aggregate aggregate, double quantile, uint64_t length_ns);
/* NULL is fine. */
void window_free(struct window *w);
uint64_t window_length_ns(const struct window *w);

/* Adds a sample; of AGGREGATE_DISTINCT by window_add_hash(). */
void window_add(struct window *w, uint64_t ts_ns, double value);
/* Adds a sample to a window of AGGREGATE_DISTINCT: a good hash of its value. */
void window_add_hash(struct window *w, uint64_t ts_ns, uint64_t hash);

/* Samples that count at now. */
uint64_t window_samples(struct window *w, uint64_t now_ns);

/*
 * The aggregate over the samples that count at now; NaN where an empty window has none (avg, min,
 * max, stddev, last, quantile), 0 for count, rate, sum and distinct. stddev is that of the samples
 * themselves (divided by n); of samples at the same time, the last to arrive is the last.
 */
double window_value(struct window *w, uint64_t now_ns);
/* Of an empty window. */
double window_value_of_nothing(enum aggregate aggregate);

#endif
