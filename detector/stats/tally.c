/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slot number n lives at place n % GRID_PLACES. A place is taken over by a slot that begins when
 * nothing of the old one is inside any more, so an old one is always cleared by then. Only the oldest
 * slot's number is kept; those of the others follow from their places.
 */
#include "stats/tally.h"

#include <stdlib.h>

void tally_clear(struct tally *t)
{
	if (t->is_wide)
		free(t->wide);
	*t = (struct tally){ 0 };
}

static uint64_t slot_count(const struct tally *t, unsigned place)
{
	if (!t->is_wide)
		return t->narrow[place];
	return t->wide->counts[place] + (place == t->at ? t->fresh : 0);
}

static void clear_slot(struct tally *t, unsigned place)
{
	t->last[place] = 0;
	if (!t->is_wide) {
		t->few -= t->narrow[place];
		t->narrow[place] = 0;
		return;
	}
	t->many -= slot_count(t, place);
	t->wide->counts[place] = 0;
	if (place == t->at)
		t->fresh = 0;
}

static void widen(struct tally *t)
{
	struct tally_wide *wide = xcalloc(1, sizeof(*wide));

	for (unsigned i = 0; i < GRID_PLACES; i++)
		wide->counts[i] = t->narrow[i];
	t->wide = wide;
	t->many = t->few;
	t->fresh = 0;
	t->at = 0;
	t->is_wide = true;
}

static void put_wide(struct tally *t, unsigned place)
{
	t->wide->counts[t->at] += t->fresh;
	t->at = (uint8_t)place;
	t->fresh = 1;
	t->many++;
}

/* Drops the slots that have left; the tally holds some, and a time near now was sought. */
static void expire(struct tally *t, const struct grid *g, uint64_t now_ns)
{
	for (uint64_t until_ns; until_ns = tally_until_ns(t, g), now_ns >= until_ns;) {
		/* Then no later slot is inside either. */
		if (now_ns - until_ns < g->length_ns)
			clear_slot(t, t->place);
		else
			tally_clear(t);
		if (tally_total(t) == 0) {
			tally_clear(t);
			return;
		}
		do {
			t->oldest++;
			t->place = t->place + 1 < GRID_PLACES ? t->place + 1 : 0;
		} while (slot_count(t, t->place) == 0);
	}
}

uint64_t tally_add_any(struct tally *t, struct grid *g, uint64_t ts_ns, uint64_t now_ns)
{
	unsigned steps;

	grid_seek(g, ts_ns);
	if (tally_total(t))
		expire(t, g, now_ns);
	steps = grid_steps(g, ts_ns);
	if (!grid_inside(g, grid_step_ns(g, g->start_ns, steps), now_ns))
		return tally_total(t);
	if (tally_total(t) == 0 || (int32_t)((uint32_t)g->number - t->oldest) < 0) {
		t->oldest = (uint32_t)g->number;
		t->place = (uint8_t)g->place;
	}
	if (steps > t->last[g->place])
		t->last[g->place] = (uint8_t)steps;
	if (!t->is_wide && t->narrow[g->place] == UINT8_MAX)
		widen(t);
	if (t->is_wide) {
		put_wide(t, g->place);
		return t->many;
	}
	t->narrow[g->place]++;
	return ++t->few;
}

uint64_t tally_count(struct tally *t, struct grid *g, uint64_t now_ns)
{
	if (tally_total(t)) {
		grid_seek(g, now_ns);
		expire(t, g, now_ns);
	}
	return tally_total(t);
}
