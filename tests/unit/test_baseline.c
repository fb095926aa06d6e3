/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "stats/baseline.h"

static const struct baseline_conf conf = {
	.deviations = 6,
	.warm_up_ns = 120 * NS_PER_S,
	.half_life_ns = 600 * NS_PER_S,
};

static uint64_t seed;

static double uniform(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(seed >> 33) / 0x1p31;
}

/* Standard normal, near enough: twelve uniforms. */
static double normal(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += uniform();
	return sum;
}

/* A noisy level, one value a second; returns the time after. */
static uint64_t learn_level(struct baseline *b, uint64_t from_s, unsigned n, double center,
			    double spread)
{
	for (unsigned i = 0; i < n; i++)
		baseline_learn(b, &conf, center + spread * normal(), (from_s + i) * NS_PER_S);
	return from_s + n;
}

static void learns_center_and_spread_of_normal_values(void **state)
{
	(void)state;
	for (seed = 1; seed < 20; seed++) {
		struct baseline b = { 0 };
		uint64_t kept = seed;

		(void)learn_level(&b, 1, 1800, 1000, 100);
		assert_true(fabs(b.center - 1000) < 30);
		assert_true(fabs(b.spread - 100) < 20);
		seed = kept;
	}
}

static void gives_no_verdict_before_the_warm_up_is_learnt(void **state)
{
	struct baseline b = { 0 };

	(void)state;
	seed = 1;
	assert_false(baseline_ready(&b, &conf));
	(void)learn_level(&b, 1, 120, 1000, 100);
	assert_false(baseline_ready(&b, &conf));
	assert_true(baseline_score(&b, &conf, 1e9) == 0);
	(void)learn_level(&b, 121, 1, 1000, 100);
	assert_true(baseline_ready(&b, &conf));
	assert_true(baseline_score(&b, &conf, 1e9) > 1000);
}

static void a_gap_covers_ten_seconds_at_most(void **state)
{
	struct baseline b = { 0 };

	(void)state;
	baseline_learn(&b, &conf, 1, 1 * NS_PER_S);
	baseline_learn(&b, &conf, 1, 4 * NS_PER_S);
	baseline_learn(&b, &conf, 1, 3604 * NS_PER_S);
	assert_int_equal(b.learnt_ns, 13 * NS_PER_S);
	baseline_learn(&b, &conf, 1, 5 * NS_PER_S);
	assert_int_equal(b.learnt_ns, 13 * NS_PER_S);
}

static void without_warm_up_the_first_value_is_needed(void **state)
{
	struct baseline_conf cold = conf;
	struct baseline b = { 0 };

	(void)state;
	cold.warm_up_ns = 0;
	assert_false(baseline_ready(&b, &cold));
	baseline_learn(&b, &cold, 10, 1);
	assert_true(baseline_ready(&b, &cold));
	assert_true(b.spread > 0);
}

static void one_outlier_moves_hardly_anything(void **state)
{
	struct baseline b = { 0 };
	struct baseline before;
	uint64_t now_s;

	(void)state;
	seed = 3;
	now_s = learn_level(&b, 1, 600, 1000, 100);
	before = b;
	baseline_learn(&b, &conf, 1e12, now_s * NS_PER_S);
	assert_true(fabs(b.center - before.center) < 0.02 * before.spread);
	assert_true(b.spread < before.spread * 1.02);
}

static void one_outlier_in_twenty_is_outvoted(void **state)
{
	struct baseline b = { 0 };

	(void)state;
	seed = 3;
	for (uint64_t s = 1; s <= 3000; s++)
		baseline_learn(&b, &conf, s % 20 == 0 ? 1e6 : 1000 + 100 * normal(), s * NS_PER_S);
	assert_true(b.center < 1060);
	assert_true(b.spread < 150);
	assert_true(baseline_score(&b, &conf, 1e6) > conf.deviations);
}

/* A process does other things in its first second than later. */
static void an_unusual_first_value_is_forgotten_by_the_end_of_the_warm_up(void **state)
{
	static const double first[] = { 0, 20000, 1000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct baseline b = { 0 };

		seed = 5;
		baseline_learn(&b, &conf, first[i], NS_PER_S);
		(void)learn_level(&b, 2, 120, 1000, 100);
		assert_true(fabs(b.center - 1000) < 60);
		assert_true(b.spread < 200);
	}
}

static void a_lasting_level_is_learnt(void **state)
{
	struct baseline b = { 0 };
	uint64_t now_s;

	(void)state;
	seed = 7;
	now_s = learn_level(&b, 1, 1800, 1000, 20);
	now_s = learn_level(&b, now_s, 60, 100, 20);
	assert_true(b.center > 900);
	(void)learn_level(&b, now_s, 5400, 100, 20);
	assert_true(b.center < 130);
}

