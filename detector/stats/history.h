/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a value was some time ago: snapshots, of which HISTORY_SIZE span that time. So what is said to
 * be of `ago` earlier is of then, or at most ago / 60 (at least the time between two looks) before.
 */
#ifndef STATS_HISTORY_H
#define STATS_HISTORY_H

#include "util/base.h"

#define HISTORY_SIZE 64

/* Starts zeroed. */
struct history {
	uint64_t at_ns[HISTORY_SIZE];
	double values[HISTORY_SIZE];
	unsigned newest, n;
};

/* Takes a snapshot, if it is time for one. */
void history_add(struct history *h, uint64_t ago_ns, double value, uint64_t now_ns);
/* NaN if nothing is known of then: no snapshot was taken in the time from 2 x ago to ago. */
double history_value(const struct history *h, uint64_t ago_ns, uint64_t now_ns);

#endif
