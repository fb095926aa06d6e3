/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent to Slack, PagerDuty and webhooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "alert_fixture.h"
#include "hook/format.h"
#include "util/json_scan.h"
#include "util/utf8.h"

#define AUTO_BUF CLEANUP(buf_fini) struct buf

#define ROUTING_KEY "R0123456789ABCDEF0123456789ABCDE"

/* The text at a path of a JSON body; fails the test if there is none. */
static const char *at(const struct buf *body, const char *path)
{
	static struct buf texts[4];
	static unsigned next;
	struct buf *text = &texts[next++ % ARRAY_SIZE(texts)];
	struct json_span span;

	buf_reset(text);
	if (!json_find(body->data, body->len, path, &span))
		fail_msg("no %s in %s", path, body->data);
	json_span_text(body->data, span, text);
	buf_addc(text, '\0');
	return text->data;
}

static bool has(const struct buf *body, const char *path)
{
	struct json_span span;

	return json_find(body->data, body->len, path, &span);
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (size_t i = 0; s[i]; n++) {
		size_t len = utf8_length(s + i, strlen(s + i));

		assert_true(len > 0);
		i += len;
	}
	return n;
}

/* --- slack ------------------------------------------------------------------------------------ */

#define BLOCKS "attachments/0/blocks"

static void slack_says_what_fired(void **state)
{
	AUTO_ALERT a = fixture_alert(ALERT_FIRING, 1, FIXTURE_DOC);
	AUTO_BUF body = { 0 };

	(void)state;
	slack_body(a, &body);
	assert_string_equal(at(&body, "text"), "FIRING critical: fsync took 31.2 ms");
	assert_string_equal(at(&body, "attachments/0/color"), "#c4001a");
	assert_string_equal(at(&body, BLOCKS "/0/text/type"), "plain_text");
	assert_string_equal(at(&body, BLOCKS "/0/text/text"), "FIRING: slow-syscall on db07");
	assert_string_equal(at(&body, BLOCKS "/1/text/text"), "*Why*: It stalls &lt;a&gt; &amp; b");
	assert_string_equal(at(&body, BLOCKS "/2/fields/1/text"), "*Value*\n31.2 ms");
	assert_string_equal(at(&body, BLOCKS "/2/fields/3/text"), "*Process*\npostgres[812]");
	assert_string_equal(at(&body, BLOCKS "/2/fields/7/text"), "*Samples*\n7 in 5 s");
	assert_string_equal(at(&body, BLOCKS "/2/fields/8/text"),
			    "*Started*\n2026-11-22T10:04:31.207Z");
	assert_false(has(&body, BLOCKS "/2/fields/9")); /* nothing was lost */
	assert_non_null(strstr(at(&body, BLOCKS "/3/elements/0/text"), a->incident));
}

static void slack_shows_at_a_glance_that_it_is_over(void **state)
{
	AUTO_ALERT a = fixture_alert(ALERT_RESOLVED, 1,
				     "{\"duration_s\":907.5,\"host\":{\"name\":\"db07\"}}");
	AUTO_BUF body = { 0 };

	(void)state;
	slack_body(a, &body);
	assert_string_equal(at(&body, BLOCKS "/0/text/text"),
			    "RESOLVED after 15 min 7 s: slow-syscall on db07");
	assert_string_not_equal(at(&body, "attachments/0/color"), "#c4001a");
	assert_string_equal(at(&body, BLOCKS "/1/type"), "section");
	assert_string_equal(at(&body, BLOCKS "/1/fields/0/text"), "*Key*\ncomm=postgres");
	assert_false(has(&body, BLOCKS "/1/fields/1")); /* null and absent values are left out */
}

static void slack_says_that_events_were_lost(void **state)
{
	AUTO_ALERT a = fixture_alert(ALERT_FIRING, 1,
				     "{\"quality\":{\"state\":\"degraded\",\"lost\":41}}");
	AUTO_BUF body = { 0 };

	(void)state;
	slack_body(a, &body);
	assert_string_equal(at(&body, BLOCKS "/1/fields/1/text"),
			    "*Data*\ndegraded, events lost: 41");
}

