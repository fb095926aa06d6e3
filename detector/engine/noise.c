/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/noise.h"

#include <math.h>

/* A tick of the clock by which ps and top tell CPU time: what a process does now and then. */
#define LITTLE_MS 10
/* The most that one write to a pipe, or one segment given to a network card, moves. */
#define LITTLE_BYTES	65536
#define LITTLE_OF_LIMIT 0.05

/* A count, sum or rate: what each event adds to. */
static bool adds_up(const struct measure *m)
{
	return !m->field || m->aggregate == AGGREGATE_SUM || m->aggregate == AGGREGATE_RATE;
}

/* So much in the window is too little to be news. */
static double little(const struct measure *m)
{
	double time;

	if (!adds_up(m) || !m->field)
		return 1;
	if (m->field->unit == UNIT_BYTES)
		return LITTLE_BYTES;
	/* A rate is ms/s whatever the unit of the time. */
	if (!unit_convert(LITTLE_MS, UNIT_MS, m->field->unit, &time))
		return 1;
	return m->aggregate == AGGREGATE_RATE ? LITTLE_MS : time;
}

void noise_floor(const struct condition *c, struct baseline *b)
{
	const struct measure *m = &c->value;
	double window_s = (double)c->window_ns / (double)NS_PER_S;
	double per = m->aggregate == AGGREGATE_RATE ? window_s : 1;
	double limit = c->above.set ? fabs(c->above.at) : 0;

	b->grain = !m->field || (adds_up(m) && m->field->unit == UNIT_COUNT) ? 1 / per : 0;
	b->least_spread = fmax(little(m) / per, LITTLE_OF_LIMIT * limit);
}
