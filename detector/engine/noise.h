/* SPDX-License-Identifier: BSD-2-Clause */
/* What moves of a rule's measure are too small to be news, whatever its baseline has seen so far. */
#ifndef ENGINE_NOISE_H
#define ENGINE_NOISE_H

#include "rule/rule.h"

/*
 * Sets grain and least_spread of a new baseline of a leaf. The spread is at least 5 % of "above"
 * (what lies under "below" by chance is a matter of the centre alone), and at least
 *
 *	count, sum, rate of   counts    one
 *	                      times     10 ms in the window
 *	                      sizes     64 KiB in the window
 *	distinct              anything  one
 *	avg, min, max, pNN,   anything  one of the field's unit
 *	stddev, last
 *
 * Of what is computed from several terms nothing of the kind is known.
 */
void noise_floor(const struct leaf *l, struct baseline *b);

#endif
