/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slot number n lives at place n % GRID_PLACES:
 *
 *	slots   |   0   |   1   |  ...  |  19   |  20   |
 *	window      (============= length =============]   now
 *
 * A place is only taken over by a slot that begins when nothing of the old one is inside any more.
 * The sum over the slots is kept until the first slot of it leaves the window, so that reading after
 * each sample costs no loop.
 */
#include "stats/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/distinct.h"
#include "stats/rank.h"
#include "stats/sketch.h"

#define RECENT_START 16

struct partial {
	uint64_t count;
	double value; /* of the samples: sum, mean, min, max or last, as the aggregate needs */
	union {
		double squares;	    /* stddev: sum of the squared distances from the mean */
		uint64_t latest_ns; /* last: when it was */
	};
};

struct slot {
	uint64_t last_ns; /* step of the latest sample */
	struct partial part;
};

struct sample {
	uint64_t ts_ns;
	double value;
};

/* A ring of samples in order of arrival; none while the window is empty. */
struct recent {
	struct sample *samples;
	unsigned cap, head, n;
};

struct window {
	enum aggregate aggregate;
	double quantile;
	struct grid grid;
	uint64_t newest_ns; /* the latest time heard of: where the window ends */
	struct partial total;
	uint64_t total_until_ns; /* then the first slot in total leaves the window */
	struct slot slots[GRID_PLACES];

	struct recent recent; /* quantiles, until there are too many: then ... */
	bool sketched;	      /* ... they are here */
	struct sketch sketch;
	struct distinct *distinct; /* NULL until it is needed */
};

struct window *window_new(enum aggregate aggregate, double quantile, uint64_t length_ns)
{
	struct window *w = xcalloc(1, sizeof(*w));

	w->aggregate = aggregate;
	w->quantile = quantile;
	w->grid = grid_of(length_ns);
	w->total_until_ns = UINT64_MAX;
	return w;
}

/* What only a window that is not empty needs. */
static void give_back(struct window *w)
{
	free(w->recent.samples);
	w->recent = (struct recent){ 0 };
	sketch_clear(&w->sketch);
	w->sketched = false;
	if (w->distinct)
		distinct_clear(w->distinct);
	free(w->distinct);
	w->distinct = NULL;
}

void window_free(struct window *w)
{
	if (!w)
		return;
	give_back(w);
	free(w);
}

uint64_t window_length_ns(const struct window *w)
{
	return w->grid.length_ns;
}

static bool inside(const struct window *w, uint64_t last_ns)
{
	return grid_inside(&w->grid, last_ns, w->newest_ns);
}

/* Of two sets of samples, from their means and squared distances (Chan, Golub and LeVeque, 1979). */
static void merge_spreads(struct partial *into, const struct partial *p)
{
	double n = (double)into->count, m = (double)p->count;
	double distance = p->value - into->value;

	into->value += distance * m / (n + m);
	into->squares += p->squares + distance * distance * n * m / (n + m);
}

static void merge(const struct window *w, struct partial *into, const struct partial *p)
{
	if (into->count == 0) {
		*into = *p;
		return;
	}
	switch (w->aggregate) {
	case AGGREGATE_MIN:
		into->value = fmin(into->value, p->value);
		break;
	case AGGREGATE_MAX:
		into->value = fmax(into->value, p->value);
		break;
	case AGGREGATE_STDDEV:
		merge_spreads(into, p);
		break;
	case AGGREGATE_LAST:
		if (p->latest_ns >= into->latest_ns) {
			into->value = p->value;
			into->latest_ns = p->latest_ns;
		}
		break;
	default:
		into->value += p->value;
	}
	into->count += p->count;
}

static void clear_slot(struct window *w, unsigned place)
{
	w->slots[place] = (struct slot){ 0 };
	if (w->sketched)
		sketch_clear_slot(&w->sketch, place);
}

static void total_up(struct window *w)
{
	w->total = (struct partial){ 0 };
	w->total_until_ns = UINT64_MAX;
	for (unsigned i = 0; i < GRID_PLACES; i++) {
		const struct slot *slot = &w->slots[i];
		uint64_t leaves_ns = slot->last_ns + w->grid.length_ns;

		if (slot->part.count == 0)
			continue;
		if (!inside(w, slot->last_ns)) {
			clear_slot(w, i);
			continue;
		}
		merge(w, &w->total, &slot->part);
		if (leaves_ns < w->total_until_ns)
			w->total_until_ns = leaves_ns;
	}
}

static void slide(struct window *w, uint64_t now_ns)
{
	if (now_ns > w->newest_ns)
		w->newest_ns = now_ns;
	if (w->newest_ns < w->total_until_ns)
		return;
	total_up(w);
	if (w->total.count == 0)
		give_back(w);
}

/* Does the slot just sought hold samples that count? */
static bool sought_is_inside(const struct window *w)
{
	const struct slot *slot = &w->slots[w->grid.place];

	return slot->part.count && slot->last_ns - w->grid.start_ns < w->grid.slot_ns;
}

/* Does a sample of that time still count, which did when it came? Its slot is still in its place. */
static bool counts(struct window *w, uint64_t ts_ns)
{
	grid_seek(&w->grid, ts_ns);
	return sought_is_inside(w);
}

static void grow_recent(struct recent *r)
{
	unsigned cap = r->cap ? r->cap * 2 : RECENT_START;
	struct sample *larger = xcalloc(cap, sizeof(*larger));

	for (unsigned i = 0; i < r->n; i++)
		larger[i] = r->samples[(r->head + i) % r->cap];
	free(r->samples);
	r->samples = larger;
	r->cap = cap;
	r->head = 0;
}

static struct sample *recent_at(const struct recent *r, unsigned i)
{
	return &r->samples[(r->head + i) % r->cap];
}

