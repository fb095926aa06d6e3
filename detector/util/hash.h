/* SPDX-License-Identifier: BSD-2-Clause */
/* Hashes for tables and for telling apart what is the same; not for secrets. */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

#include <string.h>

#include "util/base.h"

#define HASH_INIT 0xcbf29ce484222325ull

/* FNV-1a, 64 bit (public domain, Fowler/Noll/Vo): mixes len bytes into a hash that HASH_INIT starts. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	return hash;
}

/* Both halves of a product of 128 bits: each bit of either factor reaches all bits of the result. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes at a time, good in all bits; with a secret seed nobody can choose what collides. */
static inline uint64_t hash_keyed(uint64_t seed, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t hash = seed ^ (0x9e3779b97f4a7c15ull + len);
	uint64_t word;

	for (; len > 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		hash = hash_fold(hash ^ word, 0xd6e8feb86659fd93ull) + seed;
	}
	word = 0;
	memcpy(&word, p, len);
	return hash_fold(hash_fold(hash ^ word, 0xd6e8feb86659fd93ull) ^ seed,
			 0xc2b2ae3d27d4eb4full);
}

#endif
