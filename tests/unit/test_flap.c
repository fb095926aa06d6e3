/* SPDX-License-Identifier: BSD-2-Clause */
/* The state machine of flap damping by itself. */
#include "engine/flap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct flap_conf conf = { .changes = 4, .window_ns = 60 * NS_PER_S };

static uint64_t s(unsigned seconds)
{
	return (1000 + seconds) * NS_PER_S;
}

static void it_flaps_from_the_nth_change_within_the_window(void **state)
{
	CLEANUP(flap_fini) struct flap f = { 0 };

	(void)state;
	assert_false(flap_change(&f, &conf, s(0)));
	assert_false(flap_change(&f, &conf, s(20)));
	assert_false(flap_change(&f, &conf, s(40)));
	assert_int_equal(flap_recent(&f, &conf, s(59)), 3);
	assert_true(flap_change(&f, &conf, s(59)));
	assert_int_equal(f.count, 4);
	assert_true(flap_change(&f, &conf, s(118)));
	assert_int_equal(f.count, 5);
}

static void changes_as_far_apart_as_the_window_do_not_count_together(void **state)
{
	CLEANUP(flap_fini) struct flap f = { 0 };

	(void)state;
	for (unsigned i = 0; i < 101; i++)
		assert_false(flap_change(&f, &conf, s(20 * i)));
	assert_int_equal(flap_recent(&f, &conf, s(2000)), 3);
	assert_true(flap_change(&f, &conf, s(2019)));
}

static void it_is_settled_after_a_window_without_change(void **state)
{
	CLEANUP(flap_fini) struct flap f = { 0 };

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		(void)flap_change(&f, &conf, s(i));
	assert_true(f.on);
	assert_false(flap_settled(&f, &conf, s(65)));
	assert_true(f.on);
	assert_true(flap_settled(&f, &conf, s(66)));
	assert_false(f.on);
	assert_int_equal(flap_recent(&f, &conf, s(66)), 0);
	/* what was before is forgotten */
	assert_false(flap_change(&f, &conf, s(67)));
	assert_false(flap_change(&f, &conf, s(68)));
	assert_false(flap_change(&f, &conf, s(69)));
	assert_true(flap_change(&f, &conf, s(70)));
	assert_int_equal(f.count, 4);
}

static void late_times_do_no_harm(void **state)
{
	CLEANUP(flap_fini) struct flap f = { 0 };

	(void)state;
	assert_false(flap_change(&f, &conf, s(50)));
	assert_false(flap_settled(&f, &conf, s(10)));
	assert_false(flap_change(&f, &conf, s(10)));
	assert_false(flap_change(&f, &conf, s(11)));
	assert_true(flap_change(&f, &conf, s(12)));
}

static void without_a_number_it_never_flaps(void **state)
{
	static const struct flap_conf never = { 0 };
	CLEANUP(flap_fini) struct flap f = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1009; i++)
		assert_false(flap_change(&f, &never, s(i)));
	assert_null(f.times);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_flaps_from_the_nth_change_within_the_window),
		cmocka_unit_test(changes_as_far_apart_as_the_window_do_not_count_together),
		cmocka_unit_test(it_is_settled_after_a_window_without_change),
		cmocka_unit_test(late_times_do_no_harm),
		cmocka_unit_test(without_a_number_it_never_flaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
