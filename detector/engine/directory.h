/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys that are the same to several tables (keytable.h), so that an event has its key looked up
 * once for all of them. An entry is
 *
 *	struct dir_key | the key | for each table: the number of its entry for that key, + 1; 0: none
 *
 * and is there as long as one of the tables has the key.
 */
#ifndef ENGINE_DIRECTORY_H
#define ENGINE_DIRECTORY_H

#include <string.h>

#include "engine/pool.h"

/* Of one directory: each takes up room in every entry. */
#define DIRECTORY_TABLES_MAX 16

/* What is looked for; hash: a good one of the bytes. */
struct table_key {
	const unsigned char *bytes;
	size_t len;
	uint64_t hash;
};

struct dir_key {
	uint32_t hash;
	uint16_t len;	 /* of a removed one: longer than any key */
	uint16_t tables; /* how many have it */
};

struct directory {
	struct pool entries;
	size_t key_room;  /* for the key, in the entry; 0: a pointer to it */
	size_t tables_at; /* offset in the entry */
	unsigned n_tables;
	uint32_t n;
	uint32_t high;	   /* entries were given out below that number */
	uint32_t removed;  /* + 1: the one removed last, which leads on; 0: none */
	uint32_t removals; /* from tables, so far: a dir_key may be another's after one */
	uint64_t *slots;   /* open addressing: hash << 32 | number + 1; 0: free */
	uint32_t n_slots;  /* a power of two */
};

/* key_max: no key is longer. */
void directory_init(struct directory *d, unsigned n_tables, size_t key_max);
void directory_fini(struct directory *d);

static inline struct dir_key *directory_at(const struct directory *d, uint32_t number)
{
	return pool_at(&d->entries, number);
}

static inline const unsigned char *directory_key(const struct directory *d, const struct dir_key *k)
{
	const unsigned char *at = (const unsigned char *)(k + 1);

	return d->key_room ? at : *(unsigned char *const *)at;
}

/* For each table, the number of its entry + 1, or 0. */
static inline uint32_t *directory_tables(const struct directory *d, const struct dir_key *k)
{
	return (uint32_t *)((unsigned char *)k + d->tables_at);
}

/* Number + 1; 0 if absent. */
uint32_t directory_find(const struct directory *d, const struct table_key *key);
/* The number of a key; added if it is absent. */
uint32_t directory_get(struct directory *d, const struct table_key *key);
/* The table has the key of that number, as that entry. */
void directory_set(struct directory *d, uint32_t number, unsigned table, uint32_t entry);
/* It has it no longer. */
void directory_unset(struct directory *d, uint32_t number, unsigned table);

/* For a find that comes soon: first where it will look, a little later what it will find. */
static inline void directory_prefetch(const struct directory *d, const struct table_key *key)
{
	__builtin_prefetch(&d->slots[key->hash & (d->n_slots - 1)]);
}
/* What is most likely the key's, which is asked for; or NULL. */
static inline struct dir_key *directory_guess(const struct directory *d,
					      const struct table_key *key)
{
	uint32_t tag = (uint32_t)key->hash;
	uint32_t mask = d->n_slots - 1;
	uint32_t at = tag & mask;
	struct dir_key *k;

	while (d->slots[at] >> 32 != tag && d->slots[at])
		at = (at + 1) & mask;
	if (!d->slots[at])
		return NULL;
	k = directory_at(d, (uint32_t)d->slots[at] - 1);
	__builtin_prefetch(k);
	__builtin_prefetch((char *)k + d->entries.stride - 1);
	return k;
}

static inline bool directory_same_bytes(const unsigned char *a, const unsigned char *b, size_t len)
{
	uint64_t x, y;

	for (; len >= sizeof(x); a += sizeof(x), b += sizeof(y), len -= sizeof(x)) {
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		if (x != y)
			return false;
	}
	return len == 0 || memcmp(a, b, len) == 0;
}

/* Is that entry the key's? It may be a removed one. */
static inline bool directory_is(const struct directory *d, const struct dir_key *k,
				const struct table_key *key)
{
	return k->len == key->len &&
	       directory_same_bytes(directory_key(d, k), key->bytes, key->len);
}

#endif