/* A process named <!channel> must not page everyone, nor a line end in it forge a field. */
static void slack_neutralises_names(void **state)
{
	AUTO_ALERT a = fixture_alert(
		ALERT_FIRING, 1,
		"{\"process\":{\"pid\":1,\"comm\":\"<!channel>\",\"cmdline\":\"a\\n*User*\\nroot\"}}");
	AUTO_BUF body = { 0 };

	(void)state;
	free(a->summary);
	a->summary = xstrdup("<!here> & \xff");
	slack_body(a, &body);
	assert_string_equal(at(&body, "text"), "FIRING critical: &lt;!here&gt; &amp; ?");
	assert_string_equal(at(&body, BLOCKS "/1/fields/1/text"), "*Process*\n&lt;!channel&gt;[1]");
	assert_string_equal(at(&body, BLOCKS "/1/fields/2/text"), "*Command*\na *User* root");
}

/* Everything as long as can be, in characters that grow when escaped. */
static struct alert *long_alert(const char *character, size_t n)
{
	AUTO_BUF text = { 0 };
	AUTO_BUF doc = { 0 };
	struct alert *a;

	for (size_t i = 0; i < n; i++)
		buf_adds(&text, character);
	buf_addf(&doc,
		 "{\"value_text\":\"%1$s\",\"threshold_text\":\"%1$s\",\"samples\":\"%1$s\","
		 "\"rule\":{\"why\":\"%1$s\",\"source\":\"syscall\"},\"started\":\"%1$s\","
		 "\"quality\":{\"state\":\"%1$s\",\"lost\":1},\"host\":{\"name\":\"%1$s\"},"
		 "\"process\":{\"comm\":\"%1$s\",\"cmdline\":\"%1$s\",\"user\":\"%1$s\","
		 "\"cgroup\":\"%1$s\"}}",
		 buf_str(&text));
	a = fixture_alert(ALERT_FIRING, 1, buf_str(&doc));
	free(a->summary);
	a->summary = xstrdup(buf_str(&text));
	free(a->key);
	a->key = buf_steal(&text);
	return a;
}

static void assert_slack_limits(const struct buf *body)
{
	size_t total = characters(at(body, "text"));
	char path[64];

	assert_true(characters(at(body, BLOCKS "/0/text/text")) <= 150);
	assert_true(characters(at(body, BLOCKS "/1/text/text")) <= 3000);
	total += characters(at(body, BLOCKS "/0/text/text"));
	total += characters(at(body, BLOCKS "/1/text/text"));
	assert_false(has(body, BLOCKS "/2/fields/10"));
	for (int i = 0; i < 10; i++) {
		(void)snprintf(path, sizeof(path), BLOCKS "/2/fields/%d/text", i);
		assert_true(characters(at(body, path)) <= 2000);
		total += characters(at(body, path));
	}
	total += characters(at(body, BLOCKS "/3/elements/0/text"));
	assert_true(total <= 12000);
}

static void slack_limits_hold_for_long_texts(void **state)
{
	static const char *const all[] = { "x", "&", "\xc3\xa9", "\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		AUTO_ALERT a = long_alert(all[i], 20000);
		AUTO_BUF body = { 0 };

		slack_body(a, &body);
		assert_slack_limits(&body);
	}
}

static void slack_cuts_no_escape_apart(void **state)
{
	AUTO_ALERT a = long_alert("&", 20000);
	AUTO_BUF body = { 0 };
	const char *command;

	(void)state;
	slack_body(a, &body);
	command = at(&body, BLOCKS "/2/fields/4/text");
	assert_int_equal(strncmp(command, "*Command*\n&amp;", 15), 0);
	assert_true(characters(command) <= strlen("*Command*\n") + 200);
	assert_string_equal(command + strlen(command) - 8, "&amp;\xe2\x80\xa6");
}

/* --- pagerduty -------------------------------------------------------------------------------- */

static void pagerduty_opens_and_ends_the_same_incident(void **state)
{
	AUTO_ALERT firing = fixture_alert(ALERT_FIRING, 1, FIXTURE_DOC);
	AUTO_ALERT resolved = fixture_alert(ALERT_RESOLVED, 2, "{\"value\":3}");
	AUTO_BUF trigger = { 0 };
	AUTO_BUF resolve = { 0 };

	(void)state;
	pagerduty_body(firing, ROUTING_KEY, &trigger);
	pagerduty_body(resolved, ROUTING_KEY, &resolve);
	assert_string_equal(at(&trigger, "event_action"), "trigger");
	assert_string_equal(at(&resolve, "event_action"), "resolve");
	assert_string_equal(at(&resolve, "routing_key"), ROUTING_KEY);
	/* sha256 of "db07/slow-syscall/comm=postgres" */
	assert_string_equal(at(&trigger, "dedup_key"), "ks1-0c27d58182b87b506ff8605db75a0aa5");
	assert_string_equal(at(&trigger, "dedup_key"), at(&resolve, "dedup_key"));
}

