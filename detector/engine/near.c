/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/near.h"

#include <stdlib.h>
#include <string.h>

void near_fini(struct near_misses *n)
{
	for (unsigned i = 0; n->slots && i < NEAR_SLOTS; i++)
		free(n->slots[i].key);
	free(n->slots);
	*n = (struct near_misses){ 0 };
}

void near_note(struct near_misses *n, const struct near_miss *miss)
{
	uint64_t number = miss->at_ns / NEAR_SLOT_NS;
	struct near_miss *slot;

	if (!n->slots)
		n->slots = xcalloc(NEAR_SLOTS, sizeof(*n->slots));
	slot = &n->slots[number % NEAR_SLOTS];
	if (slot->at_ns / NEAR_SLOT_NS == number && slot->at_ns && slot->distance <= miss->distance)
		return;
	free(slot->key);
	*slot = *miss;
	slot->key = miss->key_len ? xcalloc(1, miss->key_len) : NULL;
	if (slot->key)
		memcpy(slot->key, miss->key, miss->key_len);
	if ((number + 1) * NEAR_SLOT_NS >= n->until_ns) {
		n->until_ns = (number + 1) * NEAR_SLOT_NS;
		n->best = miss->distance;
	}
}

bool near_nearest(const struct near_misses *n, uint64_t now_ns, struct near_miss *ret)
{
	const struct near_miss *best = NULL;

	for (unsigned i = 0; n->slots && i < NEAR_SLOTS; i++) {
		const struct near_miss *m = &n->slots[i];

		if (m->at_ns == 0 || m->at_ns / NEAR_SLOT_NS + NEAR_SLOTS <= now_ns / NEAR_SLOT_NS)
			continue;
		if (!best || m->distance < best->distance ||
		    (m->distance == best->distance && m->at_ns > best->at_ns))
			best = m;
	}
	if (best)
		*ret = *best;
	return best != NULL;
}
