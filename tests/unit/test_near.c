/* SPDX-License-Identifier: BSD-2-Clause */
/* The nearest misses of an hour. */
#include "engine/near.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void note(struct near_misses *n, double at_min, double distance, const char *key)
{
	const struct near_miss miss = {
		.distance = distance,
		.value = 100 * (1 - distance),
		.limit = 100,
		.at_ns = (uint64_t)((1000 + at_min) * 60e9),
		.key = (unsigned char *)key,
		.key_len = strlen(key),
	};

	if (near_wanted(n, distance, miss.at_ns))
		near_note(n, &miss);
}

static double nearest_at(const struct near_misses *n, double at_min, const char *key)
{
	struct near_miss miss;

	if (!near_nearest(n, (uint64_t)((1000 + at_min) * 60e9), &miss))
		return -1;
	assert_int_equal(miss.key_len, strlen(key));
	if (miss.key_len)
		assert_memory_equal(miss.key, key, miss.key_len);
	return miss.distance;
}

static void the_nearest_of_the_last_hour_is_known(void **state)
{
	CLEANUP(near_fini) struct near_misses n = { 0 };

	(void)state;
	assert_true(nearest_at(&n, 0, "") == -1);
	note(&n, 1, 0.5, "far");
	note(&n, 2, 0.25, "near");
	note(&n, 3, 0.75, "farther");
	assert_true(nearest_at(&n, 3, "near") == 0.25);
	note(&n, 30, 0.375, "later");
	assert_true(nearest_at(&n, 60, "near") == 0.25);
	assert_true(nearest_at(&n, 66, "later") == 0.375);
	assert_true(nearest_at(&n, 96, "") == -1);
}

static void what_is_no_nearer_is_not_wanted(void **state)
{
	CLEANUP(near_fini) struct near_misses n = { 0 };

	(void)state;
	note(&n, 1, 0.25, "");
	assert_false(near_wanted(&n, 0.25, (uint64_t)(1001.5 * 60e9)));
	assert_true(near_wanted(&n, 0.125, (uint64_t)(1001.5 * 60e9)));
	/* with the next five minutes, anything is */
	assert_true(near_wanted(&n, 0.9, (uint64_t)(1005 * 60e9)));
}

static void the_slots_are_used_again(void **state)
{
	CLEANUP(near_fini) struct near_misses n = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1009; i++)
		note(&n, 7 * i, i % 2 ? 0.5 : 0.625, i % 2 ? "odd" : "even");
	assert_true(nearest_at(&n, 7 * 1008, "odd") == 0.5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_of_the_last_hour_is_known),
		cmocka_unit_test(what_is_no_nearer_is_not_wanted),
		cmocka_unit_test(the_slots_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
