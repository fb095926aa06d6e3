/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slot number n lives at place n % GRID_PLACES. A place is taken over by a slot that begins when
 * nothing of the old one is inside any more, so an old one is always cleared by then. Only the
 * newest slot's number is kept; those of the others follow from their places.
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
	return t->is_wide ? t->wide->counts[place] : t->narrow[place];
}

static uint64_t total(const struct tally *t)
{
	return t->is_wide ? t->wide->total : t->total;
}

static void clear_slot(struct tally *t, unsigned place)
{
	if (t->is_wide) {
		t->wide->total -= t->wide->counts[place];
		t->wide->counts[place] = 0;
	} else {
		t->total -= t->narrow[place];
		t->narrow[place] = 0;
	}
	t->last[place] = 0;
}

static void widen(struct tally *t)
{
	struct tally_wide *wide = xcalloc(1, sizeof(*wide));

	wide->total = t->total;
	for (unsigned i = 0; i < GRID_PLACES; i++)
		wide->counts[i] = t->narrow[i];
	t->wide = wide;
	t->is_wide = true;
}

/* Drops the slots that have left, and finds out when the next one does. */
static void expire(struct tally *t, struct grid *g, uint64_t now_ns)
{
	uint64_t number, start_ns;
	unsigned place;

	/* Then nothing is inside. So the newest slot is near, and its low bits tell its number. */
	if (now_ns - t->until_ns >= g->length_ns) {
		tally_clear(t);
		return;
	}
	grid_seek(g, now_ns);
	number = g->number - (uint32_t)((uint32_t)g->number - t->newest);
	start_ns = number * g->slot_ns;
	place = (unsigned)(number % GRID_PLACES);
	t->until_ns = UINT64_MAX;
	for (unsigned i = 0; i < GRID_PLACES; i++, start_ns -= g->slot_ns) {
		uint64_t last_ns = grid_step_ns(g, start_ns, t->last[place]);

		if (slot_count(t, place) && !grid_inside(g, last_ns, now_ns))
			clear_slot(t, place);
		else if (slot_count(t, place) && last_ns + g->length_ns < t->until_ns)
			t->until_ns = last_ns + g->length_ns;
		place = place ? place - 1 : GRID_PLACES - 1;
	}
	if (total(t) == 0)
		tally_clear(t);
}

uint64_t tally_add_any(struct tally *t, struct grid *g, uint64_t ts_ns, uint64_t now_ns)
{
	unsigned steps;
	uint64_t step_ns;

	if (now_ns >= t->until_ns && t->until_ns)
		expire(t, g, now_ns);
	grid_seek(g, ts_ns);
	steps = grid_steps(g, ts_ns);
	step_ns = grid_step_ns(g, g->start_ns, steps);
	if (!grid_inside(g, step_ns, now_ns))
		return total(t);
	if (!t->until_ns || (int32_t)((uint32_t)g->number - t->newest) > 0)
		t->newest = (uint32_t)g->number;
	if (!slot_count(t, g->place) && (!t->until_ns || step_ns + g->length_ns < t->until_ns))
		t->until_ns = step_ns + g->length_ns;
	if (steps > t->last[g->place])
		t->last[g->place] = (uint8_t)steps;
	if (!t->is_wide && t->narrow[g->place] < UINT16_MAX) {
		t->narrow[g->place]++;
		return ++t->total;
	}
	if (!t->is_wide)
		widen(t);
	t->wide->counts[g->place]++;
	return ++t->wide->total;
}

uint64_t tally_count(struct tally *t, struct grid *g, uint64_t now_ns)
{
	if (now_ns >= t->until_ns && t->until_ns)
		expire(t, g, now_ns);
	return total(t);
}
