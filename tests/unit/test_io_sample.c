/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "source/io_sample.h"

#define INTERVAL 5

static void add_time(struct io_cell *cell, enum io_time which, uint64_t ns)
{
	struct io_longest *longest = &cell->longest[INTERVAL & 1];

	cell->buckets[which][io_bucket(ns)]++;
	longest->interval = INTERVAL;
	if (ns > longest->ns[which])
		longest->ns[which] = ns;
}

/* The sample of those times on the device, counted on two CPUs in turn. */
static struct ev_io sample_of(const uint64_t *ns, unsigned n)
{
	struct io_cell cells[2] = { 0 }, sum;
	struct ev_io e = { 0 };

	for (unsigned i = 0; i < n; i++) {
		add_time(&cells[i & 1], IO_DEVICE, ns[i]);
		cells[i & 1].ops++;
	}
	io_cells_add(cells, 2, INTERVAL, &sum);
	io_sample_fill(&e, &sum);
	return e;
}

static void buckets_follow_each_other_without_a_gap(void **state)
{
	(void)state;
	assert_int_equal(io_bucket_start_ns(0), 0);
	for (unsigned i = 1; i < IO_BUCKETS; i++) {
		assert_int_equal(io_bucket(io_bucket_start_ns(i)), i);
		assert_int_equal(io_bucket(io_bucket_start_ns(i) - 1), i - 1);
	}
	assert_int_equal(io_bucket(UINT64_MAX), IO_BUCKETS - 1);
	assert_true(io_bucket_start_ns(IO_BUCKETS - 1) >= 60 * NS_PER_S);
}

static void the_middle_of_a_bucket_is_at_most_an_eighth_off(void **state)
{
	(void)state;
	for (unsigned i = io_bucket(512); i < IO_BUCKETS - 1; i++) {
		double from = (double)io_bucket_start_ns(i), to = (double)io_bucket_start_ns(i + 1);
		double middle = (from + to) / 2;

		assert_true(middle <= from * 1.125);
		assert_true(middle >= (to - 1) * 0.875);
	}
}

static void every_percentile_of_one_request_is_that_request(void **state)
{
	static const uint64_t times[] = { 0, 1, 127, 4097, 1050 * NS_PER_MS, 100 * NS_PER_S };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct ev_io e = sample_of(&times[i], 1);

		assert_int_equal(e.ops, 1);
		assert_int_equal(e.device_p50_ns, times[i]);
		assert_int_equal(e.device_p95_ns, times[i]);
		assert_int_equal(e.device_p99_ns, times[i]);
		assert_int_equal(e.device_max_ns, times[i]);
	}
}

static void assert_near(uint64_t got, uint64_t exact)
{
	if (llabs((long long)(got - exact)) > (long long)exact / 8)
		fail_msg("%llu is more than 12.5 %% off %llu", (unsigned long long)got,
			 (unsigned long long)exact);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Against the nearest rank in the sorted list, for lists of any length and spread. */
static void percentiles_are_near_those_of_all_times(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned n = 1; n <= 211; n++) {
		uint64_t times[211];
		struct ev_io e;

		for (unsigned i = 0; i < n; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			times[i] = 512 + (seed >> 33) % (1ull << (10 + n % 24));
		}
		e = sample_of(times, n);
		qsort(times, n, sizeof(times[0]), compare);
		assert_near(e.device_p50_ns, times[(n * 50 + 99) / 100 - 1]);
		assert_near(e.device_p95_ns, times[(n * 95 + 99) / 100 - 1]);
		assert_near(e.device_p99_ns, times[(n * 99 + 99) / 100 - 1]);
		assert_int_equal(e.device_max_ns, times[n - 1]);
		assert_true(e.device_p99_ns <= e.device_max_ns);
	}
}

static void times_that_no_request_has_are_missing(void **state)
{
	const uint64_t ns = 5000;
	struct ev_io e = sample_of(&ns, 1);

	(void)state;
	assert_true(e.queue_p50_ns == NOT_MEASURED && e.queue_max_ns == NOT_MEASURED);
	assert_true(e.latency_p99_ns == NOT_MEASURED);
}

static void a_difference_is_right_when_counters_wrap(void **state)
{
	struct io_cell before = { .ops = UINT32_MAX - 2, .bytes = 100, .errors = 1 };
	struct io_cell now = { .ops = 4, .bytes = 350, .errors = 1 };
	struct io_cell difference;
	struct ev_io e = { 0 };

	(void)state;
	before.buckets[IO_TOTAL][3] = UINT32_MAX;
	now.buckets[IO_TOTAL][3] = 6;
	io_cells_difference(&now, &before, &difference);
	io_sample_fill(&e, &difference);
	assert_int_equal(e.ops, 7);
	assert_int_equal(e.bytes, 250);
	assert_int_equal(e.errors, 0);
	assert_int_equal(difference.buckets[IO_TOTAL][3], 7);
}

static void the_longest_of_another_interval_does_not_count(void **state)
{
	struct io_cell cell = { 0 }, sum;
	struct ev_io e = { 0 };

	(void)state;
	add_time(&cell, IO_TOTAL, NS_PER_S);
	cell.longest[INTERVAL & 1].interval = INTERVAL - 2;
	io_cells_add(&cell, 1, INTERVAL, &sum);
	assert_int_equal(sum.longest[0].ns[IO_TOTAL], 0);
	/* its bucket is known all the same */
	io_sample_fill(&e, &sum);
	assert_near(e.latency_max_ns, NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_each_other_without_a_gap),
		cmocka_unit_test(the_middle_of_a_bucket_is_at_most_an_eighth_off),
		cmocka_unit_test(every_percentile_of_one_request_is_that_request),
		cmocka_unit_test(percentiles_are_near_those_of_all_times),
		cmocka_unit_test(times_that_no_request_has_are_missing),
		cmocka_unit_test(a_difference_is_right_when_counters_wrap),
		cmocka_unit_test(the_longest_of_another_interval_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
