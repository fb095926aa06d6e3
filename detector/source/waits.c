/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/waits.h"

#include <math.h>

#include "../bpf/histogram.h"

void waits_add(struct waits *w, const struct waits_delta *delta)
{
	if (delta->longest_ns > w->longest_ns)
		w->longest_ns = delta->longest_ns;
	for (unsigned i = 0; i < WAIT_BUCKETS; i++)
		w->buckets[i] += delta->buckets[i];
}

uint64_t waits_quantile_ns(const struct waits *w, uint64_t n, double q)
{
	/* how many are not shorter than the one that is looked for */
	int64_t above = (int64_t)n - (int64_t)fmax(ceil(q * (double)n), 1);

	if (w && above <= 0)
		return w->longest_ns;
	for (unsigned i = WAIT_BUCKETS; w && i-- > 0;) {
		if (above < w->buckets[i]) {
			uint64_t middle = histogram_middle(i);

			return middle < w->longest_ns ? middle : w->longest_ns;
		}
		above -= w->buckets[i] > 0 ? w->buckets[i] : 0;
	}
	return HISTOGRAM_FROM_NS;
}
