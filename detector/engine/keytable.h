/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded hash table of keys, with the order in which they were last used. Holds what its owner
 * embeds a struct keyed in, and owns none of it. All operations take constant time.
 */
#ifndef ENGINE_KEYTABLE_H
#define ENGINE_KEYTABLE_H

#include "util/base.h"

struct keyed {
	const unsigned char *key; /* set by the owner before keytable_add() */
	uint64_t hash;
	unsigned len;

	unsigned index;	    /* in keytable.all */
	bool held;	    /* not in the order of use, so never the oldest */
	struct keyed *next; /* in its bucket */
	struct keyed *older;
	struct keyed *newer;
};

struct keytable {
	struct keyed **all; /* for iteration: all[0] to all[n - 1]; a removed one's place is taken
			       by the last */
	unsigned n;
	unsigned max;

	struct keyed **buckets;
	size_t n_buckets; /* a power of two */
	unsigned cap;	  /* of all */
	struct keyed *oldest;
	struct keyed *newest;
};

void keytable_init(struct keytable *t, unsigned max);
/* Forgets all keys. */
void keytable_fini(struct keytable *t);

/* NULL if absent. */
struct keyed *keytable_find(const struct keytable *t, const void *key, unsigned len, uint64_t hash);
/* Adds a key that is absent, as the newest; the table must hold fewer than max. */
void keytable_add(struct keytable *t, struct keyed *k);
/* k must not be held. */
void keytable_remove(struct keytable *t, struct keyed *k);
/* Makes k the newest. */
void keytable_touch(struct keytable *t, struct keyed *k);
/* Takes k out of the order of use, or puts it back as the newest. */
void keytable_hold(struct keytable *t, struct keyed *k, bool hold);

#endif
