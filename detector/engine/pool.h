/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbered entries of one size, which stay where they are: in chunks, each twice as large as the one
 * before. Who owns it gives the numbers out. */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H

#include "util/base.h"

/* The first has 16 entries. */
#define POOL_CHUNKS 27

struct pool {
	size_t stride; /* bytes of an entry */
	unsigned char *chunks[POOL_CHUNKS];
};

static inline void *pool_at(const struct pool *p, uint32_t number)
{
	unsigned chunk = 27u - (unsigned)__builtin_clz(number + 16);

	return p->chunks[chunk] + (number + 16 - (16u << chunk)) * p->stride;
}

/* The entry of that number, zeroed; makes room for it if need be. */
void *pool_new(struct pool *p, uint32_t number);
void pool_fini(struct pool *p);

#endif
