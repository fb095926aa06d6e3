/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram of the slots of a window (grid.h), from which quantiles are read: 32 buckets to each
 * doubling of the value, so a quantile is off by at most 1/64 (1.6 %) of itself, whatever its size;
 * 0 is exact. Buckets exist where values are; there is room for SKETCH_ROWS, which is 32 doublings
 * without a gap. Values that would need more go to the nearest bucket there is.
 */
#ifndef STATS_SKETCH_H
#define STATS_SKETCH_H

#include "stats/grid.h"

#define SKETCH_ROWS 1024 /* 96 KiB */

struct sketch_row;

/* Starts zeroed. */
struct sketch {
	struct sketch_row *rows; /* in the order of their values */
	unsigned n, cap;
	uint64_t total;
};

/* Forgets all values, and gives memory back. */
void sketch_clear(struct sketch *s);
/* Adds a finite value to the slot at a place. */
void sketch_add(struct sketch *s, unsigned place, double value);
/* Takes out all values of the slot at a place. */
void sketch_clear_slot(struct sketch *s, unsigned place);
/* The value of nearest rank; NaN if there is none. */
double sketch_quantile(const struct sketch *s, double quantile);

#endif
