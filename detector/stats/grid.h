/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How all sliding windows cut time. A window of some length is held as partial results of slots, a
 * twentieth of the length each, cut at multiples of that since time 0; so it does not matter in
 * which order the samples of a slot arrive.
 *
 * The edge rule: times are rounded down to a step of the slot, at most length / 2560. What a slot
 * holds counts as a whole, and counts at time `now` as long as its latest sample is younger than the
 * length. So a sample counts for the length less a step at least, and for the length and a slot at
 * most; where samples are further apart than a slot, for the length and no longer. A sample that is
 * older than the length when it comes is ignored.
 *
 * `now` is the latest time that a window has heard of, from a sample or a reader: it never slides
 * back.
 */
#ifndef STATS_GRID_H
#define STATS_GRID_H

#include "util/base.h"

#define WINDOW_SLOTS 20
/* One more is needed, because a window begins and ends within a slot. */
#define GRID_PLACES (WINDOW_SLOTS + 1)

struct grid {
	uint64_t length_ns;
	uint64_t slot_ns;
	unsigned step_shift; /* a step is 1 << step_shift ns; at most 256 make a slot */
	/* The slot last sought: samples come roughly in order, and a division each costs more. */
	uint64_t number;
	uint64_t start_ns;
	unsigned place; /* number % GRID_PLACES: where the slot is kept */
};

static inline struct grid grid_of(uint64_t length_ns)
{
	struct grid g = { .length_ns = length_ns,
			  .slot_ns = (length_ns + WINDOW_SLOTS - 1) / WINDOW_SLOTS };

	while ((g.slot_ns - 1) >> g.step_shift > 255)
		g.step_shift++;
	return g;
}

/* Sets number, start_ns and place to those of the slot of a time. */
static inline void grid_seek(struct grid *g, uint64_t ts_ns)
{
	if (ts_ns - g->start_ns < g->slot_ns)
		return;
	g->number = ts_ns / g->slot_ns;
	g->start_ns = g->number * g->slot_ns;
	g->place = (unsigned)(g->number % GRID_PLACES);
}

/* Whole steps into the slot just sought. */
static inline unsigned grid_steps(const struct grid *g, uint64_t ts_ns)
{
	return (unsigned)((ts_ns - g->start_ns) >> g->step_shift);
}

/* The time of a step of the slot at start_ns. */
static inline uint64_t grid_step_ns(const struct grid *g, uint64_t start_ns, unsigned steps)
{
	return start_ns + ((uint64_t)steps << g->step_shift);
}

/* Does what came last at that time still count at now? */
static inline bool grid_inside(const struct grid *g, uint64_t last_ns, uint64_t now_ns)
{
	return last_ns >= now_ns || now_ns - last_ns < g->length_ns;
}

#endif
