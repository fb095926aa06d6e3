/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stats/window.h"

/* One sample a second over a window of 5 s: a coarse edge would show a sixth or lose the fifth. */
static void regular_samples_are_counted_exactly(void **state)
{
	struct window *w = window_new(AGGREGATE_RATE, 0, 5 * NS_PER_S);

	(void)state;
	for (uint64_t s = 100; s < 200; s++) {
		window_add(w, s * NS_PER_S + 123456789, 1000);
		if (s >= 104) {
			assert_true(window_value(w, s * NS_PER_S + 123456789) == 1000);
			assert_true(window_value(w, s * NS_PER_S + 999999999) == 1000);
		}
	}
	window_free(w);
}

static void the_window_is_open_at_its_old_end(void **state)
{
	struct window *w = window_new(AGGREGATE_COUNT, 0, NS_PER_S);

	(void)state;
	window_add(w, 10 * NS_PER_S, 0);
	assert_int_equal(window_samples(w, 11 * NS_PER_S - 1), 1);
	assert_int_equal(window_samples(w, 11 * NS_PER_S), 0);
	window_free(w);
}

static void late_samples_count_until_they_are_too_old(void **state)
{
	struct window *w = window_new(AGGREGATE_SUM, 0, NS_PER_S);

	(void)state;
	window_add(w, 10 * NS_PER_S, 1);
	window_add(w, 9 * NS_PER_S + NS_PER_MS, 2);
	window_add(w, 9 * NS_PER_S, 4);
	window_add(w, 0, 8);
	assert_true(window_value(w, 0) == 3);
	assert_true(window_value(w, 10 * NS_PER_S + NS_PER_MS) == 1);
	window_free(w);
}

static void what_is_no_number_is_ignored(void **state)
{
	struct window *w = window_new(AGGREGATE_MAX, 0, NS_PER_S);

	(void)state;
	window_add(w, NS_PER_S, NAN);
	window_add(w, NS_PER_S, INFINITY);
	assert_int_equal(window_samples(w, NS_PER_S), 0);
	window_add(w, NS_PER_S, -3);
	assert_true(window_value(w, NS_PER_S) == -3);
	window_free(w);
}

static void a_quantile_is_the_nearest_rank(void **state)
{
	struct window *w = window_new(AGGREGATE_QUANTILE, 0.07, NS_PER_S);

	(void)state;
	assert_true(isnan(window_value(w, 5)));
	window_add(w, 5, 42);
	assert_true(window_value(w, 5) == 42);
	for (int i = 0; i < 100; i++)
		window_add(w, 2 * NS_PER_S, (i * 37 % 100) + 1);
	assert_true(window_value(w, 2 * NS_PER_S) == 7);
	window_free(w);
}

/* Of the sanitizer that the tests are built with. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated_bytes(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
						       : 0;
}

static void an_empty_quantile_gives_its_memory_back_and_works_on(void **state)
{
	struct window *w = window_new(AGGREGATE_QUANTILE, 0.5, NS_PER_S);
	size_t empty_bytes = allocated_bytes();

	(void)state;
	for (unsigned i = 1; i <= 3 * WINDOW_SAMPLES; i++)
		window_add(w, NS_PER_S, i);
	assert_true(allocated_bytes() >= empty_bytes);
	assert_int_equal(window_samples(w, 2 * NS_PER_S), 0);
	assert_int_equal(allocated_bytes(), empty_bytes);
	assert_true(isnan(window_value(w, 2 * NS_PER_S)));
	window_add(w, 3 * NS_PER_S, 5);
	window_add(w, 3 * NS_PER_S, 6);
	assert_true(window_value(w, 3 * NS_PER_S) == 5);
	window_free(w);
}

static void any_time_is_survived(void **state)
{
	static const uint64_t times_ns[] = { 0, UINT64_MAX, 1, UINT64_MAX - 1, NS_PER_S };
	struct window *w = window_new(AGGREGATE_QUANTILE, 0.5, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times_ns); i++) {
		window_add(w, times_ns[i], 1);
		(void)window_value(w, times_ns[i]);
	}
	assert_int_equal(window_samples(w, UINT64_MAX), 1);
	window_free(w);
	window_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regular_samples_are_counted_exactly),
		cmocka_unit_test(the_window_is_open_at_its_old_end),
		cmocka_unit_test(late_samples_count_until_they_are_too_old),
		cmocka_unit_test(what_is_no_number_is_ignored),
		cmocka_unit_test(a_quantile_is_the_nearest_rank),
		cmocka_unit_test(an_empty_quantile_gives_its_memory_back_and_works_on),
		cmocka_unit_test(any_time_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
