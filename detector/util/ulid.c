/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/ulid.h"

/* splitmix64 (public domain, Sebastiano Vigna): every state is a good one. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Writes the low 5 * n bits of v in Crockford's base 32. */
static void base32(uint64_t v, unsigned n, char *ret_text)
{
	while (n-- > 0) {
		ret_text[n] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[v & 31];
		v >>= 5;
	}
}

void ulid_next(struct ulid_source *s, uint64_t wall_ms, char ret_id[ULID_LEN + 1])
{
	if (wall_ms <= s->last_ms) {
		s->last_high += ++s->last_low == 0;
	} else {
		/* The top bit stays free, so counting up never overflows the 80 bits. */
		s->last_high = next_random(&s->state) & 0x7fff;
		s->last_low = next_random(&s->state);
		s->last_ms = wall_ms;
	}
	base32(s->last_ms & 0xffffffffffffull, 10, ret_id);
	base32(s->last_high << 24 | s->last_low >> 40, 8, ret_id + 10);
	base32(s->last_low & 0xffffffffffull, 8, ret_id + 18);
	ret_id[ULID_LEN] = '\0';
}
