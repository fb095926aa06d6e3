/* SPDX-License-Identifier: BSD-2-Clause */
/* Is it bad, and is it over? The verdict on one reading of a rule's measure; no state, no time. */
#ifndef ENGINE_CONDITION_H
#define ENGINE_CONDITION_H

#include "rule/rule.h"

/* What is known of one rule and key at one moment. */
struct reading {
	double value; /* NaN: there is none, as for the average of no samples */
	uint64_t samples;
	const struct baseline *baseline; /* NULL if the rule has none */
	bool degraded; /* events of the window were lost: the value may be too low */
	bool partial;  /* the window began before the key was known: the same */
};

/* All limits that the condition sets are passed. */
bool condition_holds(const struct condition *c, const struct reading *r);

/*
 * What ends a firing alert holds: the limits of "clear", without such the end of the condition.
 * Never while the condition still holds, nor while degraded; a missing value is no longer bad.
 */
bool condition_clears(const struct rule *rule, const struct reading *r);

/* Which way from the baseline is bad: below for a rule with only a "below", else above. */
enum baseline_side condition_side(const struct condition *c);

/* The limit that counts: above, else below, else that of b, the key's baseline; NaN if none. */
double condition_threshold(const struct condition *c, const struct baseline *b);

#endif
