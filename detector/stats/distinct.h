/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many different values are in a window, from hashes of them: exact up to DISTINCT_EXACT, apart
 * from hashes of 64 bits that collide. Beyond, it keeps the hashes of a part of the values, chosen by
 * their first bits, half as many each time that room runs out, and multiplies (adaptive sampling
 * after Wegman; Flajolet, "On adaptive sampling", 1990): the standard error is 1.2 / sqrt(512) = 5 %
 * at most, 4 % on average. Each hash is kept with the newest slot that saw it, so the window slides
 * exactly. When the values become few, the part is made larger again, which shows one window later.
 */
#ifndef STATS_DISTINCT_H
#define STATS_DISTINCT_H

#include "util/base.h"

#define DISTINCT_EXACT 1024

struct distinct_place {
	uint64_t hash;
	uint64_t slot; /* number + 1; 0: free */
};

/* Starts zeroed. At most 32 KiB. */
struct distinct {
	struct distinct_place *places; /* open addressing */
	unsigned n, cap;
	unsigned level;	  /* hashes are kept if so many of their first bits are 0 ... */
	unsigned shown;	  /* ... of which those with so many are complete; >= level */
	uint64_t lowered; /* slot at which level was last made less */
};

/* Forgets all, and gives memory back. */
void distinct_clear(struct distinct *d);
/* A value seen in a slot. What was last seen before slot number `oldest` is out of the window. */
void distinct_add(struct distinct *d, uint64_t hash, uint64_t slot, uint64_t oldest);
/* Different values seen in slot `oldest` or later; `newest` is the slot of now. */
double distinct_estimate(struct distinct *d, uint64_t oldest, uint64_t newest);

#endif
