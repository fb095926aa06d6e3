/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of a measure. */
#ifndef ENGINE_COMPUTE_H
#define ENGINE_COMPUTE_H

#include "rule/rule.h"

/* From the values of its terms. NaN if one that counts is, or where something is divided by 0. */
double formula_compute(const struct formula *f, const double terms[TERMS_MAX]);

/* What one event brings to a term; NaN if its field has no value. */
double term_measure(const struct term *t, const struct event *ev);

/* The measure of a single event: all terms are fields. */
double formula_measure(const struct formula *f, const struct event *ev);

/* By what one event of rule->on is worse than another: what it brings to the first term over that
 * source with a field that is a number, else 1. */
double formula_weight(const struct formula *f, const struct event *ev);

/* Of a value, for counting different ones. */
uint64_t value_hash(const struct value *v, uint64_t seed);

#endif
