/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/keytable.h"

#include <stdlib.h>
#include <string.h>

#define START_CAP 16

static void resize(struct keytable *t, unsigned cap)
{
	t->cap = cap;
	t->all = xrealloc(t->all, cap, sizeof(*t->all));
	free(t->buckets);
	t->n_buckets = cap;
	t->buckets = xcalloc(t->n_buckets, sizeof(*t->buckets));
	for (unsigned i = 0; i < t->n; i++) {
		struct keyed **bucket = &t->buckets[t->all[i]->hash & (t->n_buckets - 1)];

		t->all[i]->next = *bucket;
		*bucket = t->all[i];
	}
}

void keytable_init(struct keytable *t, unsigned max)
{
	*t = (struct keytable){ .max = max };
	resize(t, START_CAP);
}

void keytable_fini(struct keytable *t)
{
	free(t->all);
	free(t->buckets);
	*t = (struct keytable){ 0 };
}

struct keyed *keytable_find(const struct keytable *t, const void *key, unsigned len, uint64_t hash)
{
	struct keyed *k = t->buckets[hash & (t->n_buckets - 1)];

	while (k && (k->hash != hash || k->len != len || memcmp(k->key, key, len) != 0))
		k = k->next;
	return k;
}

static void link_newest(struct keytable *t, struct keyed *k)
{
	k->older = t->newest;
	k->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = k;
	t->newest = k;
}

static void unlink_use(struct keytable *t, struct keyed *k)
{
	*(k->older ? &k->older->newer : &t->oldest) = k->newer;
	*(k->newer ? &k->newer->older : &t->newest) = k->older;
}

void keytable_add(struct keytable *t, struct keyed *k)
{
	struct keyed **bucket;

	if (t->n == t->cap)
		resize(t, t->cap * 2);
	k->index = t->n;
	t->all[t->n++] = k;
	bucket = &t->buckets[k->hash & (t->n_buckets - 1)];
	k->next = *bucket;
	*bucket = k;
	k->held = false;
	link_newest(t, k);
}

void keytable_remove(struct keytable *t, struct keyed *k)
{
	struct keyed **at = &t->buckets[k->hash & (t->n_buckets - 1)];

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	t->all[k->index] = t->all[--t->n];
	t->all[k->index]->index = k->index;
	unlink_use(t, k);
}

void keytable_touch(struct keytable *t, struct keyed *k)
{
	if (k->held || t->newest == k)
		return;
	unlink_use(t, k);
	link_newest(t, k);
}

void keytable_hold(struct keytable *t, struct keyed *k, bool hold)
{
	if (hold == k->held)
		return;
	k->held = hold;
	if (hold)
		unlink_use(t, k);
	else
		link_newest(t, k);
}
