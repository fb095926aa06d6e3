/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How near a rule came to firing in the last hour, and with which key: the nearest of each five
 * minutes. The distance is what the value lacks to its limit, as a share of the limit: 0.1 for 90 of
 * 100. Not more than 0 if the limit was passed: 0 while samples or learning were lacking, -1 during
 * grace, -2 until it had lasted long enough.
 */
#ifndef ENGINE_NEAR_H
#define ENGINE_NEAR_H

#include "util/base.h"

#define NEAR_SLOT_NS (300 * NS_PER_S)
#define NEAR_SLOTS   13 /* an hour, and the one that has begun */

/* What kept it from firing. */
enum near_gate { NEAR_LIMIT, NEAR_SAMPLES, NEAR_WARM_UP, NEAR_FOR, NEAR_GRACE };

struct near_miss {
	double distance;
	double value;
	double limit; /* NaN: not known yet */
	unsigned leaf;
	enum near_gate gate;
	uint64_t at_ns;	    /* 0: there is none */
	unsigned char *key; /* packed; owned by the slot */
	size_t key_len;
};

/* Starts zeroed. */
struct near_misses {
	double best;		 /* of the slot that has begun, which ... */
	uint64_t until_ns;	 /* ... ends then */
	struct near_miss *slots; /* NEAR_SLOTS of them; NULL before the first */
};

void near_fini(struct near_misses *n);
/* Would a miss of that distance be noted? */
static inline bool near_wanted(const struct near_misses *n, double distance, uint64_t now_ns)
{
	return distance < n->best || now_ns >= n->until_ns;
}
/* Notes a miss at at_ns; copies the key. */
void near_note(struct near_misses *n, const struct near_miss *miss);
/* The nearest of the last hour; false if there is none. Lends. */
bool near_nearest(const struct near_misses *n, uint64_t now_ns, struct near_miss *ret);

#endif
