/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sliding windows over (time, value) samples and the aggregates taken over them. Memory is bounded:
 * samples are kept as WINDOW_SLOTS partial results, of which one counts as long as its latest
 * sample is inside, so every sample inside counts and none older than the window and one slot
 * (length / WINDOW_SLOTS) does. Quantiles also keep the latest WINDOW_SAMPLES values, are exact over
 * those, and give their memory back when the window is empty. A window never slides back: a now
 * before the newest sample means that sample's time.
 */
#ifndef STATS_WINDOW_H
#define STATS_WINDOW_H

#include "util/base.h"

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

#define WINDOW_SLOTS   20
#define WINDOW_SAMPLES 1024

struct window; /* opaque */

/* length_ns > 0; quantile in (0, 1], used by AGGREGATE_QUANTILE only. */
struct window *window_new(enum aggregate aggregate, double quantile, uint64_t length_ns);
/* NULL is fine. */
void window_free(struct window *w);
uint64_t window_length_ns(const struct window *w);

/* Adds a sample. One older than the window is ignored, as are NaN and infinity; slightly out of
 * order is fine. */
void window_add(struct window *w, uint64_t ts_ns, double value);

/* Samples in (now - length, now]. */
uint64_t window_samples(struct window *w, uint64_t now_ns);

/* The aggregate over (now - length, now]; NaN where an empty window has none (avg, min, max,
 * quantile), 0 for count, rate and sum. */
double window_value(struct window *w, uint64_t now_ns);

#endif
