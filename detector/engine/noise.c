/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/noise.h"

#include <math.h>

/* A tick of the clock by which ps and top tell CPU time: what a process does now and then. */
#define LITTLE_MS 10
/* The most that one write to a pipe, or one segment given to a network card, moves. */
#define LITTLE_BYTES	65536
#define LITTLE_OF_LIMIT 0.05

/* A count, sum or rate: what each event adds to. */
static bool adds_up(const struct term *t)
{
	return !t->field || t->aggregate == AGGREGATE_SUM || t->aggregate == AGGREGATE_RATE;
}

/* So much in the window is too little to be news. */
static double little(const struct term *t)
{
	double time;

	if (!adds_up(t) || !t->field || t->aggregate == AGGREGATE_DISTINCT)
		return 1;
	if (t->field->unit == UNIT_BYTES)
		return LITTLE_BYTES;
	/* A rate is ms/s whatever the unit of the time. */
	if (!unit_convert(LITTLE_MS, UNIT_MS, t->field->unit, &time))
		return 1;
	return t->aggregate == AGGREGATE_RATE ? LITTLE_MS : time;
}

static bool counts(const struct term *t)
{
	return !t->field || t->aggregate == AGGREGATE_DISTINCT ||
	       (adds_up(t) && t->field->unit == UNIT_COUNT);
}

void noise_floor(const struct leaf *l, struct baseline *b)
{
	const struct term *t = &l->value.terms[0];
	double window_s = (double)l->window_ns / (double)NS_PER_S;
	double per = t->aggregate == AGGREGATE_RATE ? window_s : 1;
	double limit = l->above.set ? fabs(l->above.at) : 0;

	b->least_spread = LITTLE_OF_LIMIT * limit;
	if (l->value.n_ops > 1)
		return;
	b->grain = counts(t) ? 1 / per : 0;
	b->least_spread = fmax(b->least_spread, little(t) / per);
}
