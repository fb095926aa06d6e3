/* SPDX-License-Identifier: BSD-2-Clause */
/* How much a reading lacks until the rule's condition would hold. */
#ifndef ENGINE_DISTANCE_H
#define ENGINE_DISTANCE_H

#include "engine/condition.h"
#include "engine/near.h"

struct distance {
	double share;  /* of the limit, or of 1 for a limit of 0; 0: nothing; INFINITY: not known */
	unsigned leaf; /* which decides it */
	enum near_gate gate; /* what it is that lacks: NEAR_LIMIT, NEAR_SAMPLES or NEAR_WARM_UP */
};

/* Of one leaf. */
struct distance leaf_distance(const struct leaf *l, const struct leaf_reading *r, bool degraded);
/* Of the whole: of all that must hold the farthest, of any that may the nearest. */
struct distance condition_distance(const struct when *w, const struct reading *r);

#endif
