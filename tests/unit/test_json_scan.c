/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char doc[] =
	" { \"version\": 1,\n"
	"  \"rules\": [ {\"name\": \"a\"}, {\"name\" : \"b ]} \\\" \", \"n\":[1 , -2.5e3]} ],\n"
	"  \"a/b~c\": true, \"\\u0065vent\": {\"comm\": \"x\"}, \"\": {\"\": null},\n"
	"  \"twice\": {\"x\": 1}, \"twice\": {\"y\": 2} } ";

/* Checks the text of the value at the path; want NULL: it is not found. */
static void assert_found(const char *text, const char *path, const char *want)
{
	struct json_span span = { 0 };
	bool found = json_find(text, strlen(text), path, &span);

	if (found != (want != NULL))
		fail_msg("\"%s\": found is %d", path, found);
	if (want && (span.len != strlen(want) || memcmp(text + span.at, want, span.len) != 0))
		fail_msg("\"%s\": %.*s", path, (int)span.len, text + span.at);
}

static void paths_lead_to_values(void **state)
{
	(void)state;
	assert_found(doc, "version", "1");
	assert_found(doc, "rules/0", "{\"name\": \"a\"}");
	assert_found(doc, "rules/1/name", "\"b ]} \\\" \"");
	assert_found(doc, "rules/1/n/1", "-2.5e3");
	assert_found(doc, "a~1b~0c", "true");
	assert_found(doc, "event/comm", "\"x\"");
	assert_found(doc, "/", "null");
	assert_found("[[], [10, 11]]", "1/0", "10");
	assert_found(" 7 ", "", "7");
}

static void what_is_not_there_is_not_found(void **state)
{
	(void)state;
	assert_found(doc, "versio", NULL);
	assert_found(doc, "versionx", NULL);
	assert_found(doc, "version/x", NULL);
	assert_found(doc, "version/", NULL);
	assert_found(doc, "rules/2", NULL);
	assert_found(doc, "rules/00", NULL);
	assert_found(doc, "rules/x", NULL);
	assert_found(doc, "rules/0/n", NULL);
	assert_found(doc, "name", NULL);
	assert_found("", "", NULL);
	assert_found("   ", "", NULL);
}

static void the_last_of_duplicate_keys_counts(void **state)
{
	(void)state;
	assert_found(doc, "twice/y", "2");
	assert_found(doc, "twice/x", NULL);
}

static void the_span_knows_its_key(void **state)
{
	struct json_span span;

	(void)state;
	assert_true(json_find(doc, strlen(doc), "rules/1/name", &span));
	assert_memory_equal(doc + span.key, "\"name\" : \"b", 11);
	assert_true(json_find(doc, strlen(doc), "rules/1", &span));
	assert_int_equal(span.key, span.at);
}

static void broken_text_ends_the_search(void **state)
{
	(void)state;
	assert_found("{\"a\": 1, \"b\" 2, \"c\": 3", "a", "1");
	assert_found("{\"a\": 1, \"b\" 2, \"c\": 3", "c", NULL);
	assert_found("{\"a\": \"no end", "a", NULL);
	assert_found("{\"a\": \"no end\\", "a", NULL);
	assert_found("{\"a\": [1, 2", "a", NULL);
	assert_found("{\"a\": [1, 2", "a/1", "2");
	assert_found("{\"a\":}", "a", NULL);
	assert_found("{\"a\"", "a", NULL);
	assert_found("{\"a", "a", NULL);
	assert_found("[1,]", "", NULL);
	assert_found("}", "", NULL);
}

static void every_prefix_and_every_byte_is_survived(void **state)
{
	static const char *const paths[] = { "", "rules/1/n/1", "event/comm", "twice/y" };
	char text[sizeof(doc)];
	struct json_span span;

	(void)state;
	for (size_t len = 0; len < sizeof(doc); len++) {
		/* a heap copy of exactly that size lets ASan see one byte too far */
		AUTO_FREE char *prefix = xcalloc(len, 1);

		memcpy(prefix, doc, len);
		for (size_t p = 0; p < ARRAY_SIZE(paths); p++)
			if (json_find(prefix, len, paths[p], &span))
				assert_true(span.at + span.len <= len);
	}
	for (size_t i = 0; i < sizeof(doc) - 1; i++) {
		for (int c = 0; c < 256; c += 3) {
			memcpy(text, doc, sizeof(doc));
			text[i] = (char)c;
			if (json_find(text, sizeof(doc) - 1, paths[i % ARRAY_SIZE(paths)], &span))
				assert_true(span.at + span.len < sizeof(doc));
		}
	}
}

