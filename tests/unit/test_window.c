/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stats/window.h"

#define SAMPLES 3001

struct sample {
	uint64_t ts_ns;
	double value;
};

/* A whole stream, and what is in a stretch of it by plain recomputation. */
struct stream {
	struct sample samples[SAMPLES];
	size_t n;
};

struct truth {
	uint64_t count;
	double sum, min, max;
};

static uint64_t seed;

static uint64_t next_random(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

/* Over (after, until]. */
static struct truth recompute(const struct stream *s, uint64_t after_ns, uint64_t until_ns)
{
	struct truth t = { 0, 0, INFINITY, -INFINITY };

	for (size_t i = 0; i < s->n; i++) {
		if (s->samples[i].ts_ns <= after_ns || s->samples[i].ts_ns > until_ns)
			continue;
		t.count++;
		t.sum += s->samples[i].value;
		t.min = fmin(t.min, s->samples[i].value);
		t.max = fmax(t.max, s->samples[i].value);
	}
	return t;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* By sorting; over the latest WINDOW_SAMPLES samples. */
static double recompute_quantile(const struct stream *s, uint64_t after_ns, uint64_t percent)
{
	static double values[SAMPLES];
	size_t first = s->n > WINDOW_SAMPLES ? s->n - WINDOW_SAMPLES : 0;
	size_t n = 0;

	for (size_t i = first; i < s->n; i++)
		if (s->samples[i].ts_ns > after_ns)
			values[n++] = s->samples[i].value;
	if (n == 0)
		return NAN;
	qsort(values, n, sizeof(*values), compare);
	return values[(percent * n + 99) / 100 - 1];
}

static bool between(double x, double a, double b)
{
	double slack = 1e-9 * (fabs(a) + fabs(b));

	return x >= fmin(a, b) - slack && x <= fmax(a, b) + slack;
}

struct windows {
	struct window *count, *sum, *rate, *avg, *min, *max, *quantile;
	uint64_t length_ns;
	uint64_t percent;
};

/*
 * Everything inside counts, nothing older than a slot more does; with values of one sign the sums
 * lie between the two sums.
 */
static void check(const struct windows *w, const struct stream *s, uint64_t now_ns)
{
	uint64_t slot_ns = w->length_ns / WINDOW_SLOTS + 1;
	struct truth inner = recompute(s, now_ns - w->length_ns, now_ns);
	struct truth outer = recompute(s, now_ns - w->length_ns - slot_ns, now_ns);
	uint64_t count = window_samples(w->count, now_ns);
	double exact = recompute_quantile(s, now_ns - w->length_ns, w->percent);
	double quantile = window_value(w->quantile, now_ns);
	double min = window_value(w->min, now_ns), max = window_value(w->max, now_ns);

	assert_in_range(count, inner.count, outer.count);
	assert_true(window_value(w->count, now_ns) == (double)count);
	assert_int_equal(window_samples(w->quantile, now_ns), count);
	assert_true(between(window_value(w->sum, now_ns), inner.sum, outer.sum));
	assert_true(between(window_value(w->rate, now_ns) * (double)w->length_ns / 1e9, inner.sum,
			    outer.sum));
	if (count) {
		assert_true(between(window_value(w->avg, now_ns) * (double)count, inner.sum,
				    outer.sum));
		assert_true(between(min, inner.min, outer.min));
		assert_true(between(max, inner.max, outer.max));
	} else {
		assert_true(isnan(window_value(w->avg, now_ns)) && isnan(min) && isnan(max));
	}
	assert_true(isnan(exact) ? isnan(quantile) : quantile == exact);
}

static void add(const struct windows *w, struct stream *s, uint64_t ts_ns, double value)
{
	s->samples[s->n++] = (struct sample){ ts_ns, value };
	window_add(w->count, ts_ns, value);
	window_add(w->sum, ts_ns, value);
	window_add(w->rate, ts_ns, value);
	window_add(w->avg, ts_ns, value);
	window_add(w->min, ts_ns, value);
	window_add(w->max, ts_ns, value);
	window_add(w->quantile, ts_ns, value);
}

/*
 * Samples at random times, in bursts and with pauses longer than the window, each up to a tenth of
 * it late.
 */
static void run_stream(const struct windows *w)
{
	static struct stream s;
	uint64_t now_ns = w->length_ns * 3;
	uint64_t late_ns = w->length_ns / 10 + 1;

	s.n = 0;
	while (s.n < SAMPLES) {
		if (next_random(10) == 0)
			now_ns += next_random(w->length_ns / (1 + next_random(8)) * 3 / 2);
		now_ns += next_random(w->length_ns / 50 + 2);
		add(w, &s, now_ns - next_random(late_ns), (double)next_random(1000) / 8);
		if (next_random(3) == 0)
			now_ns += next_random(w->length_ns / 20 + 1);
		check(w, &s, now_ns);
	}
}

static void a_window_equals_its_recomputation(void **state)
{
	static const uint64_t lengths_ns[] = { 1000, 999983, NS_PER_S, 300 * NS_PER_S };
	static const uint64_t percents[] = { 1, 50, 90, 99, 100 };

	(void)state;
	for (seed = 0; seed < 40; seed++) {
		uint64_t kept = seed, length_ns = lengths_ns[seed % ARRAY_SIZE(lengths_ns)];
		uint64_t percent = percents[seed % ARRAY_SIZE(percents)];
		struct windows w = {
			.count = window_new(AGGREGATE_COUNT, 0, length_ns),
			.sum = window_new(AGGREGATE_SUM, 0, length_ns),
			.rate = window_new(AGGREGATE_RATE, 0, length_ns),
			.avg = window_new(AGGREGATE_AVG, 0, length_ns),
			.min = window_new(AGGREGATE_MIN, 0, length_ns),
			.max = window_new(AGGREGATE_MAX, 0, length_ns),
			.quantile =
				window_new(AGGREGATE_QUANTILE, (double)percent / 100, length_ns),
			.length_ns = length_ns,
			.percent = percent,
		};

		run_stream(&w);
		window_free(w.count);
		window_free(w.sum);
		window_free(w.rate);
		window_free(w.avg);
		window_free(w.min);
		window_free(w.max);
		window_free(w.quantile);
		seed = kept;
	}
}

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
	window_add(w, 9 * NS_PER_S + 1, 2);
	window_add(w, 9 * NS_PER_S, 4);
	window_add(w, 0, 8);
	assert_true(window_value(w, 0) == 3);
	assert_true(window_value(w, 10 * NS_PER_S + 1) == 1);
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

static void a_quantile_is_over_the_latest_samples(void **state)
{
	struct window *w = window_new(AGGREGATE_QUANTILE, 0.5, NS_PER_S);

	(void)state;
	for (unsigned i = 1; i <= 3 * WINDOW_SAMPLES; i++)
		window_add(w, NS_PER_S, i);
	assert_true(window_value(w, NS_PER_S) == 2 * WINDOW_SAMPLES + WINDOW_SAMPLES / 2);
	assert_int_equal(window_samples(w, NS_PER_S), 3 * WINDOW_SAMPLES);
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
	for (unsigned i = 1; i <= WINDOW_SAMPLES; i++)
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
		cmocka_unit_test(a_window_equals_its_recomputation),
		cmocka_unit_test(regular_samples_are_counted_exactly),
		cmocka_unit_test(the_window_is_open_at_its_old_end),
		cmocka_unit_test(late_samples_count_until_they_are_too_old),
		cmocka_unit_test(what_is_no_number_is_ignored),
		cmocka_unit_test(a_quantile_is_the_nearest_rank),
		cmocka_unit_test(a_quantile_is_over_the_latest_samples),
		cmocka_unit_test(an_empty_quantile_gives_its_memory_back_and_works_on),
		cmocka_unit_test(any_time_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
