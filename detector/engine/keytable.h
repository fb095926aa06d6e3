/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded table of keys, which are found by a directory. Holds entries of one size: a struct keyed,
 * and what the owner needs behind it for each event; and apart from these, so that they take up few
 * cache lines, what it needs seldom. Both are zeroed when the key is added. An entry stays where it is
 * until it is removed, and has a number; entry and number of a removed one are given out again.
 */
#ifndef ENGINE_KEYTABLE_H
#define ENGINE_KEYTABLE_H

#include "engine/directory.h"

struct keyed {
	uint64_t last_ns;      /* the owner's: the latest time heard of it; orders who is quiet */
	uint32_t number : 31;  /* its own */
	uint32_t settled : 1;  /* the owner's */
	unsigned char owned[]; /* ... */
};

/* Where the owner's bytes begin: the struct itself is rounded up. */
#define KEYED_BYTES offsetof(struct keyed, owned)

/* Apart from the entry. */
struct keyed_apart {
	uint32_t
		key; /* number in the directory; of a removed one: the one removed before it, + 1 */
	uint16_t held; /* the owner's: how many need it to stay; such is never the quietest */
	bool used;     /* it is a key */
};

struct keytable {
	struct directory *directory; /* borrowed ... */
	unsigned place;		     /* ... of which it is that table, ... */
	size_t number_at;	     /* ... which stands there in an entry */
	struct pool entries, apart;
	size_t ahead;	/* bytes of an entry that keytable_prefetch() asks for */
	bool apart_too; /* the owner's: it asks for what is apart too */
	uint32_t n;	/* keys */
	uint32_t max;
	uint32_t high;	  /* entries were given out below that number */
	uint32_t removed; /* + 1: the one removed last, 0: none */
	uint32_t hand;	  /* how many were looked at so far to find a quiet one */
};

/* owned, apart: bytes that the owner needs often, and seldom. max > 0. */
void keytable_init(struct keytable *t, uint32_t max, struct directory *directory, unsigned place,
		   size_t owned, size_t apart);
/* Forgets all keys; the directory is no longer to be used. */
void keytable_fini(struct keytable *t);

static inline struct keyed *keytable_at(const struct keytable *t, uint32_t number)
{
	return pool_at(&t->entries, number);
}

static inline struct keyed_apart *keytable_apart(const struct keytable *t, uint32_t number)
{
	return pool_at(&t->apart, number);
}

/* Is that number, below t->high, of a key? */
static inline bool keytable_used(const struct keytable *t, uint32_t number)
{
	return keytable_apart(t, number)->used;
}

/* Lends; valid until the key is removed. */
const unsigned char *keytable_key(const struct keytable *t, const struct keyed *k, size_t *ret_len);

/* The number + 1 of what the table has of a key of its directory; 0: it does not have it. */
static inline uint32_t keytable_number(const struct keytable *t, const struct dir_key *key)
{
	return *(const uint32_t *)((const unsigned char *)key + t->number_at);
}

/* NULL if absent. */
struct keyed *keytable_find(const struct keytable *t, const struct table_key *key);
/* Adds a key that is absent; the table must hold fewer than max. */
struct keyed *keytable_add(struct keytable *t, const struct table_key *key);
void keytable_remove(struct keytable *t, struct keyed *k);
/* One that is not held: in a table of up to 32 the quietest, else the quietest of 32 that lie all
 * over it; NULL if there is none among 1024. */
struct keyed *keytable_quiet(struct keytable *t);

/* Asks for an entry that is needed soon. */
static inline void keytable_prefetch(const struct keytable *t, uint32_t number)
{
	const char *entry = pool_at(&t->entries, number);

	for (size_t i = 0; i < t->ahead; i += 64)
		__builtin_prefetch(entry + i, 1);
	if (t->apart_too)
		__builtin_prefetch(keytable_apart(t, number), 1);
}

#endif
