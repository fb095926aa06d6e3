/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "alert_fixture.h"
#include "hook/exec_args.h"
#include "hook/format.h"
#include "hook/http.h"
#include "hook/judge.h"
#include "hook/limits.h"
#include "hook/one_line.h"
#include "hook/secret.h"
#include "util/digest.h"
#include "util/json_scan.h"
#include "util/utf8.h"

#define ROUTING_KEY "R0123456789ABCDEF0123456789ABCDE"

static void unref(struct alert **a)
{
	alert_unref(*a);
}

#define AUTO_ALERT CLEANUP(unref) struct alert *
#define AUTO_BUF   CLEANUP(buf_fini) struct buf

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

/* --- slack ----------------------------------------------------------------------------------- */

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

/* --- pagerduty ------------------------------------------------------------------------------- */

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

/* --- webhook --------------------------------------------------------------------------------- */

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

/* --- judging --------------------------------------------------------------------------------- */

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

/* --- texts ----------------------------------------------------------------------------------- */

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

/* --- exec ------------------------------------------------------------------------------------ */

static const char *variable(const struct strings *env, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < env->n; i++)
		if (!strncmp(env->list[i], name, len) && env->list[i][len] == '=')
			return env->list[i] + len + 1;
	return NULL;
}

static void an_unknown_process_has_no_variable(void **state)
{
	AUTO_ALERT a = fixture_alert(ALERT_FIRING, 1,
				     "{\"event\":{\"pid\":0,\"comm\":\"\"},\"value\":null}");
	CLEANUP(strings_fini) struct strings env = { 0 };

	(void)state;
	exec_env(a, &env);
	assert_null(variable(&env, "KERNELSIGHT_PID"));
	assert_null(variable(&env, "KERNELSIGHT_TID"));
	assert_null(variable(&env, "KERNELSIGHT_VALUE"));
	assert_string_equal(variable(&env, "KERNELSIGHT_STATE"), "firing");
	assert_null(env.list[env.n]);
}

static struct template *parse(const char *text)
{
	const char *message;
	size_t offset;
	struct template *t = template_parse(text, &offset, &message);

	assert_non_null(t);
	return t;
}

static void an_argument_that_cannot_be_rendered_stops_the_run(void **state)
{
	static const char *const bad[] = { "{{no_such}}", "{{event.nul}}" };
	AUTO_ALERT a = fixture_alert(ALERT_FIRING, 1, "{\"event\":{\"nul\":\"a\\u0000b\"}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct template *argv[] = { parse("/bin/true"), parse(bad[i]) };
		struct hook_conf conf = { .argv = argv, .n_argv = 2 };
		CLEANUP(strings_fini) struct strings strings = { 0 };
		AUTO_FREE char *error = exec_argv(&conf, a, &strings);

		assert_non_null(error);
		assert_non_null(strstr(error, "argument 1"));
		template_free(argv[0]);
		template_free(argv[1]);
	}
}

#define MINUTE_NS (60 * NS_PER_S)

static struct alert *incident(enum alert_state alert_state, const char *identity, char which)
{
	struct alert *a = fixture_alert(alert_state, 1, "{}");

	free(a->identity);
	a->identity = xstrdup(identity);
	a->incident[0] = which;
	return a;
}

static bool acts(struct limits *l, enum alert_state alert_state, const char *identity, char which,
		 uint64_t now_ns)
{
	AUTO_ALERT a = incident(alert_state, identity, which);

	return limits_refuse(l, a, now_ns) == NULL;
}

static void a_cooldown_is_for_each_alert(void **state)
{
	struct limits *l = limits_new(10 * MINUTE_NS, 0, true);

	(void)state;
	assert_true(acts(l, ALERT_FIRING, "a", '1', 1 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "b", '1', 2 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "a", '2', 11 * MINUTE_NS - 1));
	/* what was refused does not begin a cooldown */
	assert_true(acts(l, ALERT_FIRING, "a", '3', 11 * MINUTE_NS));
	limits_free(l);
}

static void a_resolved_alert_follows_its_firing(void **state)
{
	struct limits *l = limits_new(10 * MINUTE_NS, 1, true);

	(void)state;
	assert_true(acts(l, ALERT_FIRING, "a", '1', 1 * MINUTE_NS));
	assert_true(acts(l, ALERT_RESOLVED, "a", '1', 2 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "a", '2', 3 * MINUTE_NS));
	assert_false(acts(l, ALERT_RESOLVED, "a", '2', 4 * MINUTE_NS));
	limits_free(l);
}

static void an_hour_slides(void **state)
{
	struct limits *l = limits_new(0, 2, true);

	(void)state;
	assert_true(acts(l, ALERT_FIRING, "a", '1', 10 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "b", '1', 50 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "c", '1', 69 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "c", '1', 70 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "d", '1', 71 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "d", '1', 110 * MINUTE_NS));
	limits_free(l);
}

static void what_is_taken_back_did_not_happen(void **state)
{
	struct limits *l = limits_new(10 * MINUTE_NS, 1, true);
	AUTO_ALERT firing = incident(ALERT_FIRING, "a", '1');
	AUTO_ALERT resolved = incident(ALERT_RESOLVED, "b", '1');

	(void)state;
	assert_null(limits_refuse(l, firing, MINUTE_NS));
	limits_take_back(l, firing);
	assert_false(acts(l, ALERT_RESOLVED, "a", '1', 2 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "b", '1', 2 * MINUTE_NS));
	limits_take_back(l, resolved); /* was not counted, so there is nothing to take back */
	assert_false(acts(l, ALERT_FIRING, "b", '2', 3 * MINUTE_NS));
	limits_free(l);
}

static void a_resolved_alert_follows_its_firing_without_limits(void **state)
{
	struct limits *l = limits_new(0, 0, true);

	(void)state;
	assert_false(acts(l, ALERT_RESOLVED, "a", '1', MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "a", '2', MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "a", '3', MINUTE_NS));
	assert_true(acts(l, ALERT_RESOLVED, "a", '3', MINUTE_NS));
	limits_free(l);
}

static void the_cooldown_table_forgets_the_oldest(void **state)
{
	struct limits *l = limits_new(1000 * MINUTE_NS, 0, true);
	char name[16];

	(void)state;
	for (unsigned i = 0; i <= LIMITS_ALERTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		assert_true(acts(l, ALERT_FIRING, name, '1', MINUTE_NS + i));
	}
	assert_false(acts(l, ALERT_FIRING, "1", '2', 2 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "0", '2', 2 * MINUTE_NS));
	limits_free(l);
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
		cmocka_unit_test(answers_are_judged_by_the_table),
		cmocka_unit_test(back_off_is_bounded_and_jittered),
		cmocka_unit_test(retry_after_is_honoured_and_bounded),
		cmocka_unit_test(only_the_origin_of_a_url_is_shown),
		cmocka_unit_test(secrets_are_hidden_wherever_they_stand),
		cmocka_unit_test(the_parts_of_a_secret_are_hidden_too),
		cmocka_unit_test(foreign_bytes_become_one_line),
		cmocka_unit_test(an_unknown_process_has_no_variable),
		cmocka_unit_test(an_argument_that_cannot_be_rendered_stops_the_run),
		cmocka_unit_test(a_cooldown_is_for_each_alert),
		cmocka_unit_test(a_resolved_alert_follows_its_firing),
		cmocka_unit_test(an_hour_slides),
		cmocka_unit_test(what_is_taken_back_did_not_happen),
		cmocka_unit_test(a_resolved_alert_follows_its_firing_without_limits),
		cmocka_unit_test(the_cooldown_table_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
