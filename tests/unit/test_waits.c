/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/waits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../bpf/histogram.h"

static void add(struct waits *w, uint64_t ns)
{
	struct waits_delta d = { .longest_ns = ns };

	if (ns >= HISTOGRAM_FROM_NS) {
		d.buckets[histogram_bucket(ns, WAIT_BUCKETS)] = 1;
		waits_add(w, &d);
	}
}

static void the_middle_of_a_bucket_is_near_all_that_is_in_it(void **state)
{
	(void)state;
	for (double ns = HISTOGRAM_FROM_NS; ns < 60e9; ns *= 1.0037) {
		uint32_t bucket = histogram_bucket((uint64_t)ns, WAIT_BUCKETS);

		assert_true(fabs((double)histogram_middle(bucket) - ns) <= 0.125 * ns);
	}
}

static void buckets_follow_one_another(void **state)
{
	uint32_t last = 0;

	(void)state;
	assert_int_equal(histogram_bucket(HISTOGRAM_FROM_NS, WAIT_BUCKETS), 0);
	for (uint64_t ns = HISTOGRAM_FROM_NS; ns < 1 << 20; ns += 61) {
		uint32_t bucket = histogram_bucket(ns, WAIT_BUCKETS);

		assert_true(bucket == last || bucket == last + 1);
		last = bucket;
	}
	assert_int_equal(histogram_bucket(INT64_MAX, WAIT_BUCKETS), WAIT_BUCKETS - 1);
}

static void all_percentiles_of_one_wait_are_that_wait(void **state)
{
	struct waits w = { 0 };

	(void)state;
	add(&w, 5003);
	assert_int_equal(waits_quantile_ns(&w, 1, 0.5), 5003);
	assert_int_equal(waits_quantile_ns(&w, 1, 0.99), 5003);
	assert_int_equal(waits_quantile_ns(&w, 1, 1), 5003);
}

static void short_waits_are_what_the_histogram_lacks(void **state)
{
	struct waits w = { 0 };

	(void)state;
	add(&w, 7919);
	assert_int_equal(waits_quantile_ns(&w, 3, 0.5), HISTOGRAM_FROM_NS);
	assert_int_equal(waits_quantile_ns(&w, 3, 0.99), 7919);
	assert_int_equal(waits_quantile_ns(NULL, 7, 0.99), HISTOGRAM_FROM_NS);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void percentiles_are_near_those_of_the_waits_themselves(void **state)
{
	const double shares[] = { 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1 };
	struct waits w = { 0 };
	uint64_t all[1009];

	(void)state;
	srand(1);
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		all[i] = (uint64_t)(exp2(8 + 20.0 * rand() / RAND_MAX));
		add(&w, all[i]);
	}
	qsort(all, ARRAY_SIZE(all), sizeof(all[0]), by_size);
	for (unsigned i = 0; i < ARRAY_SIZE(shares); i++) {
		uint64_t want = all[(size_t)ceil(shares[i] * ARRAY_SIZE(all)) - 1];
		double got = (double)waits_quantile_ns(&w, ARRAY_SIZE(all), shares[i]);

		if (want < HISTOGRAM_FROM_NS)
			want = HISTOGRAM_FROM_NS;
		assert_true(fabs(got - (double)want) <= 0.125 * (double)want);
	}
	assert_int_equal(waits_quantile_ns(&w, ARRAY_SIZE(all), 1), all[ARRAY_SIZE(all) - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_middle_of_a_bucket_is_near_all_that_is_in_it),
		cmocka_unit_test(buckets_follow_one_another),
		cmocka_unit_test(all_percentiles_of_one_wait_are_that_wait),
		cmocka_unit_test(short_waits_are_what_the_histogram_lacks),
		cmocka_unit_test(percentiles_are_near_those_of_the_waits_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
