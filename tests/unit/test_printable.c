/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_printable(const char *text, size_t max, const char *want, size_t want_taken)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	size_t taken = printable_add(&out, text, strlen(text), max, "#");

	assert_string_equal(buf_str(&out), want);
	assert_int_equal(taken, want_taken);
}

static void what_can_move_a_cursor_is_replaced(void **state)
{
	(void)state;
	assert_printable("a\tb\x1b[31m\n", 99, "a b#[31m#", 9);
	assert_printable("\xc2\x9b\xc2\xa0", 99, "#\xc2\xa0", 4); /* C1, no-break space */
	assert_printable("\xe2\x80\xae\xe2\x80\xa6", 99, "#\xe2\x80\xa6",
			 6); /* override, ellipsis */
	assert_printable("\xff\xc3(", 99, "##(", 3);
}

static void what_prints_nothing_is_replaced(void **state)
{
	static const char *const unseen[] = { "\xe2\x80\x8b", "\xe2\x80\x8f", "\xe2\x81\xa0",
					      "\xe2\x81\xaf", "\xef\xbb\xbf" };
	static const char *const seen[] = { "\xe2\x80\x8a", "\xe2\x80\x90", "\xe2\x81\x9f",
					    "\xe2\x81\xb0", "\xef\xbb\xbe" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unseen); i++)
		assert_printable(unseen[i], 99, "#", 3);
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		assert_printable(seen[i], 99, seen[i], 3);
}

static void characters_are_counted(void **state)
{
	(void)state;
	assert_printable("\xc3\xa9\xff\xc3\xa9x", 3, "\xc3\xa9#\xc3\xa9", 5);
	assert_printable("abc", 0, "", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_move_a_cursor_is_replaced),
		cmocka_unit_test(what_prints_nothing_is_replaced),
		cmocka_unit_test(characters_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