static void nesting_is_bounded(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct json_span span;

	(void)state;
	for (int i = 0; i < 128; i++)
		buf_addc(&text, '[');
	for (int i = 0; i < 128; i++)
		buf_addc(&text, ']');
	assert_true(json_find(buf_str(&text), text.len, "0", &span));
	buf_reset(&text);
	for (int i = 0; i < 1000000; i++)
		buf_addc(&text, '[');
	assert_false(json_find(buf_str(&text), text.len, "0", &span));
}

static void note_member(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	buf_addf(ctx, "%.*s@%zu=%zu+%zu;", (int)key_len, key ? key : "", value.key, value.at,
		 value.len);
}

static void members(const char *text, size_t at, struct buf *out)
{
	json_each(text, strlen(text), (struct json_span){ .at = at }, note_member, out);
}

static void each_member_is_visited_in_order(void **state)
{
	CLEANUP(buf_fini) struct buf b = { 0 };

	(void)state;
	members("{ \"a\": {\"x\":[1]}, \"a\": 2, \"c\\\"\": \"\" }", 0, &b);
	assert_string_equal(buf_str(&b), "a@2=7+9;a@18=23+1;c\\\"@26=33+2;");
	buf_reset(&b);
	members("  [ 1, [2, 3] ]", 2, &b);
	assert_string_equal(buf_str(&b), "@4=4+1;@7=7+6;");
	buf_reset(&b);
	members("{}", 0, &b);
	members("[ ]", 0, &b);
	members("7", 0, &b);
	members("{}", 99, &b);
	assert_string_equal(buf_str(&b), "");
}

static void assert_text(const char *json, const char *want, size_t want_len)
{
	CLEANUP(buf_fini) struct buf b = { 0 };

	json_span_text(json, (struct json_span){ .len = strlen(json) }, &b);
	assert_int_equal(b.len, want_len);
	assert_memory_equal(buf_str(&b), want, want_len);
}

static void strings_lose_quotes_and_escapes(void **state)
{
	(void)state;
	assert_text("\"a \\\"b\\\" \\\\ \\/ \\n\\t\\r\\b\\f\"", "a \"b\" \\ / \n\t\r\b\f", 15);
	assert_text("\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", 6);
	assert_text("\"\\ud83d\\uDE00\"", "\xf0\x9f\x98\x80", 4);
	assert_text("\"\\ud83dx\"", "\xef\xbf\xbdx", 4);
	assert_text("\"\\ud83d\\u0041\"", "\xef\xbf\xbd\x41", 4);
	assert_text("\"\\ude00\"", "\xef\xbf\xbd", 3);
	assert_text("\"\\u0000\"", "\0", 1);
	assert_text("\"\\u12\"", "\\u12", 4);
	assert_text("\"\\q\"", "\\q", 2);
	assert_text("\"\"", "", 0);
	assert_text("-2.5e3", "-2.5e3", 6);
	assert_text("[1, \"x\"]", "[1, \"x\"]", 8);
}

static void offsets_in_a_string_skip_escapes(void **state)
{
	const char *text = "  \"a\\\"\\u00e9\\ud83d\\ude00z\"";
	/* of a, ", 2 bytes of U+00E9, 4 of U+1F600, z and the end */
	static const size_t want[] = { 3, 4, 6, 6, 12, 12, 12, 12, 24, 25, 25 };
	struct json_span span = { .at = 2, .len = strlen(text) - 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(json_string_offset(text, span, i), want[i]);
	assert_int_equal(json_string_offset("12", (struct json_span){ .len = 2 }, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_lead_to_values),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(the_last_of_duplicate_keys_counts),
		cmocka_unit_test(the_span_knows_its_key),
		cmocka_unit_test(broken_text_ends_the_search),
		cmocka_unit_test(every_prefix_and_every_byte_is_survived),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(each_member_is_visited_in_order),
		cmocka_unit_test(strings_lose_quotes_and_escapes),
		cmocka_unit_test(offsets_in_a_string_skip_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
