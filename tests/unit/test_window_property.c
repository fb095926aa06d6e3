/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random streams against plain recomputation from a list of all samples, by the edge rule as grid.h
 * states it: a slot counts as a whole until its latest sample, rounded down, is as old as the window.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "stats/tally.h"
#include "stats/window.h"
#include "util/hash.h"

#define SAMPLES	   3001
#define AGGREGATES (AGGREGATE_DISTINCT + 1)
#define KEYS	   3

static uint64_t seed;

static uint64_t next_random(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

struct sample {
	uint64_t ts_ns;
	double value;
	bool out; /* has left the window */
};

/* All samples of one key, as a list. */
struct naive {
	uint64_t length_ns, slot_ns, step_ns;
	uint64_t newest_ns;
	struct sample samples[SAMPLES];
	size_t n;
};

static struct naive naive_of(uint64_t length_ns)
{
	struct naive m = { .length_ns = length_ns, .slot_ns = (length_ns + 19) / 20, .step_ns = 1 };

	while ((m.slot_ns - 1) / m.step_ns > 255)
		m.step_ns *= 2;
	return m;
}

static uint64_t rounded_ns(const struct naive *m, uint64_t ts_ns)
{
	uint64_t start_ns = ts_ns / m->slot_ns * m->slot_ns;

	return start_ns + (ts_ns - start_ns) / m->step_ns * m->step_ns;
}

static bool too_old(const struct naive *m, uint64_t ts_ns)
{
	return ts_ns < m->newest_ns && m->newest_ns - ts_ns >= m->length_ns;
}

struct slot_latest {
	uint64_t slot, latest_ns;
};

/* The latest of each slot that has not left; returns how many slots. */
static size_t find_latest(const struct naive *m, struct slot_latest latest[SAMPLES])
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		uint64_t slot = m->samples[i].ts_ns / m->slot_ns;
		uint64_t ts_ns = rounded_ns(m, m->samples[i].ts_ns);
		size_t at = 0;

		if (m->samples[i].out)
			continue;
		while (at < n && latest[at].slot != slot)
			at++;
		if (at == n)
			latest[n++] = (struct slot_latest){ slot, ts_ns };
		else if (ts_ns > latest[at].latest_ns)
			latest[at].latest_ns = ts_ns;
	}
	return n;
}

static void naive_slide(struct naive *m, uint64_t now_ns)
{
	static struct slot_latest latest[SAMPLES];
	size_t n;

	if (now_ns > m->newest_ns)
		m->newest_ns = now_ns;
	n = find_latest(m, latest);
	for (size_t i = 0; i < m->n; i++)
		for (size_t at = 0; at < n; at++)
			if (latest[at].slot == m->samples[i].ts_ns / m->slot_ns &&
			    too_old(m, latest[at].latest_ns))
				m->samples[i].out = true;
}

