/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/keytable.h"

/* How many are looked at to find a quiet one: all, of a small table. */
#define LOOK_AT		   32
#define LOOK_AT_MAX	   1024
#define PREFETCH_BYTES_MAX 1024

static size_t round_up(size_t size)
{
	return (size + 7) / 8 * 8;
}

void keytable_init(struct keytable *t, uint32_t max, struct directory *directory, unsigned place,
		   size_t owned, size_t apart)
{
	*t = (struct keytable){ .max = max, .directory = directory, .place = place };
	t->number_at = directory->tables_at + place * sizeof(uint32_t);
	t->entries.stride = round_up(KEYED_BYTES + owned);
	t->apart.stride = round_up(sizeof(struct keyed_apart) + apart);
	t->ahead = t->entries.stride < PREFETCH_BYTES_MAX ? t->entries.stride : PREFETCH_BYTES_MAX;
}

void keytable_fini(struct keytable *t)
{
	pool_fini(&t->entries);
	pool_fini(&t->apart);
	*t = (struct keytable){ 0 };
}

const unsigned char *keytable_key(const struct keytable *t, const struct keyed *k, size_t *ret_len)
{
	const struct dir_key *key = directory_at(t->directory, keytable_apart(t, k->number)->key);

	*ret_len = key->len;
	return directory_key(t->directory, key);
}

struct keyed *keytable_find(const struct keytable *t, const struct table_key *key)
{
	uint32_t found = directory_find(t->directory, key), number;

	if (!found)
		return NULL;
	number = keytable_number(t, directory_at(t->directory, found - 1));
	return number ? keytable_at(t, number - 1) : NULL;
}

static uint32_t next_number(struct keytable *t)
{
	uint32_t number = t->removed - 1;

	if (!t->removed)
		return t->high++;
	t->removed = keytable_apart(t, number)->key;
	return number;
}

struct keyed *keytable_add(struct keytable *t, const struct table_key *key)
{
	uint32_t number = next_number(t);
	struct keyed *k = pool_new(&t->entries, number);
	struct keyed_apart *apart = pool_new(&t->apart, number);

	k->number = number & INT32_MAX;
	apart->key = directory_get(t->directory, key);
	apart->used = true;
	directory_set(t->directory, apart->key, t->place, number);
	t->n++;
	return k;
}

void keytable_remove(struct keytable *t, struct keyed *k)
{
	struct keyed_apart *apart = keytable_apart(t, k->number);

	directory_unset(t->directory, apart->key, t->place);
	apart->used = false;
	apart->key = t->removed;
	t->removed = k->number + 1;
	t->n--;
}

/* The i-th to look at: all of a small table, else spread evenly, each time others. */
static uint32_t candidate(const struct keytable *t, uint32_t i)
{
	if (t->high <= LOOK_AT)
		return i;
	/* multiples of the golden ratio */
	return (uint32_t)((uint64_t)((t->hand + i) * 0x9e3779b1u) * t->high >> 32);
}

static void prefetch_candidates(const struct keytable *t)
{
	for (uint32_t i = 0; i < LOOK_AT && i < t->high; i++) {
		__builtin_prefetch(keytable_at(t, candidate(t, i)));
		__builtin_prefetch(keytable_apart(t, candidate(t, i)));
	}
}

struct keyed *keytable_quiet(struct keytable *t)
{
	struct keyed *best = NULL;
	unsigned seen = 0;
	uint32_t i;

	prefetch_candidates(t);
	for (i = 0; i < t->high && i < LOOK_AT_MAX && seen < LOOK_AT; i++) {
		uint32_t number = candidate(t, i);
		const struct keyed_apart *apart = keytable_apart(t, number);
		struct keyed *k = keytable_at(t, number);

		if (!apart->used || apart->held)
			continue;
		seen++;
		if (!best || k->last_ns < best->last_ns)
			best = k;
	}
	t->hand += i;
	return best;
}
