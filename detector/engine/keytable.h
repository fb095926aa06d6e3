/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded hash table of keys. Holds entries of one size: a struct keyed, the key, and what the
 * owner needs behind it, zeroed when the key is added. An entry stays where it is until it is
 * removed, and is named by its number; the number of a removed one is given out again.
 */
#ifndef ENGINE_KEYTABLE_H
#define ENGINE_KEYTABLE_H

#include <string.h>

#include "util/base.h"

#define KEYTABLE_NONE UINT32_MAX

struct keyed {
	uint64_t last_ns; /* the owner's: the latest time heard of it; orders who is quiet */
	uint32_t hash;
	uint16_t len;
	uint16_t held; /* the owner's: how many need it to stay; such is never the quietest */
	bool used;     /* it is a key */
	bool settled;  /* the owner's */
	uint32_t next; /* + 1; of a removed one: the next removed one */
};

/* The first has 16 entries, each of the others twice as many as the one before. */
#define KEYTABLE_CHUNKS 27

struct keytable {
	size_t stride;	 /* bytes of an entry */
	size_t key_room; /* for the key, in the entry; 0: a pointer to it */
	size_t key_at;	 /* offset in the entry */
	uint32_t n;	 /* keys */
	uint32_t max;
	uint32_t high;	  /* entries were given out below that number */
	uint32_t removed; /* + 1: the one removed last, 0: none */
	uint32_t hand;	  /* how many were looked at so far to find a quiet one */
	unsigned char *chunks[KEYTABLE_CHUNKS];
	uint64_t *slots;  /* open addressing: hash << 32 | number + 1; 0: free */
	uint32_t n_slots; /* a power of two */
};

/* owned: bytes that the owner needs. key_max: no key is longer. max > 0. */
void keytable_init(struct keytable *t, uint32_t max, size_t key_max, size_t owned);
/* Forgets all keys. */
void keytable_fini(struct keytable *t);
/* Offset in the entry of what the owner needs; a multiple of 8. */
size_t keytable_owned_at(const struct keytable *t);

static inline struct keyed *keytable_at(const struct keytable *t, uint32_t number)
{
	unsigned chunk = 27u - (unsigned)__builtin_clz(number + 16);

	return (struct keyed *)(t->chunks[chunk] + (number + 16 - (16u << chunk)) * t->stride);
}

static inline const unsigned char *keytable_key(const struct keytable *t, const struct keyed *k)
{
	const unsigned char *at = (const unsigned char *)k + t->key_at;

	return t->key_room ? at : *(unsigned char *const *)at;
}

/* Is that number, below t->high, of a key? */
static inline bool keytable_used(const struct keytable *t, uint32_t number)
{
	return keytable_at(t, number)->used;
}

/* KEYTABLE_NONE if absent. */
uint32_t keytable_find(const struct keytable *t, const void *key, size_t len, uint64_t hash);
/* Adds a key that is absent; the table must hold fewer than max. */
uint32_t keytable_add(struct keytable *t, const void *key, size_t len, uint64_t hash);
void keytable_remove(struct keytable *t, uint32_t number);
/* One that is not held: in a table of up to 32 the quietest, else the quietest of 32 that lie all
 * over it; KEYTABLE_NONE if there is none among 1024. */
uint32_t keytable_quiet(struct keytable *t);

/* For a find that comes soon: first where it will look, a little later what it will find. */
static inline void keytable_prefetch(const struct keytable *t, uint64_t hash)
{
	__builtin_prefetch(&t->slots[hash & (t->n_slots - 1)]);
}
/* The number of the entry that is most likely the key's, which is asked for; or KEYTABLE_NONE. */
uint32_t keytable_guess(const struct keytable *t, uint64_t hash);

/* Is that entry the key's? number may be KEYTABLE_NONE, or of a removed one. */
static inline bool keytable_is(const struct keytable *t, uint32_t number, const void *key,
			       size_t len)
{
	const struct keyed *k;

	if (number == KEYTABLE_NONE)
		return false;
	k = keytable_at(t, number);
	return k->used && k->len == len && memcmp(keytable_key(t, k), key, len) == 0;
}

#endif
