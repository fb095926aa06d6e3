/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time is cut into slots; slot number n lives at n % SLOTS. One more than WINDOW_SLOTS is needed,
 * because the window begins and ends within a slot:
 *
 *	slots   |   0   |   1   |  ...  |  19   |  20   |
 *	window      (============= length =============]   now
 *
 * A slot's place is only taken over by one that starts at least `length` later, when nothing of the
 * old one is inside. The sum over the slots is kept until the first slot of it leaves the window,
 * so that reading after each sample costs no loop.
 */
#include "stats/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS	     (WINDOW_SLOTS + 1)
#define RECENT_START 16

struct partial {
	uint64_t count;
	double value; /* of the samples: sum, min or max, as the aggregate needs */
};

struct slot {
	uint64_t last_ns; /* latest sample */
	struct partial part;
};

struct sample {
	uint64_t ts_ns;
	double value;
};

struct window {
	enum aggregate aggregate;
	double quantile;
	uint64_t length_ns;
	uint64_t slot_ns;
	uint64_t newest_ns; /* the latest time heard of: where the window ends */
	struct partial total;
	uint64_t total_until_ns; /* then the first slot in total leaves the window */
	struct slot slots[SLOTS];

	/* quantiles only: a ring of the latest samples in order of arrival; none while the window
	 * is empty */
	struct sample *recent;
	unsigned recent_cap, recent_head, recent_n;
};

struct window *window_new(enum aggregate aggregate, double quantile, uint64_t length_ns)
{
	struct window *w = xcalloc(1, sizeof(*w));

	w->aggregate = aggregate;
	w->quantile = quantile;
	w->length_ns = length_ns;
	w->slot_ns = (length_ns + WINDOW_SLOTS - 1) / WINDOW_SLOTS;
	w->total_until_ns = UINT64_MAX;
	return w;
}

void window_free(struct window *w)
{
	if (!w)
		return;
	free(w->recent);
	free(w);
}

uint64_t window_length_ns(const struct window *w)
{
	return w->length_ns;
}

static bool inside(const struct window *w, uint64_t ts_ns)
{
	return w->newest_ns - ts_ns < w->length_ns;
}

static void merge(const struct window *w, struct partial *into, struct partial p)
{
	if (into->count == 0)
		*into = (struct partial){ 0, p.value };
	else if (w->aggregate == AGGREGATE_MIN)
		into->value = fmin(into->value, p.value);
	else if (w->aggregate == AGGREGATE_MAX)
		into->value = fmax(into->value, p.value);
	else
		into->value += p.value;
	into->count += p.count;
}

static void total_up(struct window *w)
{
	w->total = (struct partial){ 0 };
	w->total_until_ns = UINT64_MAX;
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *slot = &w->slots[i];
		uint64_t leaves_ns = slot->last_ns + w->length_ns;

		if (slot->part.count == 0 || !inside(w, slot->last_ns))
			continue;
		merge(w, &w->total, slot->part);
		if (leaves_ns < w->total_until_ns)
			w->total_until_ns = leaves_ns;
	}
}

static void give_back(struct window *w)
{
	free(w->recent);
	w->recent = NULL;
	w->recent_cap = w->recent_head = w->recent_n = 0;
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

static void grow_recent(struct window *w)
{
	unsigned cap = w->recent_cap ? w->recent_cap * 2 : RECENT_START;
	struct sample *larger = xcalloc(cap, sizeof(*larger));

	for (unsigned i = 0; i < w->recent_n; i++)
		larger[i] = w->recent[(w->recent_head + i) % w->recent_cap];
	free(w->recent);
	w->recent = larger;
	w->recent_cap = cap;
	w->recent_head = 0;
}

static void remember(struct window *w, struct sample sample)
{
	if (w->recent_n == w->recent_cap && w->recent_cap < WINDOW_SAMPLES &&
	    (w->recent_cap == 0 || inside(w, w->recent[w->recent_head].ts_ns)))
		grow_recent(w);
	if (w->recent_n == w->recent_cap) {
		w->recent_head = (w->recent_head + 1) % w->recent_cap;
		w->recent_n--;
	}
	w->recent[(w->recent_head + w->recent_n++) % w->recent_cap] = sample;
}

void window_add(struct window *w, uint64_t ts_ns, double value)
{
	struct slot *slot = &w->slots[ts_ns / w->slot_ns % SLOTS];
	struct partial one = { 1, value };

	if (!isfinite(value))
		return;
	slide(w, ts_ns);
	if (!inside(w, ts_ns))
		return;
	if (!inside(w, slot->last_ns))
		*slot = (struct slot){ 0 };
	if (ts_ns > slot->last_ns)
		slot->last_ns = ts_ns;
	merge(w, &slot->part, one);
	merge(w, &w->total, one);
	if (ts_ns + w->length_ns < w->total_until_ns)
		w->total_until_ns = ts_ns + w->length_ns;
	if (w->aggregate == AGGREGATE_QUANTILE)
		remember(w, (struct sample){ ts_ns, value });
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

static double quantile(const struct window *w)
{
	double values[WINDOW_SAMPLES];
	size_t n = 0;
	double rank;

	for (unsigned i = 0; i < w->recent_n; i++) {
		const struct sample *s = &w->recent[(w->recent_head + i) % w->recent_cap];

		if (inside(w, s->ts_ns))
			values[n++] = s->value;
	}
	if (n == 0)
		return NAN;
	/* 0.07 * 100 is a little over 7 in binary. */
	rank = fmin(fmax(ceil(w->quantile * (double)n - 1e-9), 1), (double)n);
	return nth(values, n, (size_t)rank - 1);
}

double window_value(struct window *w, uint64_t now_ns)
{
	const struct partial *total = &w->total;

	slide(w, now_ns);
	switch (w->aggregate) {
	case AGGREGATE_COUNT:
		return (double)total->count;
	case AGGREGATE_RATE:
		return total->value / ((double)w->length_ns / (double)NS_PER_S);
	case AGGREGATE_SUM:
		return total->value;
	case AGGREGATE_AVG:
		return total->count ? total->value / (double)total->count : NAN;
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		return total->count ? total->value : NAN;
	case AGGREGATE_QUANTILE:
		return quantile(w);
	case AGGREGATE_STDDEV:
	case AGGREGATE_LAST:
	case AGGREGATE_DISTINCT:
	case AGGREGATE_NONE:
		break;
	}
	return NAN;
}