static void old_values_count_half_after_the_half_life(void **state)
{
	struct baseline b = { 0 };
	uint64_t now_s;

	(void)state;
	seed = 9;
	/* a step of one spread is not clipped */
	now_s = learn_level(&b, 1, 6000, 1000, 100);
	(void)learn_level(&b, now_s, 600, 1100, 100);
	assert_true(fabs(b.center - 1050) < 15);
}

static void a_constant_series_does_not_alarm_on_the_first_wobble(void **state)
{
	struct baseline b = { 0 };

	(void)state;
	for (uint64_t s = 1; s <= 300; s++)
		baseline_learn(&b, &conf, 1000, s * NS_PER_S);
	assert_true(baseline_score(&b, &conf, 1250) < conf.deviations);
	assert_true(baseline_score(&b, &conf, 1350) > conf.deviations);
}

static void what_the_owner_finds_too_little_is_no_news(void **state)
{
	struct baseline b = { .least_spread = 2 };

	(void)state;
	for (uint64_t s = 1; s <= 400; s++)
		baseline_learn(&b, &conf, 0, s * NS_PER_S);
	assert_true(baseline_score(&b, &conf, 11.9) < conf.deviations);
	assert_true(baseline_score(&b, &conf, 12.1) > conf.deviations);
}

/* One retransmission in a silent window is no news, a handful is. */
static void few_occurrences_are_chance(void **state)
{
	struct baseline silent = { .grain = 1 }, rate = { .grain = 0.1 }, some = { .grain = 1 };

	(void)state;
	for (uint64_t s = 1; s <= 300; s++) {
		baseline_learn(&silent, &conf, 0, s * NS_PER_S);
		baseline_learn(&rate, &conf, 0, s * NS_PER_S);
		baseline_learn(&some, &conf, 9, s * NS_PER_S);
	}
	assert_true(baseline_score(&silent, &conf, 6) <= conf.deviations);
	assert_true(baseline_score(&silent, &conf, 7) > conf.deviations);
	assert_true(baseline_score(&rate, &conf, 0.6) <= conf.deviations + 1e-9);
	assert_true(baseline_score(&rate, &conf, 0.7) > conf.deviations);
	/* sqrt(9) a spread */
	assert_true(baseline_score(&some, &conf, 26) < conf.deviations);
	assert_true(baseline_score(&some, &conf, 28) > conf.deviations);
}

static void the_limit_is_where_the_score_reaches_the_deviations(void **state)
{
	struct baseline b = { 0 };
	double above, below;

	(void)state;
	seed = 11;
	(void)learn_level(&b, 1, 300, 50, 10);
	above = baseline_limit(&b, &conf, BASELINE_ABOVE);
	below = baseline_limit(&b, &conf, BASELINE_BELOW);
	assert_true(fabs(baseline_score(&b, &conf, above) - 6) < 1e-9);
	assert_true(fabs(baseline_score(&b, &conf, below) + 6) < 1e-9);
	assert_true(above > 50 && below < 50);
}

static void what_is_no_number_is_ignored(void **state)
{
	struct baseline b = { 0 };

	(void)state;
	baseline_learn(&b, &conf, NAN, 1);
	baseline_learn(&b, &conf, INFINITY, 2);
	assert_int_equal(b.samples, 0);
	baseline_learn(&b, &conf, -4, 3);
	assert_true(b.center == -4 && b.spread > 0);
}

static void a_state_takes_no_more_than_4_kib(void **state)
{
	(void)state;
	assert_true(sizeof(struct baseline) <= 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns_center_and_spread_of_normal_values),
		cmocka_unit_test(gives_no_verdict_before_the_warm_up_is_learnt),
		cmocka_unit_test(a_gap_covers_ten_seconds_at_most),
		cmocka_unit_test(without_warm_up_the_first_value_is_needed),
		cmocka_unit_test(one_outlier_moves_hardly_anything),
		cmocka_unit_test(one_outlier_in_twenty_is_outvoted),
		cmocka_unit_test(an_unusual_first_value_is_forgotten_by_the_end_of_the_warm_up),
		cmocka_unit_test(a_lasting_level_is_learnt),
		cmocka_unit_test(old_values_count_half_after_the_half_life),
		cmocka_unit_test(a_constant_series_does_not_alarm_on_the_first_wobble),
		cmocka_unit_test(what_the_owner_finds_too_little_is_no_news),
		cmocka_unit_test(few_occurrences_are_chance),
		cmocka_unit_test(the_limit_is_where_the_score_reaches_the_deviations),
		cmocka_unit_test(what_is_no_number_is_ignored),
		cmocka_unit_test(a_state_takes_no_more_than_4_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
