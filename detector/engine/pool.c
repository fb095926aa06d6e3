/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/pool.h"

#include <string.h>

#include "util/pages.h"

static size_t chunk_bytes(const struct pool *p, unsigned chunk)
{
	return ((size_t)16 << chunk) * p->stride;
}

void *pool_new(struct pool *p, uint32_t number)
{
	unsigned chunk = 27u - (unsigned)__builtin_clz(number + 16);

	if (!p->chunks[chunk])
		p->chunks[chunk] = pages_new(chunk_bytes(p, chunk));
	return memset(pool_at(p, number), 0, p->stride);
}

void pool_fini(struct pool *p)
{
	for (unsigned i = 0; i < POOL_CHUNKS; i++)
		pages_free(p->chunks[i], chunk_bytes(p, i));
	*p = (struct pool){ 0 };
}
