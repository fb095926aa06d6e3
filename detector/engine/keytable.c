/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/keytable.h"

#include <stdlib.h>
#include <string.h>

#include "util/pages.h"

#define START_SLOTS 32
/* Longer keys are allocated, since an entry has room for the longest. */
#define KEY_ROOM_MAX 64
/* How many are looked at to find a quiet one: all, of a small table. */
#define LOOK_AT		   32
#define LOOK_AT_MAX	   1024
#define PREFETCH_BYTES_MAX 1024

static size_t round_up(size_t size)
{
	return (size + 7) / 8 * 8;
}

static size_t chunk_bytes(unsigned chunk, size_t stride)
{
	return ((size_t)16 << chunk) * stride;
}

void keytable_init(struct keytable *t, uint32_t max, size_t key_max, size_t owned, size_t apart)
{
	*t = (struct keytable){ .max = max, .key_at = sizeof(struct keyed) };
	t->key_room = key_max <= KEY_ROOM_MAX ? round_up(key_max ? key_max : 1) : 0;
	t->stride = keytable_owned_at(t) + round_up(owned);
	t->apart = round_up(apart);
	t->ahead = t->stride < PREFETCH_BYTES_MAX ? t->stride : PREFETCH_BYTES_MAX;
	t->n_slots = START_SLOTS;
	t->slots = pages_new(t->n_slots * sizeof(*t->slots));
}

size_t keytable_owned_at(const struct keytable *t)
{
	return t->key_at + (t->key_room ? t->key_room : sizeof(void *));
}

static void free_key(const struct keytable *t, struct keyed *k)
{
	if (!t->key_room)
		free(*(void **)((unsigned char *)k + t->key_at));
}

void keytable_fini(struct keytable *t)
{
	for (uint32_t i = 0; i < t->high; i++)
		if (keytable_used(t, i))
			free_key(t, keytable_at(t, i));
	for (unsigned i = 0; i < KEYTABLE_CHUNKS; i++) {
		pages_free(t->chunks[i], chunk_bytes(i, t->stride));
		pages_free(t->apart_chunks[i], chunk_bytes(i, t->apart));
	}
	pages_free(t->slots, t->n_slots * sizeof(*t->slots));
	*t = (struct keytable){ 0 };
}

struct keyed *keytable_find(const struct keytable *t, const struct table_key *key)
{
	uint32_t tag = (uint32_t)key->hash;
	uint32_t mask = t->n_slots - 1;

	for (uint32_t at = tag & mask; t->slots[at]; at = (at + 1) & mask) {
		struct keyed *k;

		if (t->slots[at] >> 32 != tag)
			continue;
		k = keytable_at(t, (uint32_t)t->slots[at] - 1);
		if (keytable_is(t, k, key))
			return k;
	}
	return NULL;
}

static void put(struct keytable *t, uint64_t slot)
{
	uint32_t mask = t->n_slots - 1;
	uint32_t at = (uint32_t)(slot >> 32) & mask;

	while (t->slots[at])
		at = (at + 1) & mask;
	t->slots[at] = slot;
}

static void grow(struct keytable *t)
{
	uint64_t *old = t->slots;
	uint32_t n_old = t->n_slots;

	t->n_slots *= 2;
	t->slots = pages_new(t->n_slots * sizeof(*t->slots));
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i])
			put(t, old[i]);
	pages_free(old, n_old * sizeof(*old));
}

static struct keyed *new_entry(struct keytable *t)
{
	uint32_t number = t->removed - 1;
	unsigned chunk;
	struct keyed *k;

	if (t->removed) {
		t->removed = keytable_at(t, number)->number;
	} else {
		number = t->high++;
		chunk = keytable_chunk(number);
		if (!t->chunks[chunk]) {
			t->chunks[chunk] = pages_new(chunk_bytes(chunk, t->stride));
			t->apart_chunks[chunk] = pages_new(chunk_bytes(chunk, t->apart));
		}
	}
	k = keytable_at(t, number);
	memset(k, 0, t->stride);
	k->number = number;
	memset(keytable_apart(t, number), 0, t->apart);
	return k;
}

struct keyed *keytable_add(struct keytable *t, const struct table_key *key)
{
	struct keyed *k = new_entry(t);
	unsigned char *at = (unsigned char *)k + t->key_at;

	k->hash = (uint32_t)key->hash;
	k->len = (uint16_t)key->len;
	k->used = true;
	if (!t->key_room)
		at = *(unsigned char **)at = xcalloc(1, key->len);
	if (key->len)
		memcpy(at, key->bytes, key->len);
	if (++t->n > t->n_slots / 4 * 3)
		grow(t);
	put(t, (uint64_t)k->hash << 32 | (k->number + 1));
	return k;
}

/* Those behind it move up, so that no search ends early. */
static void free_slot(struct keytable *t, uint32_t at)
{
	uint32_t mask = t->n_slots - 1;

	for (uint32_t next = (at + 1) & mask; t->slots[next]; next = (next + 1) & mask) {
		uint32_t home = (uint32_t)(t->slots[next] >> 32) & mask;

		if (((next - home) & mask) < ((next - at) & mask))
			continue;
		t->slots[at] = t->slots[next];
		at = next;
	}
	t->slots[at] = 0;
}

void keytable_remove(struct keytable *t, struct keyed *k)
{
	uint32_t mask = t->n_slots - 1, number = k->number;
	uint32_t at = k->hash & mask;

	while ((uint32_t)t->slots[at] != number + 1)
		at = (at + 1) & mask;
	free_slot(t, at);
	free_key(t, k);
	k->used = false;
	k->len = UINT16_MAX;
	k->number = t->removed;
	t->removed = number + 1;
	t->n--;
}

/* The i-th to look at: all of a small table, else spread evenly, each time others. */
static uint32_t candidate(const struct keytable *t, uint32_t i)
{
	if (t->high <= LOOK_AT)
		return i;
	/* multiples of the golden ratio */
	return (uint32_t)((uint64_t)((t->hand + i) * 0x9e3779b1u) * t->high >> 32);
}

static void prefetch_candidates(const struct keytable *t)
{
	for (uint32_t i = 0; i < LOOK_AT && i < t->high; i++)
		__builtin_prefetch(keytable_at(t, candidate(t, i)));
}

struct keyed *keytable_quiet(struct keytable *t)
{
	struct keyed *best = NULL;
	unsigned seen = 0;
	uint32_t i;

	prefetch_candidates(t);
	for (i = 0; i < t->high && i < LOOK_AT_MAX && seen < LOOK_AT; i++) {
		struct keyed *k = keytable_at(t, candidate(t, i));

		if (!k->used || k->held)
			continue;
		seen++;
		if (!best || k->last_ns < best->last_ns)
			best = k;
	}
	t->hand += i;
	return best;
}
