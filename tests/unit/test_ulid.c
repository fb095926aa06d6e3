/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "util/timetext.h"
#include "util/ulid.h"

/* The time part of the example in the specification. */
static void time_is_the_first_ten_characters(void **state)
{
	struct ulid_source s = { .state = 1 };
	char id[ULID_LEN + 1];

	(void)state;
	ulid_next(&s, 1469918176385ull, id);
	assert_int_equal(strlen(id), ULID_LEN);
	assert_memory_equal(id, "01ARYZ6S41", 10);
	ulid_next(&s, 0xffffffffffffull, id);
	assert_memory_equal(id, "7ZZZZZZZZZ", 10);
}

static void ids_of_one_millisecond_ascend(void **state)
{
	struct ulid_source s = { .state = 7 };
	char last[ULID_LEN + 1], id[ULID_LEN + 1];

	(void)state;
	ulid_next(&s, 5, last);
	for (int i = 0; i < 1009; i++) {
		ulid_next(&s, 5, id);
		assert_true(strcmp(id, last) > 0);
		memcpy(last, id, sizeof(last));
	}
}

static void an_id_for_an_earlier_time_sorts_after_the_one_before(void **state)
{
	struct ulid_source s = { .state = 7 };
	char first[ULID_LEN + 1], late[ULID_LEN + 1], next[ULID_LEN + 1];

	(void)state;
	ulid_next(&s, 1000, first);
	ulid_next(&s, 400, late);
	assert_true(strcmp(late, first) > 0);
	ulid_next(&s, 999, next);
	assert_true(strcmp(next, late) > 0);
	ulid_next(&s, 1001, late);
	assert_true(strcmp(late, next) > 0);
}

static void counting_up_carries_over_all_bits(void **state)
{
	struct ulid_source s = { .last_ms = 5, .last_high = 0x7ffe, .last_low = UINT64_MAX };
	char id[ULID_LEN + 1];

	(void)state;
	ulid_next(&s, 5, id);
	assert_string_equal(id, "0000000005FZZG000000000000");
}

static void a_seed_gives_the_same_ids_again_and_another_gives_others(void **state)
{
	struct ulid_source a = { .state = 1 }, b = { .state = 1 }, c = { .state = 2 };
	char ids[3][ULID_LEN + 1];

	(void)state;
	for (uint64_t ms = 10; ms < 20; ms++) {
		ulid_next(&a, ms, ids[0]);
		ulid_next(&b, ms, ids[1]);
		ulid_next(&c, ms, ids[2]);
		assert_string_equal(ids[0], ids[1]);
		assert_string_not_equal(ids[0], ids[2]);
	}
}

static void times_are_written_in_utc_with_milliseconds(void **state)
{
	char text[TIMETEXT_LEN + 1];

	(void)state;
	timetext(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	timetext(1795341871207999999ull, text);
	assert_string_equal(text, "2026-11-22T10:04:31.207Z");
	timetext(UINT64_MAX, text);
	assert_string_equal(text, "2554-07-21T23:34:33.709Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_the_first_ten_characters),
		cmocka_unit_test(ids_of_one_millisecond_ascend),
		cmocka_unit_test(an_id_for_an_earlier_time_sorts_after_the_one_before),
		cmocka_unit_test(counting_up_carries_over_all_bits),
		cmocka_unit_test(a_seed_gives_the_same_ids_again_and_another_gives_others),
		cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
