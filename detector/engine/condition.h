/* SPDX-License-Identifier: BSD-2-Clause */
/* Is it bad, how bad, and is it over? The verdict on one reading of what a rule measures; no state,
 * no time. */
#ifndef ENGINE_CONDITION_H
#define ENGINE_CONDITION_H

#include "rule/rule.h"

/* What is known of one leaf and key at one moment. */
struct leaf_reading {
	double value;			 /* NaN: there is none, as for the average of no samples */
	double earlier;			 /* of "change": the value of then; NaN if not known */
	uint64_t samples;		 /* of the term that has most */
	const struct baseline *baseline; /* NULL if the leaf has none */
	bool partial; /* the window began before the key was known: the value may be too low */
};

struct reading {
	struct leaf_reading leaves[LEAVES_MAX];
	bool degraded; /* events were lost in the windows: values may be too low */
};

/* Does it compare with an earlier value? */
static inline bool leaf_has_change(const struct leaf *l)
{
	return l->change.above.set || l->change.below.set;
}

/* All limits that the leaf sets are passed. */
bool leaf_holds(const struct leaf *l, const struct leaf_reading *r, bool degraded);

/* The tree; sets a bit in ret_held for each leaf that holds. */
bool condition_holds(const struct when *w, const struct reading *r, unsigned *ret_held);

/*
 * What ends a firing alert holds: the limits of "clear", without such the end of the condition.
 * Never while the condition still holds, nor while degraded; a missing value is no longer bad.
 */
bool condition_clears(const struct rule *rule, const struct reading *r, bool holds);

/* The worst escalation that the value of leaves[0] passes; without, the rule's own severity. */
enum severity condition_severity(const struct rule *rule, const struct reading *r);

/* Which leaf an alert shows: leaves[0], unless it does not hold and another does. */
unsigned condition_shown_leaf(unsigned held);

/* Which way from the baseline is bad: below for a leaf with only a "below", else above. */
enum baseline_side leaf_side(const struct leaf *l);

/*
 * The limit that counts: above, else below, else the side of "outside" that the value is beyond or
 * nearer to, else what "change" comes to, else that of the baseline, else "absent" in seconds; NaN
 * if none or not known.
 */
double leaf_limit(const struct leaf *l, const struct leaf_reading *r);

/* The unit of its value and limit. */
enum unit leaf_unit(const struct leaf *l);

#endif
