/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of JSON text (util/json_line.h) in the form in which they are kept, with all their digits:
 * a double alone would lose those beyond 2^53. Each is false for what is no number, or does not fit.
 */
#ifndef UTIL_JSON_NUMBER_H
#define UTIL_JSON_NUMBER_H

#include "util/json_line.h"

/* A finite number of less than 64 characters. */
bool json_double(const struct json_member *m, double *ret);
/* A whole number written with digits alone, or not: 1e3, 5.0. In that form up to 2^53. */
bool json_unsigned(const struct json_member *m, uint64_t *ret);
bool json_signed(const struct json_member *m, int64_t *ret);
/* A number that is not negative, times `per`, which is 10 to the power of `decimals`; rounded. */
bool json_scaled(const struct json_member *m, double per, unsigned decimals, uint64_t *ret);

#endif
