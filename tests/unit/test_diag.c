/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What diags_print writes; the caller frees it. */
static char *printed(const struct diags *d)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	diags_print(d, out);
	fclose(out);
	return text;
}

/* Prints one error at the place of `mark` in the text. */
static char *error_at(const char *text, const char *mark)
{
	struct diags *d = diags_new();
	char *out;

	diag_add(d, DIAG_ERROR, "r.json", text, strlen(text), (size_t)(strstr(text, mark) - text),
		 "wrong");
	out = printed(d);
	diags_free(d);
	return out;
}

static void assert_error(const char *text, const char *mark, const char *want)
{
	char *out = error_at(text, mark);

	assert_string_equal(out, want);
	free(out);
}

static void a_message_shows_its_line_with_a_caret(void **state)
{
	(void)state;
	assert_error("{\n  \"a\": 1,\n  \"value\": \"latency\",\n}\n", "\"latency\"",
		     "r.json:3:12: error: wrong\n"
		     "  \"value\": \"latency\",\n"
		     "           ^~~~~~~~~\n");
	assert_error("x > 5", "x", "r.json:1:1: error: wrong\nx > 5\n^\n");
	assert_error("where latency_ms > 5", "latency",
		     "r.json:1:7: error: wrong\nwhere latency_ms > 5\n      ^~~~~~~~~~\n");
	assert_error("in ('a b', 1)", "'a", "r.json:1:5: error: wrong\nin ('a b', 1)\n    ^~~~~\n");
	/* a quote that ends a text opens nothing */
	assert_error("\"pid >\", \"x\"", "\",",
		     "r.json:1:7: error: wrong\n\"pid >\", \"x\"\n      ^\n");
	assert_error("\"an \\\" escape\" 1", "\"an",
		     "r.json:1:1: error: wrong\n\"an \\\" escape\" 1\n^~~~~~~~~~~~~~\n");
}

static void columns_count_characters(void **state)
{
	(void)state;
	assert_error("\"h\xc3\xa9\xe2\x82\xac\": 7", "7",
		     "r.json:1:8: error: wrong\n\"h\xc3\xa9\xe2\x82\xac\": 7\n       ^\n");
	/* a byte that is no character is one column too */
	assert_error("\xff\xfe 7", "7", "r.json:1:4: error: wrong\n?? 7\n   ^\n");
	/* the underline too */
	assert_error("\"\xc3\xa9\xc3\xa9\" 7", "\"",
		     "r.json:1:1: error: wrong\n\"\xc3\xa9\xc3\xa9\" 7\n^~~~\n");
}

static void hostile_text_cannot_reach_the_terminal(void **state)
{
	struct diags *d = diags_new();
	const char text[] = "\t\x1b[31m\x7f\xc2\x9b\xe2\x80\xae\0x 7\r\n";
	char *out;

	(void)state;
	diag_add(d, DIAG_ERROR, "a\x1b\nb.json", text, sizeof(text) - 1, sizeof(text) - 4,
		 "no field \"%s\"", "\x1b]0;t\a\ny");
	out = printed(d);
	assert_string_equal(out, "a??b.json:1:13: error: no field \"?]0;t??y\"\n"
				 " ?[31m????x 7\n"
				 "            ^\n");
	free(out);
	diags_free(d);
}

static void long_lines_are_cut_around_the_place(void **state)
{
	char text[3001], want[400];
	char *out;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text + 1500, " X ", 3);
	out = error_at(text, "X");
	snprintf(want, sizeof(want), "r.json:1:1502: error: wrong\n...%.100s...\n%63s^\n",
		 text + 1501 - 60, "");
	assert_string_equal(out, want);
	free(out);

	/* neither the underline nor a message is longer than the window */
	out = error_at(text, "a");
	assert_true(strlen(out) < 27 + 104 + 101 + 1);
	free(out);

	/* the same column for characters of two bytes, and for bytes that are none */
	for (size_t i = 0; i < 1500; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	out = error_at(text, "X");
	assert_non_null(strstr(out, "r.json:1:752: error: wrong\n...\xc3\xa9"));
	assert_string_equal(strrchr(out, '.') + 1, strchr(out, '^') - 64);
	free(out);
	memset(text, 0x80, 1500);
	out = error_at(text, "X");
	assert_non_null(strstr(out, "r.json:1:1502: error: wrong\n..."));
	free(out);
}

static void places_at_the_end_of_the_file_are_fine(void **state)
{
	struct diags *d = diags_new();
	char *out;

	(void)state;
	diag_add(d, DIAG_ERROR, "f", "{\n", 2, 2, "ends too early");
	diag_add(d, DIAG_ERROR, "f", "{ 1", 3, 99, "ends too early");
	diag_add(d, DIAG_ERROR, "f", "", 0, 0, "is empty");
	diag_add(d, DIAG_WARNING, "f", NULL, 0, 0, "cannot be read");
	out = printed(d);
	assert_string_equal(out, "f:2:1: error: ends too early\n"
				 "f:1:4: error: ends too early\n{ 1\n   ^\n"
				 "f:1:1: error: is empty\n"
				 "f: warning: cannot be read\n");
	assert_int_equal(diags_errors(d), 3);
	assert_int_equal(diags_warnings(d), 1);
	free(out);
	diags_free(d);
}

static void too_many_messages_are_counted(void **state)
{
	struct diags *d = diags_new();
	char *out;

	(void)state;
	for (int i = 0; i < DIAG_MAX + 3; i++)
		diag_add(d, DIAG_ERROR, "f", NULL, 0, 0, "mistake %d", i);
	out = printed(d);
	assert_non_null(strstr(out, "f: error: mistake 99\n3 more messages not shown\n"));
	assert_int_equal(diags_errors(d), DIAG_MAX + 3);
	free(out);
	diags_free(d);
	diags_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_shows_its_line_with_a_caret),
		cmocka_unit_test(columns_count_characters),
		cmocka_unit_test(hostile_text_cannot_reach_the_terminal),
		cmocka_unit_test(long_lines_are_cut_around_the_place),
		cmocka_unit_test(places_at_the_end_of_the_file_are_fine),
		cmocka_unit_test(too_many_messages_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
