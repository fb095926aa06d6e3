/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written of names, keys, labels and summaries, which anybody may have chosen. */
#include "alert_scene.h"

#include <cjson/cJSON.h>

#include "util/utf8.h"

static bool is_one_printable_line(const char *text)
{
	for (size_t at = 0, len = strlen(text); at < len;) {
		size_t n = utf8_length(text + at, len - at);

		if (n == 0 || (unsigned char)text[at] < 0x20 || text[at] == 0x7f)
			return false;
		at += n;
	}
	return true;
}

static void hostile_names_stay_names(void **state)
{
	static const char *const names[] = {
		"x\",\"pid\":1,\"y",
		"\xff\xfe\x80",
		"a\nb\r\x1b[2J",
		"\\",
		"\xe2\x80\xae"
		"evil",
		"\xc2\x9b"
		"31m",
		"{{host.name}}",
		"a,pid=1",
		"\x7f\t",
		"\xf0\x9f\x92",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct scene s;
		struct process_info p = process;
		struct alert *a;
		cJSON *doc;

		slow_syscall(&s);
		memcpy(s.record.comm, names[i], strlen(names[i]) + 1);
		memcpy(p.comm, names[i], strlen(names[i]) + 1);
		p.cmdline = p.exe = p.comm;
		take_key(&s);
		a = alert_new(&s.t, &p, &host);
		doc = cJSON_ParseWithLengthOpts(a->doc, a->doc_len, NULL, 0);
		assert_non_null(doc);
		assert_true(is_one_printable_line(a->doc));
		assert_true(is_one_printable_line(a->summary));
		assert_true(is_one_printable_line(a->key));
		assert_true(is_one_printable_line(a->identity));
		assert_null(strstr(a->summary, "\xe2\x80\xae"));
		assert_null(strstr(a->key, "\xc2\x9b"));
		assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "key")), 2);
		assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "process")), 11);
		assert_text(a, "key/pid", "812");
		assert_text(a, "event/pid", "812");
		cJSON_Delete(doc);
		alert_unref(a);
	}
}

static void bytes_that_are_no_text_are_shown_as_such(void **state)
{
	struct process_info p = process;
	struct scene s;
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	s.rule.n_by = 0;
	memcpy(p.comm,
	       "a\xff"
	       "b\n",
	       5);
	a = alert_new(&s.t, &p, &host);
	assert_string_equal(a->summary, "latency_ms 31.2 ms, limit 10 ms, a b [812]");
	assert_text(a, "process/comm",
		    "a\xef\xbf\xbd"
		    "b\n");
	alert_unref(a);
}

static struct alert *with_comm(const char *comm)
{
	struct scene s;

	slow_syscall(&s);
	memcpy(s.record.comm, comm, strlen(comm) + 1);
	take_key(&s);
	return alert_new(&s.t, NULL, &host);
}

static void different_names_have_different_identities(void **state)
{
	static const char *const names[] = { "a b",   "a\nb",  "a\tb",	  "a\\x0ab",
					     "a\xff", "a\xfe", "a,pid=1", "a\\,pid=1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (size_t k = 0; k < i; k++) {
			struct alert *a = with_comm(names[i]), *b = with_comm(names[k]);

			assert_string_not_equal(a->identity, b->identity);
			alert_unref(a);
			alert_unref(b);
		}
}

static void key_values_are_written_with_their_escapes(void **state)
{
	struct alert *a = with_comm("a,b\\c\x01\xff");

	(void)state;
	assert_string_equal(a->key, "comm=a\\,b\\\\c\\x01\\xff,pid=812");
	alert_unref(a);
}

static struct alert *with_summary(struct scene *s, const char *text)
{
	size_t offset;
	const char *message;
	struct alert *a;

	s->rule.summary = template_parse(text, &offset, &message);
	assert_non_null(s->rule.summary);
	a = alert_new(&s->t, &process, &host);
	template_free(s->rule.summary);
	return a;
}

static void a_summary_is_rendered_from_the_document(void **state)
{
	struct scene s;
	struct alert *a;

	(void)state;
	storm_resolved(&s);
	a = with_summary(&s,
			 "{{comm}}/{{event.tid}} {{latency_ms}}: {{value_text}} "
			 "(limit {{threshold_text}}, normal {{baseline.center}}) on {{host.name}}");
	assert_string_equal(
		a->summary,
		"resolved after 31 s: postgres/812 31.2: 1,200 /s (limit 5,000 /s, normal "
		"900) on db07");
	assert_text(a, "summary", a->summary);
	alert_unref(a);
}

static void labels_are_rendered_before_the_summary(void **state)
{
	struct scene s;
	size_t offset;
	const char *message;
	struct template *who =
		template_parse("{{comm}} on\n{{host.name}} {{nothing}}", &offset, &message);
	struct label rendered[] = {
		{ .name = "who", .value = "", .rendered = who },
		{ .name = "team", .value = "{{{{ as it is" },
	};
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	s.rule.labels = rendered;
	s.rule.n_labels = ARRAY_SIZE(rendered);
	a = with_summary(&s, "{{labels.who}}: {{value_text}}");
	assert_text(a, "labels/who", "postgres on db07 {{nothing}}");
	assert_text(a, "labels/team", "{{{{ as it is");
	assert_string_equal(a->summary, "postgres on db07 {{nothing}}: 31.2 ms");
	alert_unref(a);
	template_free(who);
}

static void a_summary_that_cannot_render_is_delivered_all_the_same(void **state)
{
	struct scene s;
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	a = with_summary(&s, "{{pid}} {{no.such.path}}\nnext");
	assert_string_equal(a->summary, "812 {{no.such.path}} next");
	alert_unref(a);
}

static void a_summary_has_an_end(void **state)
{
	struct scene s;
	struct alert *a;
	char text[5001] = "";

	(void)state;
	/* two bytes a character: none may be cut in half */
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 3);
	slow_syscall(&s);
	a = with_summary(&s, text);
	assert_int_equal(strlen(a->summary), 2000);
	assert_true(is_one_printable_line(a->summary));
	alert_unref(a);
}

static void the_built_in_summary_says_what_is_special(void **state)
{
	struct scene s;
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	s.rule.judge.leaves[0].above.set = false;
	s.rule.judge.leaves[0].below = (struct limit){ true, 50 };
	s.t.threshold = 50;
	s.t.repeat = true;
	a = alert_new(&s.t, NULL, &host);
	assert_string_equal(
		a->summary,
		"still firing: latency_ms 31.2 ms, minimum 50 ms (comm=postgres, pid=812)");
	assert_text(a, "repeat", "true");
	alert_unref(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_names_stay_names),
		cmocka_unit_test(bytes_that_are_no_text_are_shown_as_such),
		cmocka_unit_test(different_names_have_different_identities),
		cmocka_unit_test(key_values_are_written_with_their_escapes),
		cmocka_unit_test(a_summary_is_rendered_from_the_document),
		cmocka_unit_test(labels_are_rendered_before_the_summary),
		cmocka_unit_test(a_summary_that_cannot_render_is_delivered_all_the_same),
		cmocka_unit_test(a_summary_has_an_end),
		cmocka_unit_test(the_built_in_summary_says_what_is_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
