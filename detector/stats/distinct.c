/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats/distinct.h"

#include <stdlib.h>

#include "stats/grid.h"

#define START_CAP 16
#define LEVEL_MAX 40

void distinct_clear(struct distinct *d)
{
	free(d->places);
	*d = (struct distinct){ 0 };
}

static bool at_level(uint64_t hash, unsigned level)
{
	return level == 0 || hash >> (64 - level) == 0;
}

/* The first bits choose, so the place is by others. */
static struct distinct_place *find(struct distinct *d, uint64_t hash)
{
	unsigned at = (unsigned)hash & (d->cap - 1);

	while (d->places[at].slot && d->places[at].hash != hash)
		at = (at + 1) & (d->cap - 1);
	return &d->places[at];
}

/* Into a table of that size, without what is out of the window or not at the level. */
static void rebuild(struct distinct *d, unsigned cap, uint64_t oldest)
{
	struct distinct_place *old = d->places;
	unsigned old_cap = d->cap;

	d->places = xcalloc(cap, sizeof(*d->places));
	d->cap = cap;
	d->n = 0;
	for (unsigned i = 0; i < old_cap; i++) {
		if (!old[i].slot || old[i].slot - 1 < oldest || !at_level(old[i].hash, d->level))
			continue;
		*find(d, old[i].hash) = old[i];
		d->n++;
	}
	free(old);
}

static void make_room(struct distinct *d, uint64_t oldest)
{
	if (d->cap == 0 || (d->n == d->cap / 2 && d->n < DISTINCT_EXACT)) {
		rebuild(d, d->cap ? d->cap * 2 : START_CAP, oldest);
		return;
	}
	if (d->n < DISTINCT_EXACT)
		return;
	rebuild(d, d->cap, oldest);
	while (d->n >= DISTINCT_EXACT && d->level < LEVEL_MAX) {
		d->level++;
		rebuild(d, d->cap, oldest);
	}
	if (d->shown < d->level)
		d->shown = d->level;
}

void distinct_add(struct distinct *d, uint64_t hash, uint64_t slot, uint64_t oldest)
{
	struct distinct_place *place;

	if (!at_level(hash, d->level))
		return;
	place = d->cap ? find(d, hash) : NULL;
	if (!place || !place->slot) {
		make_room(d, oldest);
		if (!at_level(hash, d->level) || d->n >= DISTINCT_EXACT)
			return;
		place = find(d, hash);
		place->hash = hash;
		d->n++;
	}
	if (place->slot < slot + 1)
		place->slot = slot + 1;
}

/* So few are left that a larger part would have room. */
static void lower(struct distinct *d, unsigned kept, uint64_t newest)
{
	while (d->level > 0 && kept < DISTINCT_EXACT / 8) {
		d->level--;
		d->lowered = newest;
		kept = kept * 2 + 1;
	}
}

double distinct_estimate(struct distinct *d, uint64_t oldest, uint64_t newest)
{
	unsigned kept = 0;

	/* Before that, some were left out. */
	if (d->shown > d->level && newest - d->lowered > GRID_PLACES)
		d->shown = d->level;
	for (unsigned i = 0; i < d->cap; i++)
		kept += d->places[i].slot && d->places[i].slot - 1 >= oldest &&
			at_level(d->places[i].hash, d->shown);
	if (d->shown == d->level)
		lower(d, kept, newest);
	return (double)kept * (double)(1ull << d->shown);
}
