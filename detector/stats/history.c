/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats/history.h"

#include <math.h>

/* Fewer than there is room for, so that jitter loses none that is needed. */
#define INTERVALS 60
/* A look comes early after one that came late. */
#define SLACK_NS (50 * NS_PER_MS)

void history_add(struct history *h, uint64_t ago_ns, double value, uint64_t now_ns)
{
	if (h->n && now_ns + SLACK_NS < h->at_ns[h->newest] + ago_ns / INTERVALS)
		return;
	h->newest = (h->newest + 1) % HISTORY_SIZE;
	h->at_ns[h->newest] = now_ns;
	h->values[h->newest] = value;
	if (h->n < HISTORY_SIZE)
		h->n++;
}

double history_value(const struct history *h, uint64_t ago_ns, uint64_t now_ns)
{
	for (unsigned i = 0; i < h->n; i++) {
		unsigned at = (h->newest + HISTORY_SIZE - i) % HISTORY_SIZE;

		if (h->at_ns[at] + ago_ns <= now_ns + SLACK_NS)
			return h->at_ns[at] + 2 * ago_ns >= now_ns ? h->values[at] : NAN;
	}
	return NAN;
}