static void pagerduty_payload_is_complete(void **state)
{
	AUTO_ALERT a = fixture_alert(ALERT_FIRING, 1, FIXTURE_DOC);
	AUTO_BUF body = { 0 };

	(void)state;
	pagerduty_body(a, ROUTING_KEY, &body);
	assert_string_equal(at(&body, "payload/summary"), "fsync took 31.2 ms");
	assert_string_equal(at(&body, "payload/source"), "db07");
	assert_string_equal(at(&body, "payload/severity"), "critical");
	assert_string_equal(at(&body, "payload/timestamp"), "2026-11-22T10:04:31.207Z");
	assert_string_equal(at(&body, "payload/component"), "comm=postgres");
	assert_string_equal(at(&body, "payload/class"), "syscall");
	assert_string_equal(at(&body, "payload/custom_details"), FIXTURE_DOC);
}

static void pagerduty_summary_is_cut_between_characters(void **state)
{
	AUTO_ALERT a = long_alert("\xc3\xa9", 2000);
	AUTO_BUF body = { 0 };

	(void)state;
	pagerduty_body(a, ROUTING_KEY, &body);
	assert_int_equal(characters(at(&body, "payload/summary")), 1024);
}

static void pagerduty_leaves_out_the_largest_first(void **state)
{
	AUTO_BUF doc = { 0 };
	AUTO_BUF body = { 0 };
	struct alert *a;

	(void)state;
	buf_adds(&doc, "{\"value\":3,\"large\":\"");
	for (int i = 0; i < 300000; i++)
		buf_addc(&doc, 'x');
	buf_adds(&doc, "\",\"larger\":[\"");
	for (int i = 0; i < 400000; i++)
		buf_addc(&doc, 'y');
	buf_adds(&doc, "\"],\"unit\":\"ms\"}");
	a = fixture_alert(ALERT_FIRING, 1, buf_str(&doc));
	pagerduty_body(a, ROUTING_KEY, &body);
	assert_true(body.len <= PAGERDUTY_BODY_MAX);
	assert_string_equal(at(&body, "payload/custom_details/value"), "3");
	assert_string_equal(at(&body, "payload/custom_details/unit"), "ms");
	assert_true(has(&body, "payload/custom_details/large"));
	assert_false(has(&body, "payload/custom_details/larger"));
	assert_string_equal(at(&body, "payload/custom_details/truncated"), "[\"larger\"]");
	alert_unref(a);
}

/* --- webhook ---------------------------------------------------------------------------------- */

/* The example in the specification of Standard Webhooks. */
static void webhook_signature_is_the_standard_one(void **state)
{
	AUTO_BUF key = { 0 };
	AUTO_BUF body = { 0 };
	AUTO_BUF signature = { 0 };

	(void)state;
	assert_true(webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &key));
	buf_adds(&body, "{\"test\": 2432232314}");
	webhook_sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, &body, &signature);
	assert_string_equal(buf_str(&signature), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void webhook_keys_are_checked(void **state)
{
	static const char *const bad[] = {
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",		   /* no prefix */
		"whsec_", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", /* no base64 */
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=",	   /* 23 bytes */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_BUF key = { 0 };

		assert_false(webhook_key(bad[i], &key));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slack_says_what_fired),
		cmocka_unit_test(slack_shows_at_a_glance_that_it_is_over),
		cmocka_unit_test(slack_says_that_events_were_lost),
		cmocka_unit_test(slack_neutralises_names),
		cmocka_unit_test(slack_limits_hold_for_long_texts),
		cmocka_unit_test(slack_cuts_no_escape_apart),
		cmocka_unit_test(pagerduty_opens_and_ends_the_same_incident),
		cmocka_unit_test(pagerduty_payload_is_complete),
		cmocka_unit_test(pagerduty_summary_is_cut_between_characters),
		cmocka_unit_test(pagerduty_leaves_out_the_largest_first),
		cmocka_unit_test(webhook_signature_is_the_standard_one),
		cmocka_unit_test(webhook_keys_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
