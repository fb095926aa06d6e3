/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/utf8.h"

static const char doc[] =
	"{\"state\":\"firing\",\"value\":31.2,\"baseline\":{\"center\":4.5,\"spread\":null},"
	"\"ended\":null,\"labels\":{\"team\":\"db\"},\"rule\":{\"name\":\"slow\"},"
	"\"key\":{\"comm\":\"k\",\"daddr\":\"10.0.0.1\"},"
	"\"event\":{\"comm\":\"a<b>&\\\"c\\\"\\n\\u00e9\",\"pid\":812},"
	"\"process\":{\"comm\":\"p\",\"exe\":\"/bin/x\",\"pid\":1}}";

static struct template *parsed(const char *text)
{
	const char *message = NULL;
	size_t offset;
	struct template *t = template_parse(text, &offset, &message);

	if (!t)
		fail_msg("\"%s\" at %zu: %s", text, offset, message);
	return t;
}

static void assert_rendered(const char *text, enum template_escape escape, const char *want,
			    unsigned want_missing)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	const char *missing = "";
	struct template *t = parsed(text);
	unsigned n = template_render(t, doc, sizeof(doc) - 1, escape, &out, &missing);

	assert_string_equal(buf_str(&out), want);
	assert_int_equal(n, want_missing);
	assert_true((missing != NULL) == (want_missing > 0));
	template_free(t);
}

static void paths_are_replaced_by_values(void **state)
{
	(void)state;
	assert_rendered("", ESCAPE_NONE, "", 0);
	assert_rendered("no path } }} { here", ESCAPE_NONE, "no path } }} { here", 0);
	assert_rendered("{{state}}: {{ value }} of {{\tbaseline.center\n}}.", ESCAPE_NONE,
			"firing: 31.2 of 4.5.", 0);
	assert_rendered("{{rule}} {{labels.team}}", ESCAPE_NONE, "{\"name\":\"slow\"} db", 0);
	assert_rendered("{{state}}{{state}}", ESCAPE_NONE, "firingfiring", 0);
}

static void null_is_none(void **state)
{
	(void)state;
	assert_rendered("{{ended}} {{baseline.spread}}", ESCAPE_NONE, "none none", 0);
}

static void four_braces_stand_for_two(void **state)
{
	(void)state;
	assert_rendered("{{{{pid}} {{pid}}", ESCAPE_NONE, "{{pid}} 812", 0);
	assert_rendered("{{{{{{pid}}", ESCAPE_NONE, "{{812", 0);
	assert_rendered("{{{{{{{{", ESCAPE_NONE, "{{{{", 0);
}

static void single_names_are_looked_up_in_event_process_and_key(void **state)
{
	(void)state;
	assert_rendered("{{pid}} {{exe}} {{daddr}}", ESCAPE_NONE, "812 /bin/x 10.0.0.1", 0);
	assert_rendered("{{process.pid}} {{key.comm}}", ESCAPE_NONE, "1 k", 0);
	/* "name" is below "rule" only, and a path of two is not looked up elsewhere */
	assert_rendered("{{name}} {{spread.x}}", ESCAPE_NONE, "{{name}} {{spread.x}}", 2);
}

static void values_are_escaped_and_texts_are_not(void **state)
{
	(void)state;
	assert_rendered("<\"{{comm}}", ESCAPE_NONE, "<\"a<b>&\"c\"\n\xc3\xa9", 0);
	assert_rendered("<\"{{comm}}", ESCAPE_JSON, "<\"a<b>&\\\"c\\\"\\n\xc3\xa9", 0);
	assert_rendered("\"{{rule}}\"", ESCAPE_JSON, "\"{\\\"name\\\":\\\"slow\\\"}\"", 0);
}

static void outside_of_quotes_values_are_json(void **state)
{
	(void)state;
	assert_rendered("{\"v\": {{ended}}, \"n\": {{value}}, \"r\": {{rule}}}", ESCAPE_JSON,
			"{\"v\": null, \"n\": 31.2, \"r\": {\"name\":\"slow\"}}", 0);
	assert_rendered("{\"v\": \"{{ended}}\", \"w\": {{no.where}}, \"x\": \"{{no.where}}\"}",
			ESCAPE_JSON, "{\"v\": \"none\", \"w\": null, \"x\": \"{{no.where}}\"}", 2);
	/* a quote with a backslash before it ends no string; one before the string is no escape */
	assert_rendered("\"\\\"{{ended}}\\\\\" {{ended}}", ESCAPE_JSON, "\"\\\"none\\\\\" null", 0);
	assert_rendered("\"{{comm}}\": {{ended}}", ESCAPE_JSON,
			"\"a<b>&\\\"c\\\"\\n\xc3\xa9\": null", 0);
	assert_rendered("{{ended}}", ESCAPE_NONE, "none", 0);
}

