/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/kept.h"

#include <string.h>

#define ALIGNMENT 8

/* Hands out the parts of a block; without one, only adds up their sizes. */
struct block {
	unsigned char *data;
	size_t used;
};

static void *put(struct block *b, const void *data, size_t len)
{
	void *at = b->data ? b->data + b->used : NULL;

	if (at && len)
		memcpy(at, data, len);
	b->used += (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return at;
}

static void put_key(struct block *b, const struct transition *t, struct transition *copy)
{
	struct value *key = put(b, t->key, t->rule->n_by * sizeof(*key));

	copy->key = key;
	for (unsigned i = 0; i < t->rule->n_by; i++) {
		const struct value *v = &t->key[i];
		const void *text = v->text ? put(b, v->text, v->len) : NULL;
		const void *addr = v->addr ? put(b, v->addr, 16) : NULL;

		if (key) {
			key[i].text = text;
			key[i].addr = addr;
		}
	}
}

/* Fills *copy, which is the start of the block. */
static void put_all(struct block *b, const struct transition *t, struct transition *copy)
{
	(void)put(b, t, sizeof(*t));
	put_key(b, t, copy);
	if (t->baseline)
		copy->baseline = put(b, t->baseline, sizeof(*t->baseline));
	if (t->event.type)
		copy->event.record = put(b, t->event.record, t->event.type->record_size);
}

struct transition *transition_keep(const struct transition *t)
{
	struct block size = { 0 }, block = { 0 };
	struct transition scratch, *copy;

	put_all(&size, t, &scratch);
	copy = xcalloc(1, size.used);
	block.data = (unsigned char *)copy;
	put_all(&block, t, copy);
	return copy;
}
