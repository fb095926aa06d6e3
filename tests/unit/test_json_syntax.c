/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/json_syntax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void json_passes(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" \t\r\n[ ]\n",
		"0",
		"-0",
		"-0.5e+10",
		"1E5",
		"12.25",
		"true",
		"[null,false]",
		"\"\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
		"\"\\ud83d\\udc1b\"",
		"\"\x7f \xc3\xa9\"",
		"{\"\":{\"a\":[1,[2,{}]]},\"a\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_FREE char *message = NULL;
		size_t offset;

		if (!json_syntax_check(texts[i], strlen(texts[i]), &offset, &message))
			fail_msg("%s: at %zu: %s", texts[i], offset, message);
	}
}

static void what_is_no_json_is_found_at_its_place(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
	} cases[] = {
		{ "", 0 },
		{ " ", 1 },
		{ "[1,]", 3 },
		{ "[,1]", 1 },
		{ "[1 2]", 1 },
		{ "[12", 2 },
		{ "{\"a\":1,}", 7 },
		{ "{a:1}", 1 },
		{ "{\"a\" 1}", 3 },
		{ "{\"a\":}", 5 },
		{ "01", 1 },
		{ "+1", 0 },
		{ ".5", 0 },
		{ "1.", 2 },
		{ "1e", 2 },
		{ "-", 1 },
		{ "0x10", 1 },
		{ "nul", 0 },
		{ "nulll", 4 },
		{ "NaN", 0 },
		{ "[]]", 2 },
		{ "\"a", 0 },
		{ "\"a\nb\"", 0 },
		{ "\"a\tb\"", 2 },
		{ "\"\\x\"", 1 },
		{ "\"\\u12g4\"", 1 },
		{ "\"\\", 1 },
		{ "\"\\u0000\"", 1 },
		{ "\"\\ud83d\"", 1 },
		{ "\"\\udc1b\"", 1 },
		{ "\"\\ud83d\\u0041\"", 1 },
		{ "\"\xff\"", 1 },
		{ "\"\xed\xa0\x80\"", 1 },
		{ "\"\xc0\x80\"", 1 },
		{ "\xef\xbb\xbf{}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *message = NULL;
		size_t offset = 12345;

		if (json_syntax_check(cases[i].text, strlen(cases[i].text), &offset, &message) ||
		    offset != cases[i].offset)
			fail_msg("%s: at %zu: %s", cases[i].text, offset,
				 message ? message : "right");
		assert_non_null(message);
	}
}

static void a_nul_byte_is_no_end(void **state)
{
	AUTO_FREE char *message = NULL;
	size_t offset;

	(void)state;
	assert_false(json_syntax_check("{}\0x", 4, &offset, &message));
	assert_int_equal(offset, 2);
}

static void nesting_is_allowed_up_to_the_limit(void **state)
{
	char text[2 * (JSON_DEPTH_MAX + 1)];
	AUTO_FREE char *message = NULL;
	size_t offset;

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_true(json_syntax_check(text + 1, sizeof(text) - 2, &offset, &message));
	assert_false(json_syntax_check(text, sizeof(text), &offset, &message));
	assert_int_equal(offset, JSON_DEPTH_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_passes),
		cmocka_unit_test(what_is_no_json_is_found_at_its_place),
		cmocka_unit_test(a_nul_byte_is_no_end),
		cmocka_unit_test(nesting_is_allowed_up_to_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
