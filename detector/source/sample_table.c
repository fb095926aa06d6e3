/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/sample_table.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

#define FIRST_CAPACITY 64

struct sample_table {
	size_t key_size; /* rounded up, so that samples are aligned */
	size_t key_bytes;
	size_t entry_size;
	unsigned max;
	unsigned capacity; /* entries there is memory for; a power of two */
	unsigned used;
	char *entries;	 /* key and sample, one after the other */
	unsigned *index; /* open addressing, 2 * capacity; number of the entry + 1, 0 if free */
};

static void allocate(struct sample_table *t, unsigned capacity)
{
	t->capacity = capacity;
	t->entries = xrealloc(t->entries, capacity, t->entry_size);
	free(t->index);
	t->index = xcalloc(2 * (size_t)capacity, sizeof(*t->index));
}

struct sample_table *sample_table_new(size_t key_size, size_t sample_size, unsigned max)
{
	struct sample_table *t = xcalloc(1, sizeof(*t));

	t->key_bytes = key_size;
	t->key_size = (key_size + 7) / 8 * 8;
	t->entry_size = t->key_size + (sample_size + 7) / 8 * 8;
	t->max = max;
	allocate(t, FIRST_CAPACITY);
	return t;
}

void sample_table_free(struct sample_table *t)
{
	if (!t)
		return;
	free(t->entries);
	free(t->index);
	free(t);
}

static char *entry(const struct sample_table *t, unsigned i)
{
	return t->entries + i * t->entry_size;
}

/* Where the key is in the index, or would be. */
static unsigned *slot(const struct sample_table *t, const void *key)
{
	for (uint64_t i = hash_bytes(HASH_INIT, key, t->key_bytes);; i++) {
		unsigned *at = &t->index[i & (2 * (uint64_t)t->capacity - 1)];

		if (!*at || memcmp(entry(t, *at - 1), key, t->key_bytes) == 0)
			return at;
	}
}

static void grow(struct sample_table *t)
{
	allocate(t, 2 * t->capacity);
	for (unsigned i = 0; i < t->used; i++)
		*slot(t, entry(t, i)) = i + 1;
}

void *sample_table_at(struct sample_table *t, const void *key)
{
	unsigned *at = slot(t, key);
	char *e;

	if (*at)
		return entry(t, *at - 1) + t->key_size;
	if (t->used == t->max)
		return NULL;
	if (t->used == t->capacity) {
		grow(t);
		at = slot(t, key);
	}
	e = entry(t, t->used++);
	*at = t->used;
	memset(e, 0, t->entry_size);
	memcpy(e, key, t->key_bytes);
	return e + t->key_size;
}

void sample_table_flush(struct sample_table *t, void (*fn)(void *ctx, void *sample), void *ctx)
{
	bool roomy = t->capacity > FIRST_CAPACITY && t->used < t->capacity / 8;

	for (unsigned i = 0; i < t->used; i++)
		fn(ctx, entry(t, i) + t->key_size);
	t->used = 0;
	if (roomy) /* after a storm, half as large each second */
		allocate(t, t->capacity / 2);
	else
		memset(t->index, 0, 2 * (size_t)t->capacity * sizeof(*t->index));
}
