/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded hash table of keys. Holds entries of one size: a struct keyed, the key, and what the
 * owner needs behind it for each event; and apart from these, so that they take up few cache lines,
 * what the owner needs seldom. Both are zeroed when the key is added. An entry stays where it is until it is
 * removed, and has a number; entry and number of a removed one are given out again.
 */
#ifndef ENGINE_KEYTABLE_H
#define ENGINE_KEYTABLE_H

#include <string.h>

#include "util/base.h"

/* What is looked for; hash: a good one of the bytes. */
struct table_key {
	const unsigned char *bytes;
	size_t len;
	uint64_t hash;
};

struct keyed {
	uint64_t last_ns; /* the owner's: the latest time heard of it; orders who is quiet */
	uint32_t hash;
	uint32_t number; /* its own; of a removed one: of the one removed before it, + 1 */
	uint16_t len;	 /* of a removed one: longer than any key */
	uint16_t held;	 /* the owner's: how many need it to stay; such is never the quietest */
	bool used;	 /* it is a key */
	bool settled;	 /* the owner's */
};

/* The first has 16 entries, each of the others twice as many as the one before. */
#define KEYTABLE_CHUNKS 27

struct keytable {
	size_t stride;	 /* bytes of an entry ... */
	size_t apart;	 /* ... and of what is apart from it */
	size_t key_room; /* for the key, in the entry; 0: a pointer to it */
	size_t key_at;	 /* offset in the entry */
	size_t ahead;	 /* bytes of an entry that keytable_guess() asks for */
	bool apart_too;	 /* the owner's: it asks for what is apart too */
	uint32_t n;	 /* keys */
	uint32_t max;
	uint32_t high;	  /* entries were given out below that number */
	uint32_t removed; /* + 1: the one removed last, 0: none */
	uint32_t hand;	  /* how many were looked at so far to find a quiet one */
	unsigned char *chunks[KEYTABLE_CHUNKS];
	unsigned char *apart_chunks[KEYTABLE_CHUNKS];
	uint64_t *slots;  /* open addressing: hash << 32 | number + 1; 0: free */
	uint32_t n_slots; /* a power of two */
};

/* owned, apart: bytes that the owner needs often, and seldom. key_max: no key is longer. max > 0. */
void keytable_init(struct keytable *t, uint32_t max, size_t key_max, size_t owned, size_t apart);
/* Forgets all keys. */
void keytable_fini(struct keytable *t);
/* Offset in the entry of what the owner needs often; a multiple of 8. */
size_t keytable_owned_at(const struct keytable *t);

static inline unsigned keytable_chunk(uint32_t number)
{
	return 27u - (unsigned)__builtin_clz(number + 16);
}

static inline struct keyed *keytable_at(const struct keytable *t, uint32_t number)
{
	unsigned chunk = keytable_chunk(number);

	return (struct keyed *)(t->chunks[chunk] + (number + 16 - (16u << chunk)) * t->stride);
}

/* What the owner needs seldom of the entry of that number. */
static inline void *keytable_apart(const struct keytable *t, uint32_t number)
{
	unsigned chunk = keytable_chunk(number);

	return t->apart_chunks[chunk] + (number + 16 - (16u << chunk)) * t->apart;
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

/* NULL if absent. */
struct keyed *keytable_find(const struct keytable *t, const struct table_key *key);
/* Adds a key that is absent; the table must hold fewer than max. */
struct keyed *keytable_add(struct keytable *t, const struct table_key *key);
void keytable_remove(struct keytable *t, struct keyed *k);
/* One that is not held: in a table of up to 32 the quietest, else the quietest of 32 that lie all
 * over it; NULL if there is none among 1024. */
struct keyed *keytable_quiet(struct keytable *t);

/* For a find that comes soon: first where it will look, a little later what it will find. */
static inline void keytable_prefetch(const struct keytable *t, const struct table_key *key)
{
	__builtin_prefetch(&t->slots[key->hash & (t->n_slots - 1)]);
}
/* The entry that is most likely the key's, which is asked for; or NULL. */
static inline struct keyed *keytable_guess(const struct keytable *t, const struct table_key *key)
{
	uint32_t tag = (uint32_t)key->hash;
	uint32_t mask = t->n_slots - 1;
	uint32_t at = tag & mask;
	struct keyed *k;

	while (t->slots[at] >> 32 != tag && t->slots[at])
		at = (at + 1) & mask;
	if (!t->slots[at])
		return NULL;
	k = keytable_at(t, (uint32_t)t->slots[at] - 1);
	for (size_t i = 0; i < t->ahead; i += 64)
		__builtin_prefetch((const char *)k + i, 1);
	if (t->apart_too)
		__builtin_prefetch(keytable_apart(t, (uint32_t)t->slots[at] - 1), 1);
	return k;
}

static inline bool keytable_same_bytes(const unsigned char *a, const unsigned char *b, size_t len)
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
static inline bool keytable_is(const struct keytable *t, const struct keyed *k,
			       const struct table_key *key)
{
	return k->len == key->len && keytable_same_bytes(keytable_key(t, k), key->bytes, key->len);
}

#endif
