/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is normal for one key: a running centre and spread, updated once per evaluation, with which
 * a value is compared. Robust: a value far out moves the centre no further than one at the edge of
 * the spread. The owner freezes it during an alert by not calling baseline_learn().
 */
#ifndef STATS_BASELINE_H
#define STATS_BASELINE_H

#include "util/base.h"

struct baseline_conf {
	double deviations;     /* how many spreads from the centre is too far; > 0 */
	uint64_t warm_up_ns;   /* no verdict before that much time was learnt; default 2 min */
	uint64_t half_life_ns; /* after which a sample counts half; default 10 min */
};

/* Fixed size, no pointers: may be copied and stored as it is. Starts zeroed but for grain and
 * least_spread, which the owner sets. */
struct baseline {
	double center;
	double spread; /* as a standard deviation would be for normal values; never 0 once ready */
	/*
	 * By how much one more occurrence raises the value: 1 for a count, 1/5 for a rate per
	 * second over 5 s, 0 where the value does not count anything.
	 */
	double grain;
	double least_spread; /* what differs by less is the same to the user; 0 if unknown */
	uint64_t samples;
	uint64_t learnt_ns;  /* time covered by learning */
	uint64_t updated_ns; /* time of the last sample */
};

enum baseline_side { BASELINE_ABOVE, BASELINE_BELOW };

/*
 * Learns one value; NaN and infinity are ignored. Gaps of more than 10 s between samples count as
 * 10 s of coverage.
 */
void baseline_learn(struct baseline *b, const struct baseline_conf *conf, double value,
		    uint64_t now_ns);
/* Has it learnt for the warm-up time? */
bool baseline_ready(const struct baseline *b, const struct baseline_conf *conf);
/* Signed distance of the value from the centre in spreads; 0 while not ready. */
double baseline_score(const struct baseline *b, const struct baseline_conf *conf, double value);
/* The value on that side of the centre at which the score's size reaches conf->deviations. */
double baseline_limit(const struct baseline *b, const struct baseline_conf *conf,
		      enum baseline_side side);

#endif
