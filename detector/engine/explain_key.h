/* SPDX-License-Identifier: BSD-2-Clause */
/* Which key of a rule is meant. */
#ifndef ENGINE_EXPLAIN_KEY_H
#define ENGINE_EXPLAIN_KEY_H

#include "engine/key.h"
#include "engine/parts.h"

#define CLOSEST_KEYS 5

/* A key that the rule knows. */
struct known_key {
	unsigned char packed[KEY_BYTES_MAX];
	size_t len;
};

struct key_choice {
	bool found;
	struct known_key key;
	struct known_key closest[CLOSEST_KEYS]; /* if none was found; the most alike first */
	unsigned n_closest;
};

/*
 * Finds the key that reads as text says: "comm=postgres,pid=12", in any order, or only some of the
 * fields; of several the one that is pending or firing, or nearest to it. With NULL, of all keys (of
 * very many, the first KEYS_LOOKED_AT) that one. Returns NULL, or what is wrong with the text, which
 * the caller frees.
 */
#define KEYS_LOOKED_AT 10000
char *choose_key(struct engine *e, unsigned rule, const char *text, uint64_t now_ns,
		 struct key_choice *ret);

#endif
