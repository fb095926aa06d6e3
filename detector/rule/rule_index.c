/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules by name: open addressing, never more than half full. */
#include <stdlib.h>
#include <string.h>

#include "rule/rule_read.h"
#include "util/hash.h"

#define INDEX_START 64

/* The slot of the name, or the free one where it belongs. */
static unsigned *slot_of(const struct rule_set *set, const char *name)
{
	unsigned at = (unsigned)hash_bytes(HASH_INIT, name, strlen(name)) & (set->index_size - 1);

	while (set->index[at] && strcmp(set->rules[set->index[at] - 1].name, name) != 0)
		at = (at + 1) & (set->index_size - 1);
	return &set->index[at];
}

static void grow(struct rule_set *set)
{
	unsigned *old = set->index, old_size = set->index_size;

	set->index_size = old_size ? 2 * old_size : INDEX_START;
	set->index = xcalloc(set->index_size, sizeof(*set->index));
	for (unsigned i = 0; i < old_size; i++)
		if (old[i])
			*slot_of(set, set->rules[old[i] - 1].name) = old[i];
	free(old);
}

void rule_index_add(struct rule_set *set, unsigned rule)
{
	if (2 * rule >= set->index_size)
		grow(set);
	*slot_of(set, set->rules[rule].name) = rule + 1;
}

struct rule *rule_find(const struct rule_set *set, const char *name)
{
	unsigned slot = set->index_size ? *slot_of(set, name) : 0;

	return slot ? &set->rules[slot - 1] : NULL;
}
