/* SPDX-License-Identifier: BSD-2-Clause */
/* FNV-1a, 64 bit (public domain, Fowler/Noll/Vo): for hash tables, not for secrets. */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

#include "util/base.h"

#define HASH_INIT 0xcbf29ce484222325ull

/* Mixes len bytes into a hash that HASH_INIT starts. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	return hash;
}

#endif