static void to_sketch(struct window *w)
{
	for (unsigned i = 0; i < w->recent.n; i++) {
		const struct sample *s = recent_at(&w->recent, i);

		if (counts(w, s->ts_ns))
			sketch_add(&w->sketch, w->grid.place, s->value);
	}
	free(w->recent.samples);
	w->recent = (struct recent){ 0 };
	w->sketched = true;
}

static void remember(struct window *w, const struct sample *sample)
{
	struct recent *r = &w->recent;

	while (r->n == r->cap && r->n > 0 && !counts(w, recent_at(r, 0)->ts_ns)) {
		r->head = (r->head + 1) % r->cap;
		r->n--;
	}
	if (r->n == WINDOW_SAMPLES)
		to_sketch(w);
	if (w->sketched) {
		grid_seek(&w->grid, sample->ts_ns);
		sketch_add(&w->sketch, w->grid.place, sample->value);
		return;
	}
	if (r->n == r->cap)
		grow_recent(r);
	*recent_at(r, r->n++) = *sample;
}

/* What is in the window is in slots from that number on, and all that is in these is in the window. */
static uint64_t oldest_slot(struct window *w)
{
	struct grid *g = &w->grid;

	grid_seek(g, w->newest_ns > g->length_ns ? w->newest_ns - g->length_ns : 0);
	return sought_is_inside(w) ? g->number : g->number + 1;
}

static void remember_hash(struct window *w, uint64_t ts_ns, uint64_t hash)
{
	uint64_t oldest = oldest_slot(w);

	if (!w->distinct)
		w->distinct = xcalloc(1, sizeof(*w->distinct));
	grid_seek(&w->grid, ts_ns);
	distinct_add(w->distinct, hash, w->grid.number, oldest);
}

/* False if the sample is too old. */
static bool add(struct window *w, uint64_t ts_ns, double value)
{
	struct partial one = { .count = 1, .value = value };
	struct grid *g = &w->grid;
	struct slot *slot;
	uint64_t last_ns;

	slide(w, ts_ns);
	grid_seek(g, ts_ns);
	last_ns = grid_step_ns(g, g->start_ns, grid_steps(g, ts_ns));
	if (!inside(w, last_ns))
		return false;
	if (w->aggregate == AGGREGATE_LAST)
		one.latest_ns = ts_ns;
	slot = &w->slots[g->place];
	if (last_ns > slot->last_ns)
		slot->last_ns = last_ns;
	if (slot->part.count == 0 && last_ns + g->length_ns < w->total_until_ns)
		w->total_until_ns = last_ns + g->length_ns;
	merge(w, &slot->part, &one);
	merge(w, &w->total, &one);
	return true;
}

void window_add(struct window *w, uint64_t ts_ns, double value)
{
	if (!isfinite(value) || !add(w, ts_ns, value))
		return;
	if (w->aggregate == AGGREGATE_QUANTILE)
		remember(w, &(struct sample){ ts_ns, value });
}

void window_add_hash(struct window *w, uint64_t ts_ns, uint64_t hash)
{
	if (add(w, ts_ns, 0))
		remember_hash(w, ts_ns, hash);
}

uint64_t window_samples(struct window *w, uint64_t now_ns)
{
	slide(w, now_ns);
	return w->total.count;
}

static void swap(double *a, double *b)
{
	double t = *a;

	*a = *b;
	*b = t;
}

/* The value that would be at v[k] if v were sorted (Hoare's selection). Reorders v. */
static double nth(double *v, size_t n, size_t k)
{
	size_t low = 0, high = n - 1;

	while (low < high) {
		double pivot = v[low + (high - low) / 2];
		size_t i = low, j = high;

		for (;;) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			swap(&v[i++], &v[j--]);
		}
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
	return v[k];
}

static double quantile(struct window *w)
{
	double values[WINDOW_SAMPLES];
	size_t n = 0;

	if (w->sketched)
		return sketch_quantile(&w->sketch, w->quantile);
	for (unsigned i = 0; i < w->recent.n; i++) {
		const struct sample *s = recent_at(&w->recent, i);

		if (counts(w, s->ts_ns))
			values[n++] = s->value;
	}
	return n ? nth(values, n, nearest_rank(w->quantile, n) - 1) : NAN;
}

static double distinct(struct window *w)
{
	uint64_t oldest = oldest_slot(w);

	grid_seek(&w->grid, w->newest_ns);
	return w->distinct ? distinct_estimate(w->distinct, oldest, w->grid.number) : 0;
}

double window_value(struct window *w, uint64_t now_ns)
{
	const struct partial *total = &w->total;

	slide(w, now_ns);
	switch (w->aggregate) {
	case AGGREGATE_COUNT:
		return (double)total->count;
	case AGGREGATE_RATE:
		return total->value / ((double)w->grid.length_ns / (double)NS_PER_S);
	case AGGREGATE_SUM:
		return total->value;
	case AGGREGATE_AVG:
		return total->count ? total->value / (double)total->count : NAN;
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
	case AGGREGATE_LAST:
		return total->count ? total->value : NAN;
	case AGGREGATE_STDDEV:
		return total->count ? sqrt(total->squares / (double)total->count) : NAN;
	case AGGREGATE_QUANTILE:
		return quantile(w);
	case AGGREGATE_DISTINCT:
		return distinct(w);
	case AGGREGATE_NONE:
		break;
	}
	return NAN;
}

double window_value_of_nothing(enum aggregate aggregate)
{
	return aggregate == AGGREGATE_COUNT || aggregate == AGGREGATE_RATE ||
			       aggregate == AGGREGATE_SUM || aggregate == AGGREGATE_DISTINCT
		       ? 0
		       : NAN;
}
