/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/io_sample.h"

static void add_buckets(const struct io_cell *cell, struct io_cell *sum)
{
	for (unsigned which = 0; which < IO_TIMES; which++)
		for (unsigned i = 0; i < IO_BUCKETS; i++)
			sum->buckets[which][i] += cell->buckets[which][i];
}

static void keep_longest(const struct io_longest *longest, struct io_longest *sum)
{
	for (unsigned which = 0; which < IO_TIMES; which++)
		if (longest->ns[which] > sum->ns[which])
			sum->ns[which] = longest->ns[which];
}

void io_cells_add(const struct io_cell *cells, unsigned n, uint64_t interval,
		  struct io_cell *ret_sum)
{
	*ret_sum = (struct io_cell){ 0 };
	for (unsigned i = 0; i < n; i++) {
		const struct io_cell *cell = &cells[i];
		const struct io_longest *longest = &cell->longest[interval & 1];

		ret_sum->bytes += cell->bytes;
		ret_sum->ops += cell->ops;
		ret_sum->errors += cell->errors;
		ret_sum->requeues += cell->requeues;
		ret_sum->untimed += cell->untimed;
		add_buckets(cell, ret_sum);
		if (longest->interval == interval)
			keep_longest(longest, &ret_sum->longest[0]);
	}
}

void io_cells_difference(const struct io_cell *now, const struct io_cell *before,
			 struct io_cell *ret_difference)
{
	*ret_difference = *now;
	ret_difference->bytes -= before->bytes;
	ret_difference->ops -= before->ops;
	ret_difference->errors -= before->errors;
	ret_difference->requeues -= before->requeues;
	ret_difference->untimed -= before->untimed;
	for (unsigned which = 0; which < IO_TIMES; which++)
		for (unsigned i = 0; i < IO_BUCKETS; i++)
			ret_difference->buckets[which][i] -= before->buckets[which][i];
}

static uint64_t middle_ns(unsigned bucket)
{
	return (io_bucket_start_ns(bucket) + io_bucket_start_ns(bucket + 1)) / 2;
}

/*
 * The longest time, if it is in the last bucket that has any. A request that completes while user
 * space reads can be in the buckets of one interval and the longest time of another.
 */
static uint64_t longest_ns(const __u32 *buckets, uint64_t noted_ns)
{
	unsigned last = IO_BUCKETS - 1;

	while (last > 0 && buckets[last] == 0)
		last--;
	return io_bucket(noted_ns) == last ? noted_ns : middle_ns(last);
}

/* n > 0 */
static uint64_t percentile_ns(const __u32 *buckets, uint64_t n, unsigned percent, uint64_t longest)
{
	uint64_t rank = (n * percent + 99) / 100;
	uint64_t below = 0;
	unsigned i = 0;

	if (rank == n)
		return longest;
	while ((below += buckets[i]) < rank)
		i++;
	return middle_ns(i) < longest ? middle_ns(i) : longest;
}

struct percentiles {
	uint64_t p50, p95, p99, max;
};

static struct percentiles summarize(const struct io_cell *cell, enum io_time which)
{
	const __u32 *buckets = cell->buckets[which];
	uint64_t n = 0;
	uint64_t max;

	for (unsigned i = 0; i < IO_BUCKETS; i++)
		n += buckets[i];
	if (n == 0)
		return (struct percentiles){ NOT_MEASURED, NOT_MEASURED, NOT_MEASURED,
					     NOT_MEASURED };
	max = longest_ns(buckets, cell->longest[0].ns[which]);
	return (struct percentiles){
		.p50 = percentile_ns(buckets, n, 50, max),
		.p95 = percentile_ns(buckets, n, 95, max),
		.p99 = percentile_ns(buckets, n, 99, max),
		.max = max,
	};
}

#define SET_TIMES(e, name, p)                                                                      \
	do {                                                                                       \
		(e)->name##_p50_ns = (p).p50;                                                      \
		(e)->name##_p95_ns = (p).p95;                                                      \
		(e)->name##_p99_ns = (p).p99;                                                      \
		(e)->name##_max_ns = (p).max;                                                      \
	} while (0)

void io_sample_fill(struct ev_io *e, const struct io_cell *difference)
{
	struct percentiles queue = summarize(difference, IO_QUEUE);
	struct percentiles device = summarize(difference, IO_DEVICE);
	struct percentiles total = summarize(difference, IO_TOTAL);

	e->ops = difference->ops;
	e->bytes = difference->bytes;
	e->errors = difference->errors;
	e->requeues = difference->requeues;
	e->untimed = difference->untimed;
	SET_TIMES(e, queue, queue);
	SET_TIMES(e, device, device);
	SET_TIMES(e, latency, total);
}
