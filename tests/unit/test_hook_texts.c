/* SPDX-License-Identifier: BSD-2-Clause */
/* How answers are judged, and what of them and of secrets is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "hook/http.h"
#include "hook/judge.h"
#include "hook/one_line.h"
#include "hook/secret.h"

#define AUTO_BUF CLEANUP(buf_fini) struct buf

/* --- judging ---------------------------------------------------------------------------------- */

static void answers_are_judged_by_the_table(void **state)
{
	static const struct {
		enum hook_type type;
		long status;
		const char *body;
		enum verdict verdict;
	} cases[] = {
		{ HOOK_SLACK, 200, "ok", VERDICT_DELIVERED },
		{ HOOK_SLACK, 200, "invalid_blocks", VERDICT_REFUSED },
		{ HOOK_SLACK, 200, "rate_limited", VERDICT_RETRY },
		{ HOOK_SLACK, 200, "ok \r\n", VERDICT_DELIVERED },
		{ HOOK_SLACK, 200, "rate_limited\n", VERDICT_RETRY },
		{ HOOK_SLACK, 200, "ok ok", VERDICT_FOREIGN },
		{ HOOK_SLACK, 200, "<html>please log in</html>", VERDICT_FOREIGN },
		{ HOOK_SLACK, 200, "", VERDICT_FOREIGN },
		{ HOOK_SLACK, 429, "ok", VERDICT_RETRY },
		{ HOOK_SLACK, 404, "no_service", VERDICT_REFUSED },
		{ HOOK_SLACK, 410, "channel_is_archived", VERDICT_REFUSED },
		{ HOOK_PAGERDUTY, 202, "", VERDICT_DELIVERED },
		{ HOOK_PAGERDUTY, 200, "", VERDICT_FOREIGN },
		{ HOOK_PAGERDUTY, 400, "", VERDICT_REFUSED },
		{ HOOK_WEBHOOK, 204, "", VERDICT_DELIVERED },
		{ HOOK_WEBHOOK, 302, "", VERDICT_REFUSED },
		{ HOOK_WEBHOOK, 404, "", VERDICT_REFUSED },
		{ HOOK_WEBHOOK, 408, "", VERDICT_RETRY },
		{ HOOK_WEBHOOK, 410, "", VERDICT_GONE },
		{ HOOK_WEBHOOK, 429, "", VERDICT_RETRY },
		{ HOOK_WEBHOOK, 500, "", VERDICT_RETRY },
		{ HOOK_WEBHOOK, 599, "", VERDICT_RETRY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (judge(cases[i].type, cases[i].status, cases[i].body) != cases[i].verdict)
			fail_msg("hook type %d: %ld \"%s\"", cases[i].type, cases[i].status,
				 cases[i].body);
}

static void back_off_is_bounded_and_jittered(void **state)
{
	(void)state;
	assert_int_equal(retry_backoff_ns(0, RETRY_BASE_NS), RETRY_BASE_NS);
	assert_int_equal(retry_backoff_ns(0, RETRY_BASE_NS + 1), 0);
	assert_int_equal(retry_backoff_ns(3, 8 * NS_PER_S), 8 * NS_PER_S);
	assert_int_equal(retry_backoff_ns(3, 8 * NS_PER_S + 5), 4);
	for (unsigned failures = 9; failures < 100; failures++) {
		assert_int_equal(retry_backoff_ns(failures, RETRY_CAP_NS), RETRY_CAP_NS);
		assert_int_equal(retry_backoff_ns(failures, RETRY_CAP_NS + 1), 0);
	}
}

static void retry_after_is_honoured_and_bounded(void **state)
{
	(void)state;
	assert_int_equal(retry_after_ns(503, 7), 7 * NS_PER_S);
	assert_int_equal(retry_after_ns(503, 0), 0);
	assert_int_equal(retry_after_ns(429, 0), RETRY_BASE_NS);
	assert_int_equal(retry_after_ns(429, 1u << 31), RETRY_AFTER_MAX_NS);
	assert_int_equal(retry_after_ns(429, UINT64_MAX), RETRY_AFTER_MAX_NS);
}

/* --- texts ------------------------------------------------------------------------------------ */

static void only_the_origin_of_a_url_is_shown(void **state)
{
	static const char *const pairs[][2] = {
		{ "https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com" },
		{ "http://user:password@h:8080/a?sig=b#c", "http://h:8080" },
		{ "https://[::1]:9/x", "https://[::1]:9" },
	};
	static const char *const bad[] = {
		"hooks.slack.com/x", "ftp://h/x", "file:///etc/passwd", "http:/h/x", "https://",
		"http://h\n/",	     ""
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		AUTO_FREE char *origin = http_origin(pairs[i][0]);

		assert_string_equal(origin, pairs[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(http_origin(bad[i]));
}

static void secrets_are_hidden_wherever_they_stand(void **state)
{
	CLEANUP(secrets_fini) struct secrets secrets = { 0 };
	AUTO_BUF out = { 0 };
	static const char text[] = "abcd at abcdef, abc\0abcdef";

	(void)state;
	secrets_add(&secrets, "abcd");
	secrets_add(&secrets, "abcdef");
	secrets_add(&secrets, "at"); /* too short to be one */
	secrets_hide(&secrets, text, sizeof(text) - 1, &out);
	assert_int_equal(out.len, strlen("*** at ***, abc") + 1 + 3);
	assert_memory_equal(out.data, "*** at ***, abc\0***", out.len);
}

static void the_parts_of_a_secret_are_hidden_too(void **state)
{
	CLEANUP(secrets_fini) struct secrets secrets = { 0 };
	AUTO_BUF out = { 0 };
	static const char text[] = "Bearer 01234567 and /services T000/0123456789 v 8 89abcdef=";

	(void)state;
	secrets_add_parts(&secrets, "Bearer 01234567");
	secrets_add_parts(&secrets, "/short/0123456789?key=89abcdef&v=8");
	secrets_hide(&secrets, text, sizeof(text) - 1, &out);
	assert_string_equal(buf_str(&out), "*** and /services T000/*** v 8 ***=");
	buf_reset(&out);
	secrets_hide(&secrets, "01234567", 8, &out);
	assert_string_equal(buf_str(&out), "***");
}

static void foreign_bytes_become_one_line(void **state)
{
	static const char text[] = "\n a\tb \x1b[31m\xc2\x9b \xff\xc3\xa9\xe2\x80\xae z\0 ";
	AUTO_BUF out = { 0 };

	(void)state;
	add_one_line(text, sizeof(text) - 1, 100, &out);
	assert_string_equal(buf_str(&out), "a b [31m ?\xc3\xa9 z");
	buf_reset(&out);
	add_one_line("abc\xc3\xa9", 5, 4, &out);
	assert_string_equal(buf_str(&out), "abc...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged_by_the_table),
		cmocka_unit_test(back_off_is_bounded_and_jittered),
		cmocka_unit_test(retry_after_is_honoured_and_bounded),
		cmocka_unit_test(only_the_origin_of_a_url_is_shown),
		cmocka_unit_test(secrets_are_hidden_wherever_they_stand),
		cmocka_unit_test(the_parts_of_a_secret_are_hidden_too),
		cmocka_unit_test(foreign_bytes_become_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