static void output_leads_back_to_the_template(void **state)
{
	struct template *t = parsed("a {{state}} {{{{ b {{pid}}");
	static const struct {
		size_t at, source;
	} cases[] = { { 0, 0 }, { 2, 4 }, { 7, 4 }, { 8, 11 }, { 14, 21 }, { 99, 24 } };

	(void)state;
	/* a firing {{ b 812 */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			template_source_of(t, doc, sizeof(doc) - 1, ESCAPE_NONE, cases[i].at),
			cases[i].source);
	assert_int_equal(template_path_at(t, "pid"), 21);
	assert_int_equal(template_path_at(t, "a"), -1);
	template_free(t);
}

static void missing_paths_stay_visible(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	struct template *t = parsed("x {{state}} {{ no.where }} {{nor.here}}");
	const char *missing;

	(void)state;
	buf_adds(&out, "> ");
	assert_int_equal(template_render(t, doc, sizeof(doc) - 1, ESCAPE_NONE, &out, &missing), 2);
	assert_string_equal(buf_str(&out), "> x firing {{no.where}} {{nor.here}}");
	assert_string_equal(missing, "no.where");
	missing = NULL;
	assert_int_equal(template_missing_at(t, doc, sizeof(doc) - 1, &missing), 15);
	assert_string_equal(missing, "no.where");
	template_free(t);

	t = parsed("{{state}}");
	assert_int_equal(template_missing_at(t, doc, sizeof(doc) - 1, &missing), -1);
	assert_null(missing);
	template_free(t);
	template_free(NULL);
}

static void mistakes_are_placed(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *message;
	} cases[] = {
		{ "a {{b", 2, "\"{{\" without \"}}\"" },
		{ "{{a}} {{", 6, "\"{{\" without \"}}\"" },
		{ "{{a}", 0, "\"{{\" without \"}}\"" },
		{ "{{}}", 2, "no name" },
		{ "{{  }}", 4, "no name" },
		{ "{{a b}}", 4, "no name" },
		{ "{{a/b}}", 3, "no name" },
		{ "{{.a}}", 2, "no name" },
		{ "{{a.}}", 3, "no name" },
		{ "{{a..b}}", 3, "no name" },
		{ "{{{a}}}", 2, "no name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *message = NULL;
		size_t offset = 99;

		assert_null(template_parse(cases[i].text, &offset, &message));
		if (offset != cases[i].offset || !strstr(message, cases[i].message))
			fail_msg("\"%s\": at %zu %s", cases[i].text, offset, message);
	}
}

static void names_are_bounded(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	const char *message;
	size_t offset;

	(void)state;
	for (int i = 0; i < 256; i++)
		buf_adds(&text, "{{a}}");
	template_free(parsed(buf_str(&text)));
	buf_adds(&text, "{{a}}");
	assert_null(template_parse(buf_str(&text), &offset, &message));
	assert_int_equal(offset, 256 * 5);
	assert_string_equal(message, "more than 256 names; that is the limit");

	buf_reset(&text);
	buf_addf(&text, "{{%0128d}}", 0);
	template_free(parsed(buf_str(&text)));
	buf_reset(&text);
	buf_addf(&text, "{{%0129d}}", 0);
	assert_null(template_parse(buf_str(&text), &offset, &message));
	assert_string_equal(message, "name of over 128 bytes; that is the limit");
}

static void output_is_cut_between_characters(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 }, out = { 0 };
	const char *missing;
	struct template *t;

	(void)state;
	buf_adds(&text, "x"); /* so that the limit falls inside a character of two bytes */
	while (text.len <= TEMPLATE_OUTPUT_MAX)
		buf_adds(&text, "\xc3\xa9");
	buf_adds(&text, "{{state}}");
	t = parsed(buf_str(&text));
	buf_adds(&out, ">");
	(void)template_render(t, doc, sizeof(doc) - 1, ESCAPE_NONE, &out, &missing);
	assert_int_equal(out.len, 1 + TEMPLATE_OUTPUT_MAX - 1);
	assert_int_equal(utf8_length(out.data + out.len - 2, 2), 2);
	/* and a document not at all */
	buf_reset(&out);
	(void)template_render(t, doc, sizeof(doc) - 1, ESCAPE_JSON, &out, &missing);
	assert_int_equal(out.len, 0);
	template_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_replaced_by_values),
		cmocka_unit_test(null_is_none),
		cmocka_unit_test(four_braces_stand_for_two),
		cmocka_unit_test(single_names_are_looked_up_in_event_process_and_key),
		cmocka_unit_test(values_are_escaped_and_texts_are_not),
		cmocka_unit_test(outside_of_quotes_values_are_json),
		cmocka_unit_test(output_leads_back_to_the_template),
		cmocka_unit_test(missing_paths_stay_visible),
		cmocka_unit_test(mistakes_are_placed),
		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(output_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
