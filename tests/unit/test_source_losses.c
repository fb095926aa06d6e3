/* SPDX-License-Identifier: BSD-2-Clause */
/* Of which event type of a source the lost ones are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "source/source_ops.h"

static const struct event_type *type_of(const char *name)
{
	return event_type_find(name, strlen(name));
}

static uint64_t lost_of(const char *type, struct source_counters counters)
{
	const struct source io = {
		.ops = source_find_ops("io_latency"),
		.types = { type_of("io"), type_of("io_request") },
		.n_types = 2,
	};
	const struct source_stats stats = { .counters = counters };

	return source_lost_of(&io, type_of(type), &stats);
}

static void single_events_are_told_from_sums(void **state)
{
	const struct source_counters lost = {
		.ring_full = 13, .points_full = 11, .rate_limited = 7, .map_full = 3
	};

	(void)state;
	assert_int_equal(lost_of("io_request", lost), 11 + 7);
	assert_int_equal(lost_of("io", lost), 2 + 3);
}

/* A record that finds no room counts in ring_full and then in points_full; another CPU reads both. */
static void a_count_that_is_read_half_way_makes_no_loss(void **state)
{
	const struct source_counters torn = { .ring_full = 12, .points_full = 13 };

	(void)state;
	assert_int_equal(lost_of("io", torn), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_events_are_told_from_sums),
		cmocka_unit_test(a_count_that_is_read_half_way_makes_no_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
