/* SPDX-License-Identifier: BSD-2-Clause */
/* Where secrets come from, and that they show nowhere. */
#include "hook_sink.h"

#include <sys/prctl.h>
#include <sys/stat.h>

static struct hook_conf *add_authorization(struct rig *r, struct hook_conf *conf, const char *value)
{
	conf->headers = xcalloc(1, sizeof(*conf->headers));
	conf->n_headers = 1;
	conf->headers[0].name = rig_text(r, xstrdup("Authorization"));
	conf->headers[0].value.plain = rig_text(r, xstrdup(value));
	return conf;
}

/* A sink that says back all it was sent. */
static void no_secret_reaches_the_log(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_PAGERDUTY, "echo-key", "400;body={path}%20{body}");
	add_authorization(&r, to_sink(&r, HOOK_WEBHOOK, "echo-path", "500;body={path}%20is%20down"),
			  "Bearer SECRETTOKEN");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	run_until_requested(&r, "echo-key", 1);
	run_until_requested(&r, "echo-path", 1);
	rig_run_until_logged(&r, "answered 400");
	rig_run_until_logged(&r, "answered 500");
	assert_string_equal(request("echo-path", 0, "headers/authorization"), "Bearer SECRETTOKEN");
	assert_log(&r, "\"*** {\"routing_key\":\"***\"");
	assert_log(&r, "answered 500 \"*** is down\"");
	assert_not_in_log(&r, SECRET_PATH);
	assert_not_in_log(&r, ROUTING_KEY);
	assert_not_in_log(&r, "SECRETTOKEN");
}

/* A sink that says back just the token, or the last part of the path. */
static void no_part_of_a_secret_reaches_the_log(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	add_authorization(&r, to_sink(&r, HOOK_WEBHOOK, "token", "400;body=no%20user%20{token}"),
			  "Bearer T0PSECRET99");
	to_sink(&r, HOOK_SLACK, "XyZ0123456789abc", "404;body=no%20hook%20{last}");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_run_until_idle(&r);
	assert_log(&r, "answered 400 \"no user ***\"");
	assert_log(&r, "answered 404 \"no hook ***\"");
	assert_not_in_log(&r, "T0PSECRET99");
	assert_not_in_log(&r, "XyZ0123456789abc");
}

/* For a core dump, and for a debugger of the same user. */
static void secrets_are_kept_out_of_core_dumps(void **state)
{
	AUTO_RIG r;

	(void)state;
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
	rig_init(&r);
	to_sink(&r, HOOK_SLACK, "never", "200");
	rig_start(&r);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

static void a_dry_run_sends_nothing_and_says_what_it_would(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	r.dry_run = true;
	to_sink(&r, HOOK_PAGERDUTY, "dry", "202");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_run_until_idle(&r);
	assert_int_equal(request_count("dry"), 0);
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_log(&r, "hook hook0: would POST to http://127.0.0.1:");
	assert_log(&r, "\"routing_key\":\"***\",\"event_action\":\"trigger\"");
	assert_not_in_log(&r, SECRET_PATH);
}

static void a_secret_that_cannot_be_read_is_said_at_the_start(void **state)
{
	static const struct {
		struct secret_ref url;
		const char *error;
	} cases[] = {
		{ { .file = "/no/such/file" },
		  "cannot read /no/such/file: No such file or directory" },
		{ { .file = "/" }, "/ is not a regular file" },
		{ { .file = "/dev/null" }, "/dev/null is not a regular file" },
		{ { .env = "KERNELSIGHT_TEST_NONE" },
		  "the environment variable KERNELSIGHT_TEST_NONE is not set" },
		{ { .env = "KERNELSIGHT_TEST_EMPTY" },
		  "the environment variable KERNELSIGHT_TEST_EMPTY is empty" },
	};

	(void)state;
	(void)setenv("KERNELSIGHT_TEST_EMPTY", "\n", 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_RIG r;
		AUTO_FREE char *error =
			xasprintf("rules.json:7: hook hook0: url: %s", cases[i].error);

		rig_init(&r);
		rig_hook(&r, HOOK_SLACK)->url = cases[i].url;
		assert_no_start(&r, error);
	}
}

static void a_secret_file_loses_its_line_end_and_is_checked_for_readers(void **state)
{
	AUTO_RIG r;
	AUTO_FREE char *path = xasprintf("%s/url", sink.dir);
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fprintf(f, "http://127.0.0.1:%u/" SECRET_PATH "/file?200;body=ok\n", sink.port);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0644), 0);
	rig_init(&r);
	rig_hook(&r, HOOK_SLACK)->url.file = path;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_run_until_idle(&r);
	assert_int_equal(request_count("file"), 1);
	assert_log(&r, "warning: ");
	assert_log(&r, "/url holds a secret and others may read it (mode 0644)");
	assert_int_equal(unlink(path), 0);
}

static void headers_that_would_split_a_request_are_refused(void **state)
{
	static const char *const names[] = { "X-Token", "Webhook-ID" };
	static const char *const errors[] = {
		"rules.json:7: hook hook0: header \"X-Token\" has a control character in its value",
		"rules.json:7: hook hook0: header \"Webhook-ID\" is set by kernelsight itself",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_RIG r;
		struct hook_conf *conf;

		rig_init(&r);
		conf = to_sink(&r, HOOK_WEBHOOK, "never", "200");
		conf->headers = xcalloc(1, sizeof(*conf->headers));
		conf->n_headers = 1;
		conf->headers[0].name = rig_text(&r, xstrdup(names[i]));
		conf->headers[0].value.plain = rig_text(&r, xstrdup("a\r\nX-Injected: b"));
		assert_no_start(&r, errors[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secret_reaches_the_log),
		cmocka_unit_test(no_part_of_a_secret_reaches_the_log),
		cmocka_unit_test(secrets_are_kept_out_of_core_dumps),
		cmocka_unit_test(a_dry_run_sends_nothing_and_says_what_it_would),
		cmocka_unit_test(a_secret_that_cannot_be_read_is_said_at_the_start),
		cmocka_unit_test(a_secret_file_loses_its_line_end_and_is_checked_for_readers),
		cmocka_unit_test(headers_that_would_split_a_request_are_refused),
	};

	return cmocka_run_group_tests(tests, sink_start, sink_end);
}
