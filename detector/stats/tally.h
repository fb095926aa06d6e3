/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many events came in a sliding window (grid.h has the edge rule): small, for tables of very
 * many. The owner keeps the grid, one for all tallies of a length, and the latest time that the key
 * has heard of, and gives both with each call; that time never goes back.
 */
#ifndef STATS_TALLY_H
#define STATS_TALLY_H

#include "stats/grid.h"

struct tally_wide {
	uint64_t total;
	uint64_t counts[GRID_PLACES];
};

/* Starts zeroed. May be moved, but not copied. */
struct tally {
	uint64_t until_ns; /* when the first of its slots leaves; 0: it is empty */
	uint32_t newest;   /* low bits of the number of the newest slot */
	uint32_t total;	   /* unless wide */
	union {
		uint16_t narrow[GRID_PLACES];
		struct tally_wide *wide; /* once a slot holds more than 65,535 */
	};
	uint8_t last[GRID_PLACES]; /* steps into the slot of its latest event */
	bool is_wide;
};

/* Forgets all events, and gives memory back. */
void tally_clear(struct tally *t);
/* Counts an event at ts_ns; now_ns >= ts_ns. Returns how many count at now_ns. */
uint64_t tally_add_any(struct tally *t, struct grid *g, uint64_t ts_ns, uint64_t now_ns);

/* The same; without a call for one more event in a slot that holds some, where none leaves. */
static inline uint64_t tally_add(struct tally *t, struct grid *g, uint64_t ts_ns, uint64_t now_ns)
{
	uint16_t *count;
	unsigned steps;

	grid_seek(g, ts_ns);
	steps = grid_steps(g, ts_ns);
	count = &t->narrow[g->place];
	if (now_ns >= t->until_ns || t->is_wide || *count == 0 || *count == UINT16_MAX ||
	    !grid_inside(g, grid_step_ns(g, g->start_ns, steps), now_ns))
		return tally_add_any(t, g, ts_ns, now_ns);
	if (steps > t->last[g->place])
		t->last[g->place] = (uint8_t)steps;
	++*count;
	return ++t->total;
}

/* Events that count at now_ns. */
uint64_t tally_count(struct tally *t, struct grid *g, uint64_t now_ns);

#endif
