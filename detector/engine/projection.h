/* SPDX-License-Identifier: BSD-2-Clause */
/* What two rules have in common in "by", and the part of a key that says just that. */
#ifndef ENGINE_PROJECTION_H
#define ENGINE_PROJECTION_H

#include "engine/key.h"

/* Which values of a key are taken, and in which order. */
struct projection {
	unsigned n;
	unsigned from[RULE_BY_MAX]; /* indices into rule->by */
};

/* The fields of `rule` that `other` has in "by" too, by name, in the order of `other`. */
struct projection projection_of(const struct rule *rule, const struct rule *other);

/* Packs that part of a key of `rule`; returns how many bytes were written. */
size_t projection_pack(const struct projection *p, const struct value *key,
		       unsigned char ret_packed[KEY_BYTES_MAX]);

/* An order of packed keys, for tsearch(3): as memcmp(3). */
int packed_compare(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len);

#endif
