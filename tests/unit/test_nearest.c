/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const fields[] = { "timestamp", "pid", "tid", "latency_ms", "comm", "ret" };

static void assert_nearest(const char *word, const char *want)
{
	const char *found = nearest(word, fields, ARRAY_SIZE(fields));

	if (want ? !found || strcmp(found, want) != 0 : found != NULL)
		fail_msg("\"%s\": found %s", word, found ? found : "none");
}

static void typing_mistakes_are_recognized(void **state)
{
	(void)state;
	assert_nearest("latency", "latency_ms");
	assert_nearest("latenyc_ms", "latency_ms");
	assert_nearest("timestmap", "timestamp");
	assert_nearest("com", "comm");
	assert_nearest("comm", "comm");
	assert_nearest("pud", "pid");
	assert_nearest("rett", "ret");
}

static void swapped_letters_count_once(void **state)
{
	(void)state;
	assert_nearest("omcm", NULL); /* a swap and a move: two, of four letters */
	assert_nearest("cmom", "comm");
}

static void upper_and_lower_case_are_the_same(void **state)
{
	(void)state;
	assert_nearest("PID", "pid");
	assert_nearest("Latenyc_MS", "latency_ms");
}

static void the_first_of_equals_is_taken(void **state)
{
	(void)state;
	assert_nearest("xid", "pid");
}

static void nothing_near_is_nothing(void **state)
{
	char too_long[200];

	(void)state;
	assert_nearest("bytes", NULL);
	assert_nearest("", NULL);
	assert_nearest("p", NULL);
	memset(too_long, 'x', sizeof(too_long));
	too_long[sizeof(too_long) - 1] = '\0';
	assert_nearest(too_long, NULL);
	assert_null(nearest("pid", NULL, 0));
	assert_null(nearest("pid", (const char *const[]){ too_long }, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typing_mistakes_are_recognized),
		cmocka_unit_test(swapped_letters_count_once),
		cmocka_unit_test(upper_and_lower_case_are_the_same),
		cmocka_unit_test(the_first_of_equals_is_taken),
		cmocka_unit_test(nothing_near_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
