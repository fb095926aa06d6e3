/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/projection.h"

#include <string.h>

struct projection projection_of(const struct rule *rule, const struct rule *other)
{
	struct projection p = { 0 };

	for (unsigned i = 0; i < other->n_by; i++)
		for (unsigned k = 0; k < rule->n_by; k++)
			if (strcmp(other->by[i]->name, rule->by[k]->name) == 0)
				p.from[p.n++] = k;
	return p;
}

size_t projection_pack(const struct projection *p, const struct value *key,
		       unsigned char ret_packed[KEY_BYTES_MAX])
{
	const struct value *values[RULE_BY_MAX];

	for (unsigned i = 0; i < p->n; i++)
		values[i] = &key[p->from[i]];
	return key_pack_values(values, p->n, ret_packed);
}

int packed_compare(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return a_len ? memcmp(a, b, a_len) : 0;
}
