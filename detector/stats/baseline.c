/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exponentially weighted mean and mean absolute deviation, both of steps clipped at a few spreads
 * (Huber's psi). Clipping the steps that also feed the spread is what lets a lasting new level be
 * learnt: each clipped step widens the spread, and with it the next step.
 */
#include "stats/baseline.h"

#include <math.h>

#define GAP_MAX_NS (10 * NS_PER_S)
/* Steps are clipped at this many spreads, but for the first samples: there is no spread yet. */
#define CLIP	      3.0
#define UNCLIPPED_MAX 10
/* sqrt(pi / 2): the standard deviation of a normal variable over its mean absolute deviation. */
#define DEVIATION_OF_MEAN_ABS 1.2533
/*
 * The nth sample weighs at least START_WEIGHT / (n + START_WEIGHT - 1). With 1 this is the plain
 * mean, which a process with an unusual first second would spoil for many minutes; with 3 the
 * weight of the first sample falls as 1 / n^3.
 */
#define START_WEIGHT 3.0

/*
 * A series that hardly varies must not alarm on the first wobble: 5 % of the level is no news, nor
 * is what chance alone does to a count (Poisson: n occurrences vary by sqrt(n)), nor a single
 * occurrence, nor what the owner finds too little. 1e-9 is there to divide by.
 */
static double least_spread(const struct baseline *b)
{
	double level = fabs(b->center);
	double chance = fmax(sqrt(level * b->grain), b->grain);

	return fmax(fmax(0.05 * level, chance), fmax(b->least_spread, 1e-9));
}

/* How much of its step the sample just counted in b->samples moves the estimates. */
static double weight(const struct baseline *b, const struct baseline_conf *conf, uint64_t gap_ns)
{
	double half_lives = (double)gap_ns / (double)conf->half_life_ns;
	double n = (double)b->samples;

	return fmax(1 - exp2(-half_lives), START_WEIGHT / (n + START_WEIGHT - 1));
}

void baseline_learn(struct baseline *b, const struct baseline_conf *conf, double value,
		    uint64_t now_ns)
{
	uint64_t gap_ns = b->samples && now_ns > b->updated_ns ? now_ns - b->updated_ns : 0;
	double reach, step, w;

	if (!isfinite(value))
		return;
	if (gap_ns > GAP_MAX_NS)
		gap_ns = GAP_MAX_NS;
	b->samples++;
	b->updated_ns = now_ns;
	b->learnt_ns += gap_ns;
	w = weight(b, conf, gap_ns);
	reach = b->samples > UNCLIPPED_MAX ? CLIP * b->spread : INFINITY;
	step = fmax(-reach, fmin(reach, value - b->center));
	b->center += w * step;
	b->spread += w * (DEVIATION_OF_MEAN_ABS * fabs(step) - b->spread);
	/* The first sample is the centre, and no step from anything. */
	b->spread = fmax(b->samples > 1 ? b->spread : 0, least_spread(b));
}

bool baseline_ready(const struct baseline *b, const struct baseline_conf *conf)
{
	return b->samples > 0 && b->learnt_ns >= conf->warm_up_ns;
}

double baseline_score(const struct baseline *b, const struct baseline_conf *conf, double value)
{
	return baseline_ready(b, conf) ? (value - b->center) / b->spread : 0;
}

double baseline_limit(const struct baseline *b, const struct baseline_conf *conf,
		      enum baseline_side side)
{
	double reach = conf->deviations * b->spread;

	return side == BASELINE_ABOVE ? b->center + reach : b->center - reach;
}