static void naive_add(struct naive *m, uint64_t ts_ns, double value)
{
	naive_slide(m, ts_ns);
	if (!too_old(m, rounded_ns(m, ts_ns)))
		m->samples[m->n++] = (struct sample){ ts_ns, value, false };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct answers {
	double of[AGGREGATES];
};

static double rate_of(const struct naive *m, double sum)
{
	return sum / ((double)m->length_ns / 1e9);
}

static size_t inside_of(const struct naive *m, double values[SAMPLES], double *ret_last)
{
	uint64_t latest_ns = 0;
	size_t n = 0;

	*ret_last = NAN;
	for (size_t i = 0; i < m->n; i++) {
		if (m->samples[i].out)
			continue;
		values[n++] = m->samples[i].value;
		if (m->samples[i].ts_ns < latest_ns)
			continue;
		latest_ns = m->samples[i].ts_ns;
		*ret_last = m->samples[i].value;
	}
	return n;
}

static struct answers recompute(const struct naive *m, uint64_t percent)
{
	static double values[SAMPLES];
	struct answers a = { { 0 } };
	size_t n = inside_of(m, values, &a.of[AGGREGATE_LAST]);
	double squares = 0;

	for (size_t i = 0; i < n; i++)
		a.of[AGGREGATE_SUM] += values[i];
	a.of[AGGREGATE_COUNT] = (double)n;
	a.of[AGGREGATE_RATE] = rate_of(m, a.of[AGGREGATE_SUM]);
	a.of[AGGREGATE_AVG] = n ? a.of[AGGREGATE_SUM] / (double)n : NAN;
	for (size_t i = 0; i < n; i++)
		squares += pow(values[i] - a.of[AGGREGATE_AVG], 2);
	a.of[AGGREGATE_STDDEV] = n ? sqrt(squares / (double)n) : NAN;
	qsort(values, n, sizeof(*values), compare);
	a.of[AGGREGATE_MIN] = n ? values[0] : NAN;
	a.of[AGGREGATE_MAX] = n ? values[n - 1] : NAN;
	a.of[AGGREGATE_QUANTILE] = n ? values[(percent * n + 99) / 100 - 1] : NAN;
	for (size_t i = 0; i < n; i++)
		a.of[AGGREGATE_DISTINCT] += i == 0 || values[i] != values[i - 1];
	return a;
}

/* One key at work: a window for each aggregate, a tally, and the list. */
struct key {
	struct window *windows[AGGREGATES];
	struct tally tally;
	uint64_t newest_ns;
	struct naive naive;
};

static void key_start(struct key *k, uint64_t length_ns, uint64_t percent)
{
	memset(k, 0, sizeof(*k));
	k->naive = naive_of(length_ns);
	for (enum aggregate a = AGGREGATE_COUNT; a < AGGREGATES; a++)
		k->windows[a] = window_new(a, (double)percent / 100, length_ns);
}

static void key_end(struct key *k)
{
	for (enum aggregate a = AGGREGATE_COUNT; a < AGGREGATES; a++)
		window_free(k->windows[a]);
	tally_clear(&k->tally);
}

static void key_add(struct key *k, struct grid *grid, uint64_t ts_ns, double value)
{
	uint64_t hash = hash_keyed(7, &value, sizeof(value));

	if (ts_ns > k->newest_ns)
		k->newest_ns = ts_ns;
	for (enum aggregate a = AGGREGATE_COUNT; a < AGGREGATES; a++) {
		if (a == AGGREGATE_DISTINCT)
			window_add_hash(k->windows[a], ts_ns, hash);
		else
			window_add(k->windows[a], ts_ns, value);
	}
	tally_add(&k->tally, grid, ts_ns, k->newest_ns);
	naive_add(&k->naive, ts_ns, value);
}

static void assert_near(double got, double want, double share)
{
	if (isnan(want))
		assert_true(isnan(got));
	else
		assert_true(fabs(got - want) <= share * fabs(want) + 1e-9);
}

/* Exact where there is room for all; then what window.h states. */
static double tolerance(const struct key *k, enum aggregate a, double want)
{
	if (a == AGGREGATE_QUANTILE && k->naive.n > WINDOW_SAMPLES)
		return 1.0 / 64;
	if (a == AGGREGATE_DISTINCT && want > 1024)
		return 3 * 0.05;
	return 1e-9;
}

static void key_check(struct key *k, struct grid *grid, uint64_t now_ns, uint64_t percent)
{
	struct answers want;

	if (now_ns > k->newest_ns)
		k->newest_ns = now_ns;
	naive_slide(&k->naive, now_ns);
	want = recompute(&k->naive, percent);
	for (enum aggregate a = AGGREGATE_COUNT; a < AGGREGATES; a++) {
		double got = window_value(k->windows[a], now_ns);

		assert_near(got, want.of[a], tolerance(k, a, want.of[a]));
		assert_int_equal(window_samples(k->windows[a], now_ns), want.of[AGGREGATE_COUNT]);
	}
	assert_int_equal(tally_count(&k->tally, grid, k->newest_ns), want.of[AGGREGATE_COUNT]);
}

/* In bursts, with pauses longer than the window, each sample up to a third of it late. */
static void run_streams(uint64_t length_ns, uint64_t percent)
{
	static struct key keys[KEYS];
	struct grid grid = grid_of(length_ns);
	uint64_t now_ns = next_random(2) ? length_ns * 3 : next_random(1ull << 60);
	uint64_t late_ns = length_ns / 3 + 1;
	unsigned values = (unsigned)(1 + next_random(1000));

	for (unsigned i = 0; i < KEYS; i++)
		key_start(&keys[i], length_ns, percent);
	for (unsigned i = 0; i < 400; i++) {
		struct key *k = &keys[next_random(KEYS)];
		uint64_t late = next_random(late_ns);

		if (next_random(10) == 0)
			now_ns += next_random(length_ns / (1 + next_random(8)) * 3 / 2 + 1);
		now_ns += next_random(length_ns / 50 + 2);
		key_add(k, &grid, now_ns > late ? now_ns - late : 0,
			(double)next_random(values) / 8 - 3);
		if (next_random(3) == 0)
			now_ns += next_random(length_ns / 20 + 1);
		if (next_random(4) == 0)
			key_check(&keys[next_random(KEYS)], &grid, now_ns, percent);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		key_check(&keys[i], &grid, now_ns, percent);
		key_end(&keys[i]);
	}
}

static void windows_equal_their_recomputation(void **state)
{
	static const uint64_t lengths_ns[] = {
		1, 7, 1000, 999983, NS_PER_S, 300 * NS_PER_S, 86400 * NS_PER_S
	};
	static const uint64_t percents[] = { 1, 50, 90, 99, 100 };

	(void)state;
	for (uint64_t run = 0; run < 70; run++) {
		seed = run;
		run_streams(lengths_ns[run % ARRAY_SIZE(lengths_ns)],
			    percents[run % ARRAY_SIZE(percents)]);
	}
}

/* The same samples of one slot in any order are the same window. */
static void the_order_within_a_slot_does_not_matter(void **state)
{
	static struct key a, b;
	struct grid grid = grid_of(10 * NS_PER_S);
	uint64_t ts_ns[7];

	(void)state;
	key_start(&a, 10 * NS_PER_S, 50);
	key_start(&b, 10 * NS_PER_S, 50);
	seed = 1;
	for (unsigned i = 0; i < 7; i++)
		ts_ns[i] = 100 * NS_PER_S + next_random(NS_PER_S / 2);
	for (unsigned i = 0; i < 7; i++) {
		key_add(&a, &grid, ts_ns[i], i);
		key_add(&b, &grid, ts_ns[6 - i], 6 - i);
	}
	for (uint64_t now_ns = 101 * NS_PER_S; now_ns < 112 * NS_PER_S; now_ns += NS_PER_S / 100)
		for (enum aggregate g = AGGREGATE_COUNT; g < AGGREGATES; g++)
			assert_near(window_value(a.windows[g], now_ns),
				    window_value(b.windows[g], now_ns), 1e-12);
	key_end(&a);
	key_end(&b);
}

/* Many samples of random sizes and signs: a quantile is within 1/64, sliding too. */
static void a_quantile_of_many_is_within_its_bound(void **state)
{
	static struct key k;
	struct grid grid = grid_of(NS_PER_S);
	uint64_t now_ns = 5 * NS_PER_S;

	(void)state;
	for (unsigned percent = 1; percent <= 100; percent += 49) {
		key_start(&k, NS_PER_S, percent);
		seed = percent;
		for (unsigned i = 0; i < SAMPLES; i++) {
			double value = exp2((double)next_random(2000) / 100 - 10);

			now_ns += next_random(1000000);
			key_add(&k, &grid, now_ns, next_random(4) ? value : -value);
			if (i % 499 == 0)
				key_check(&k, &grid, now_ns, percent);
		}
		key_check(&k, &grid, now_ns + NS_PER_S / 3, percent);
		key_end(&k);
	}
}

static double distinct_after(struct window *w, unsigned n, uint64_t from_ns, unsigned *next)
{
	uint64_t now_ns = from_ns;

	for (unsigned i = 0; i < n; i++) {
		unsigned value = (*next)++;

		now_ns = from_ns + NS_PER_S / 2 * i / n;
		for (unsigned again = 0; again < 2; again++)
			window_add_hash(w, now_ns, hash_keyed(11, &value, sizeof(value)));
	}
	return window_value(w, now_ns);
}

/* Exact to 1,024, then within a few standard errors; and it comes back when the values are few. */
static void distinct_values_are_estimated_within_the_stated_error(void **state)
{
	struct window *w = window_new(AGGREGATE_DISTINCT, 0, NS_PER_S);
	uint64_t at_ns = 10 * NS_PER_S;
	unsigned next = 0;

	(void)state;
	assert_true(distinct_after(w, 1024, at_ns, &next) == 1024);
	for (unsigned n = 2000; n <= 200000; n *= 10) {
		double got;

		at_ns += 2 * NS_PER_S;
		got = distinct_after(w, n, at_ns, &next);
		assert_true(fabs(got - n) < 3 * 0.05 * n);
	}
	/* few ones from here on, without an empty window between */
	for (unsigned i = 0; i < 20; i++) {
		at_ns += NS_PER_S * 4 / 5;
		(void)distinct_after(w, 100, at_ns, &next);
	}
	assert_true(window_value(w, at_ns + NS_PER_S / 2) <= 200);
	assert_true(distinct_after(w, 0, at_ns + 2 * NS_PER_S, &next) == 0);
	window_free(w);
}

/* More than 255 in a slot do not overflow what is meant for few. */
static void a_tally_counts_many(void **state)
{
	struct grid grid = grid_of(10 * NS_PER_S);
	struct tally t = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100003; i++)
		tally_add(&t, &grid, 100 * NS_PER_S, 100 * NS_PER_S);
	tally_add(&t, &grid, 105 * NS_PER_S, 105 * NS_PER_S);
	assert_int_equal(tally_count(&t, &grid, 106 * NS_PER_S), 100004);
	assert_int_equal(tally_count(&t, &grid, 110 * NS_PER_S), 1);
	assert_int_equal(tally_count(&t, &grid, 115 * NS_PER_S), 0);
	assert_false(t.is_wide);
	tally_clear(&t);
}

