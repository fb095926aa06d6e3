/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/directory.h"

#include <stdlib.h>

#include "util/pages.h"

#define START_SLOTS 32
/* Longer keys are allocated, since an entry has room for the longest. */
#define KEY_ROOM_MAX 64

static size_t round_up(size_t size)
{
	return (size + 7) / 8 * 8;
}

void directory_init(struct directory *d, unsigned n_tables, size_t key_max)
{
	*d = (struct directory){ .n_tables = n_tables, .n_slots = START_SLOTS };
	d->key_room = key_max <= KEY_ROOM_MAX ? round_up(key_max ? key_max : 1) : 0;
	d->tables_at = sizeof(struct dir_key) + (d->key_room ? d->key_room : sizeof(void *));
	d->entries.stride = round_up(d->tables_at + n_tables * sizeof(uint32_t));
	d->slots = pages_new(d->n_slots * sizeof(*d->slots));
}

/* A removed one has none, and in place of it the one removed before it, + 1. */
static void free_key(const struct directory *d, struct dir_key *k)
{
	if (!d->key_room && k->len != UINT16_MAX)
		free(*(void **)(k + 1));
}

void directory_fini(struct directory *d)
{
	for (uint32_t i = 0; i < d->high; i++)
		free_key(d, directory_at(d, i));
	pool_fini(&d->entries);
	pages_free(d->slots, d->n_slots * sizeof(*d->slots));
	*d = (struct directory){ 0 };
}

uint32_t directory_find(const struct directory *d, const struct table_key *key)
{
	uint32_t tag = (uint32_t)key->hash;
	uint32_t mask = d->n_slots - 1;

	for (uint32_t at = tag & mask; d->slots[at]; at = (at + 1) & mask)
		if (d->slots[at] >> 32 == tag &&
		    directory_is(d, directory_at(d, (uint32_t)d->slots[at] - 1), key))
			return (uint32_t)d->slots[at];
	return 0;
}

static void put(struct directory *d, uint64_t slot)
{
	uint32_t mask = d->n_slots - 1;
	uint32_t at = (uint32_t)(slot >> 32) & mask;

	while (d->slots[at])
		at = (at + 1) & mask;
	d->slots[at] = slot;
}

static void grow(struct directory *d)
{
	uint64_t *old = d->slots;
	uint32_t n_old = d->n_slots;

	d->n_slots *= 2;
	d->slots = pages_new(d->n_slots * sizeof(*d->slots));
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i])
			put(d, old[i]);
	pages_free(old, n_old * sizeof(*old));
}

static uint32_t next_number(struct directory *d)
{
	uint32_t number = d->removed - 1;

	if (!d->removed)
		return d->high++;
	memcpy(&d->removed, directory_at(d, number) + 1, sizeof(d->removed));
	return number;
}

static uint32_t add(struct directory *d, const struct table_key *key)
{
	uint32_t number = next_number(d);
	struct dir_key *k = pool_new(&d->entries, number);
	unsigned char *at = (unsigned char *)(k + 1);

	k->hash = (uint32_t)key->hash;
	k->len = (uint16_t)key->len;
	if (!d->key_room)
		at = *(unsigned char **)at = xcalloc(1, key->len);
	if (key->len)
		memcpy(at, key->bytes, key->len);
	if (++d->n > d->n_slots / 4 * 3)
		grow(d);
	put(d, (uint64_t)k->hash << 32 | (number + 1));
	return number;
}

uint32_t directory_get(struct directory *d, const struct table_key *key)
{
	uint32_t found = directory_find(d, key);

	return found ? found - 1 : add(d, key);
}

/* Those behind it move up, so that no search ends early. */
static void free_slot(struct directory *d, uint32_t at)
{
	uint32_t mask = d->n_slots - 1;

	for (uint32_t next = (at + 1) & mask; d->slots[next]; next = (next + 1) & mask) {
		uint32_t home = (uint32_t)(d->slots[next] >> 32) & mask;

		if (((next - home) & mask) < ((next - at) & mask))
			continue;
		d->slots[at] = d->slots[next];
		at = next;
	}
	d->slots[at] = 0;
}

static void remove_key(struct directory *d, uint32_t number)
{
	struct dir_key *k = directory_at(d, number);
	uint32_t mask = d->n_slots - 1, at = k->hash & mask;

	while ((uint32_t)d->slots[at] != number + 1)
		at = (at + 1) & mask;
	free_slot(d, at);
	free_key(d, k);
	k->len = UINT16_MAX;
	memcpy(k + 1, &d->removed, sizeof(d->removed));
	d->removed = number + 1;
	d->n--;
}

void directory_set(struct directory *d, uint32_t number, unsigned table, uint32_t entry)
{
	struct dir_key *k = directory_at(d, number);

	directory_tables(d, k)[table] = entry + 1;
	k->tables++;
}

void directory_unset(struct directory *d, uint32_t number, unsigned table)
{
	struct dir_key *k = directory_at(d, number);

	directory_tables(d, k)[table] = 0;
	d->removals++;
	if (--k->tables == 0)
		remove_key(d, number);
}
