/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that add up what processes, sockets and threads did in one second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "source/process_table.h"
#include "source/sample_table.h"

#define STORM 10007
#define QUIET 13

struct seen {
	unsigned n;
	int64_t sum;
};

static void on_sums(void *ctx, struct process_sums *sums)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->sum += sums->counts[0];
}

static struct seen processes(struct process_table *t, uint32_t n)
{
	struct seen seen = { 0 };
	struct {
		struct task_delta who;
		__s64 count;
	} delta = { .count = 7 };

	for (uint32_t i = 0; i < 2 * n; i++) {
		delta.who.pid = 1 + i % n;
		delta.who.start_time_ns = 1000 + i % n;
		assert_true(process_table_add(t, &delta.who));
	}
	process_table_flush(t, on_sums, &seen);
	return seen;
}

/* Room that a storm made is given back over the following seconds, and nothing is lost by that. */
static void processes_of_a_storm_and_after(void **state)
{
	struct process_table *t = process_table_new(1);
	struct seen seen = processes(t, STORM);

	(void)state;
	assert_int_equal(seen.n, STORM);
	assert_int_equal(seen.sum, 2 * 7 * STORM);
	for (unsigned second = 0; second < 20; second++) {
		seen = processes(t, QUIET);
		assert_int_equal(seen.n, QUIET);
		assert_int_equal(seen.sum, 2 * 7 * QUIET);
	}
	seen = processes(t, STORM);
	assert_int_equal(seen.n, STORM);
	process_table_free(t);
}

static void on_sample(void *ctx, void *sample)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->sum += *(const int64_t *)sample;
}

static struct seen samples(struct sample_table *t, uint32_t n)
{
	struct seen seen = { 0 };

	for (uint32_t i = 0; i < 2 * n; i++) {
		uint32_t key = i % n;

		*(int64_t *)sample_table_at(t, &key) += 7;
	}
	sample_table_flush(t, on_sample, &seen);
	return seen;
}

static void samples_of_a_storm_and_after(void **state)
{
	struct sample_table *t = sample_table_new(sizeof(uint32_t), sizeof(int64_t), STORM);
	uint32_t one_more = STORM;
	struct seen seen = samples(t, STORM);

	(void)state;
	assert_int_equal(seen.n, STORM);
	for (unsigned second = 0; second < 20; second++) {
		seen = samples(t, QUIET);
		assert_int_equal(seen.n, QUIET);
		assert_int_equal(seen.sum, 2 * 7 * QUIET);
	}
	for (uint32_t i = 0; i < STORM; i++)
		assert_non_null(sample_table_at(t, &i));
	assert_null(sample_table_at(t, &one_more));
	sample_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_of_a_storm_and_after),
		cmocka_unit_test(samples_of_a_storm_and_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