/* Bursts of several hundred, late ones too: as the window that counts, which is recomputed above. */
static void a_tally_of_bursts_equals_the_window(void **state)
{
	(void)state;
	for (uint64_t run = 0; run < 211; run++) {
		uint64_t length_ns = run % 2 ? 7 : 10 * NS_PER_S, now_ns = 3 * length_ns;
		struct window *w = window_new(AGGREGATE_COUNT, 0, length_ns);
		struct grid grid = grid_of(length_ns);
		struct tally t = { 0 };

		seed = run;
		for (unsigned i = 0; i < 97; i++) {
			uint64_t latest_ns = now_ns;
			/* often such as are about to leave */
			uint64_t late_ns = next_random(2)
						   ? next_random(length_ns)
						   : length_ns - next_random(length_ns / 10 + 1);

			for (uint64_t n = 1 + next_random(1 + next_random(600)); n; n--) {
				tally_add(&t, &grid, now_ns - late_ns, latest_ns);
				window_add(w, now_ns - late_ns, 1);
			}
			if (next_random(3))
				now_ns += next_random(length_ns / (1 + next_random(40)) + 1);
			assert_int_equal(tally_count(&t, &grid, now_ns), window_samples(w, now_ns));
		}
		tally_clear(&t);
		window_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_equal_their_recomputation),
		cmocka_unit_test(the_order_within_a_slot_does_not_matter),
		cmocka_unit_test(a_quantile_of_many_is_within_its_bound),
		cmocka_unit_test(distinct_values_are_estimated_within_the_stated_error),
		cmocka_unit_test(a_tally_counts_many),
		cmocka_unit_test(a_tally_of_bursts_equals_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
