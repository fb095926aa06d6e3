/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many events came in a sliding window (grid.h has the edge rule): small, for tables of very
 * many. The owner keeps the grid, one for all tallies of a length, and the latest time that the key
 * has heard of, and gives both with each call; that time never goes back. Between two calls for a tally
 * that holds some lie fewer than 2^31 slots.
 */
#ifndef STATS_TALLY_H
#define STATS_TALLY_H

#include "stats/grid.h"

struct tally_wide {
	uint64_t counts[GRID_PLACES];
};

/* Starts zeroed. May be moved, but not copied. Aligned to 4 bytes, and as small as it is, so that a key
 * with one fits into a cache line. */
struct tally {
	uint32_t oldest; /* low bits of the number of the oldest slot that holds some */
	uint8_t place;	 /* where that is */
	bool is_wide;
	uint16_t few; /* how many in all, unless wide */
	union {
		uint8_t narrow[GRID_PLACES];
		struct { /* once a slot holds more than 255 */
			struct tally_wide *wide;
			uint64_t many;	/* in all */
			uint32_t fresh; /* in one slot, beyond its wide->counts ... */
			uint8_t at;	/* ... which is there: that of the latest event */
		} __attribute__((packed));
	};
	uint8_t last[GRID_PLACES]; /* steps into the slot of its latest event */
};

static inline uint64_t tally_total(const struct tally *t)
{
	return t->is_wide ? t->many : t->few;
}

/* When the oldest slot leaves; the tally holds some, and a time near now was sought. */
static inline uint64_t tally_until_ns(const struct tally *t, const struct grid *g)
{
	int64_t slots = (int32_t)(t->oldest - (uint32_t)g->number);

	return grid_step_ns(g, g->start_ns + (uint64_t)slots * g->slot_ns, t->last[t->place]) +
	       g->length_ns;
}

/* Forgets all events, and gives memory back. */
void tally_clear(struct tally *t);
/* Counts an event at ts_ns; now_ns >= ts_ns. Returns how many count at now_ns. */
uint64_t tally_add_any(struct tally *t, struct grid *g, uint64_t ts_ns, uint64_t now_ns);

/* One more in a slot, if that holds some and has room for it without a look elsewhere. */
static inline bool tally_put(struct tally *t, unsigned place)
{
	if (t->is_wide) {
		if (place != t->at || t->fresh == 0 || t->fresh == UINT32_MAX)
			return false;
		t->fresh++;
		t->many++;
		return true;
	}
	if (t->narrow[place] == 0 || t->narrow[place] == UINT8_MAX)
		return false;
	t->narrow[place]++;
	t->few++;
	return true;
}

/* The same; without a call for one more event in a slot that holds some, where none leaves. */
static inline uint64_t tally_add(struct tally *t, struct grid *g, uint64_t ts_ns, uint64_t now_ns)
{
	unsigned steps;

	grid_seek(g, ts_ns);
	steps = grid_steps(g, ts_ns);
	/* One that comes late, in the oldest slot, may not be inside. */
	if (now_ns >= tally_until_ns(t, g) || (steps < t->last[g->place] && g->place == t->place) ||
	    !tally_put(t, g->place))
		return tally_add_any(t, g, ts_ns, now_ns);
	if (steps > t->last[g->place])
		t->last[g->place] = (uint8_t)steps;
	return tally_total(t);
}

/* Events that count at now_ns. */
uint64_t tally_count(struct tally *t, struct grid *g, uint64_t now_ns);

#endif
