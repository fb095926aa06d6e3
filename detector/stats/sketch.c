/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/rank.h"

/* What of a double is left out: all but its sign, its exponent and 5 bits of its mantissa. */
#define DROPPED_BITS 47

struct sketch_row {
	int32_t bucket; /* 0 for 0; in the order of the values */
	uint32_t counts[GRID_PLACES];
	uint64_t total;
};

static int32_t bucket_of(double value)
{
	double size = fabs(value);
	uint64_t bits;

	memcpy(&bits, &size, sizeof(bits));
	if (bits == 0)
		return 0;
	return value > 0 ? (int32_t)(bits >> DROPPED_BITS) + 1
			 : -(int32_t)(bits >> DROPPED_BITS) - 1;
}

static double edge(int32_t step)
{
	uint64_t bits = (uint64_t)step << DROPPED_BITS;
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* The middle of a bucket. */
static double value_of(int32_t bucket)
{
	int32_t step = abs(bucket);
	double low, high;

	if (step == 0)
		return 0;
	low = edge(step - 1);
	high = edge(step);
	if (!isfinite(high))
		high = low;
	return copysign(low + (high - low) / 2, bucket);
}

void sketch_clear(struct sketch *s)
{
	free(s->rows);
	*s = (struct sketch){ 0 };
}

/* Index of the first row whose bucket is not before this one. */
static unsigned seek(const struct sketch *s, int32_t bucket)
{
	unsigned low = 0, high = s->n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (s->rows[middle].bucket < bucket)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct sketch_row *insert(struct sketch *s, unsigned at, int32_t bucket)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->rows = xrealloc(s->rows, s->cap, sizeof(*s->rows));
	}
	memmove(&s->rows[at + 1], &s->rows[at], (s->n - at) * sizeof(*s->rows));
	s->rows[at] = (struct sketch_row){ .bucket = bucket };
	s->n++;
	return &s->rows[at];
}

static struct sketch_row *row_of(struct sketch *s, int32_t bucket)
{
	unsigned at = seek(s, bucket);

	if (at < s->n && s->rows[at].bucket == bucket)
		return &s->rows[at];
	if (s->n < SKETCH_ROWS)
		return insert(s, at, bucket);
	if (at == s->n || (at > 0 && bucket - s->rows[at - 1].bucket < s->rows[at].bucket - bucket))
		at--;
	return &s->rows[at];
}

void sketch_add(struct sketch *s, unsigned place, double value)
{
	struct sketch_row *row = row_of(s, bucket_of(value));

	if (row->counts[place] == UINT32_MAX)
		return;
	row->counts[place]++;
	row->total++;
	s->total++;
}

void sketch_clear_slot(struct sketch *s, unsigned place)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->n; i++) {
		struct sketch_row *row = &s->rows[i];

		row->total -= row->counts[place];
		s->total -= row->counts[place];
		row->counts[place] = 0;
		if (!row->total)
			continue;
		if (kept < i)
			s->rows[kept] = *row;
		kept++;
	}
	s->n = kept;
}

double sketch_quantile(const struct sketch *s, double quantile)
{
	uint64_t left;

	if (!s->total)
		return NAN;
	left = nearest_rank(quantile, s->total);
	for (unsigned i = 0;; i++) {
		if (left <= s->rows[i].total)
			return value_of(s->rows[i].bucket);
		left -= s->rows[i].total;
	}
}
