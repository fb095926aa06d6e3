/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery: what arrives, what is tried again and what is given up. */
#include "hook_sink.h"

#include "util/digest.h"

#define SIGNING_KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/* --- what arrives ----------------------------------------------------------------------------- */

static void alerts_arrive_in_order_over_one_connection(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "order", "200");
	rig_start(&r);
	for (unsigned i = 1; i <= 5; i++)
		rig_deliver(&r, i % 2 ? ALERT_FIRING : ALERT_RESOLVED, i, FIXTURE_DOC);
	assert_int_equal(request_count("order"), 0); /* delivering only queues */
	rig_run_until_idle(&r);
	assert_int_equal(request_count("order"), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_string_equal(request("order", i, "headers/webhook-id"), alert_id(i + 1));
		assert_string_equal(request("order", i, "port"), request("order", 0, "port"));
	}
	assert_string_equal(request("order", 0, "body"), FIXTURE_DOC);
	assert_string_equal(request("order", 0, "method"), "POST");
	assert_string_equal(request("order", 0, "headers/content-type"), "application/json");
	assert_string_equal(request("order", 0, "headers/user-agent"),
			    "kernelsight/" KERNELSIGHT_VERSION);
	assert_int_equal(rig_stats(&r).delivered, 5);
	assert_string_equal(rig_log(&r), "");
}

static void a_hook_gets_only_the_states_it_wants(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "firing", "200")->on_resolved = false;
	to_sink(&r, HOOK_WEBHOOK, "resolved", "200")->on_firing = false;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_deliver(&r, ALERT_RESOLVED, 2, "{}");
	rig_run_until_idle(&r);
	assert_int_equal(request_count("firing"), 1);
	assert_int_equal(request_count("resolved"), 1);
	assert_string_equal(request("resolved", 0, "headers/webhook-id"), alert_id(2));
}

/* The receiver's check: the signature is over the bytes that came, with the time in the header,
 * anew for each try. */
static void a_signature_holds_for_each_try(void **state)
{
	AUTO_RIG r;
	struct hook_conf *conf;
	unsigned char mac[SHA256_LEN];

	(void)state;
	rig_init(&r);
	conf = to_sink(&r, HOOK_WEBHOOK, "signed", "503;after=1,200");
	conf->signing_secret.plain = rig_text(&r, xstrdup(SIGNING_KEY));
	conf->body = rig_template("{\"text\":\"{{name}} \xc3\xa9\"}");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{\"name\":\"a\\\"b\\n\"}");
	rig_run_until_idle(&r);
	assert_string_equal(request("signed", 0, "body"), "{\"text\":\"a\\\"b\\n \xc3\xa9\"}");
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(buf_fini) struct buf key = { 0 };
		CLEANUP(buf_fini) struct buf expected = { 0 };
		AUTO_FREE char *text =
			xasprintf("%s.%s.%s", request("signed", i, "headers/webhook-id"),
				  request("signed", i, "headers/webhook-timestamp"),
				  request("signed", i, "body"));

		assert_true(base64_decode(SIGNING_KEY + 6, strlen(SIGNING_KEY) - 6, &key));
		hmac_sha256(key.data, key.len, text, strlen(text), mac);
		buf_adds(&expected, "v1,");
		base64_encode(mac, sizeof(mac), &expected);
		assert_string_equal(request("signed", i, "headers/webhook-signature"),
				    buf_str(&expected));
	}
	assert_string_not_equal(request("signed", 0, "headers/webhook-timestamp"),
				request("signed", 1, "headers/webhook-timestamp"));
}

/* --- retries ---------------------------------------------------------------------------------- */

/* Each of the ways to fail, in hooks of their own; the second alert must not overtake the first. */
static void a_failed_try_is_repeated_before_the_next_alert(void **state)
{
	static const char *const names[] = { "status", "reset", "close", "cut", "timeout" };
	static const char *const steps[] = { "500,200", "reset,200", "close,200", "cut,200",
					     "200;delay=30,200" };
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		to_sink(&r, HOOK_WEBHOOK, names[i], steps[i])->timeout_ns = 2 * NS_PER_S;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_deliver(&r, ALERT_RESOLVED, 2, "{}");
	rig_run_until_idle(&r);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(request_count(names[i]), 3);
		assert_string_equal(request(names[i], 0, "headers/webhook-id"), alert_id(1));
		assert_string_equal(request(names[i], 1, "headers/webhook-id"), alert_id(1));
		assert_string_equal(request(names[i], 2, "headers/webhook-id"), alert_id(2));
	}
	assert_int_equal(rig_stats(&r).delivered, 10);
	assert_int_equal(rig_stats(&r).retried, 5);
	assert_log(&r, "hook hook0: http://127.0.0.1:");
	assert_log(&r, " answered 500; next try in ");
	assert_log(&r, "hook hook4: works again: alert 01JDA8");
}

static void both_forms_of_retry_after_are_respected(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_SLACK, "seconds", "429;after=1;body=rate%5flimited,200;body=ok");
	to_sink(&r, HOOK_WEBHOOK, "date", "503;date=3,200");
	to_sink(&r, HOOK_WEBHOOK, "none", "429,200");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_run_until_idle(&r);
	assert_true(request_time_s("seconds", 1) - request_time_s("seconds", 0) >= 1);
	assert_true(request_time_s("seconds", 1) - request_time_s("seconds", 0) < 3);
	assert_true(request_time_s("date", 1) - request_time_s("date", 0) >= 2);
	assert_true(request_time_s("none", 1) - request_time_s("none", 0) >= 1);
	assert_int_equal(rig_stats(&r).delivered, 3);
	assert_log(&r, "answered 429 \"rate_limited\"; next try in ");
}

struct answers {
	uint64_t retry_after_s[2];
	size_t body_len;
	unsigned n;
};

static void note_answer(void *ctx, const struct http_answer *answer)
{
	struct answers *a = ctx;

	assert_null(answer->error);
	a->retry_after_s[a->n++ % 2] = answer->retry_after_s;
	a->body_len = answer->body_len;
}

static void post(struct rig *r, struct http_client *c, const char *name, const char *steps,
		 struct answers *answers)
{
	AUTO_FREE char *url =
		xasprintf("http://127.0.0.1:%u/" SECRET_PATH "/%s?%s", sink.port, name, steps);
	unsigned before = answers->n;

	http_post(c, &(struct http_request){ .url = url,
					     .body = "",
					     .timeout_ns = 5 * NS_PER_S,
					     .done = note_answer,
					     .ctx = answers });
	RIG_RUN_UNTIL(r, answers->n != before);
	assert_int_equal(answers->n, before + 1);
}

static void an_answer_is_bounded_and_forgotten_by_the_next(void **state)
{
	AUTO_RIG r;
	struct answers answers = { 0 };
	struct http *http;
	struct http_client *client;

	(void)state;
	rig_init(&r);
	http = http_new(r.loop);
	client = http_client_new(http);
	post(&r, client, "raw", "429;after=7;body=x,huge,500", &answers);
	assert_int_equal(answers.retry_after_s[0], 7);
	assert_int_equal(answers.body_len, 1);
	post(&r, client, "raw", "429;after=7;body=x,huge,500", &answers);
	assert_int_equal(answers.retry_after_s[1], 0);
	assert_int_equal(answers.body_len, HTTP_BODY_MAX);
	post(&r, client, "raw", "429;after=7;body=x,huge,500", &answers);
	assert_int_equal(answers.retry_after_s[0], 0);
	assert_int_equal(answers.body_len, 0);
	http_client_free(client);
	http_free(http);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void a_refused_alert_does_not_hold_up_the_next(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_SLACK, "refused", "200;body=invalid%5fblocks,200;body=ok");
	to_sink(&r, HOOK_WEBHOOK, "moved", "302,200");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_deliver(&r, ALERT_FIRING, 2, FIXTURE_DOC);
	rig_run_until_idle(&r);
	assert_int_equal(request_count("refused"), 2);
	assert_int_equal(request_count("moved"), 2); /* and the redirect was not followed */
	assert_int_equal(rig_stats(&r).failed, 2);
	assert_int_equal(rig_stats(&r).delivered, 2);
	assert_int_equal(rig_stats(&r).retried, 0);
	assert_log(&r,
		   "answered 200 \"invalid_blocks\"; alert 01JDA800000000000000000001 is given up");
	assert_log(&r, "answered 302; alert 01JDA8");
}

static void a_webhook_that_is_gone_is_left_alone(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "gone", "410");
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver(&r, ALERT_FIRING, i, "{}");
	rig_run_until_idle(&r);
	rig_deliver(&r, ALERT_FIRING, 4, "{}");
	rig_run(&r, 0.1);
	assert_int_equal(request_count("gone"), 1);
	assert_int_equal(rig_stats(&r).failed, 1);
	assert_int_equal(rig_stats(&r).dropped, 3);
	assert_log(&r, "sending nothing more; 2 waiting dropped");
}

static void what_was_tried_for_a_day_is_given_up(void **state)
{
	AUTO_RIG r;
	struct hook *h;
	struct alert *a = fixture_alert(ALERT_FIRING, 1, "{}");

	(void)state;
	rig_init(&r);
	h = rig_hook_alone(&r, http_new(r.loop), to_sink(&r, HOOK_WEBHOOK, "day", "500,200"));
	hook_queue(h, a);
	TAILQ_FIRST(&h->in_flight)->queued_ns -= RETRY_GIVE_UP_NS;
	RIG_RUN_UNTIL(&r, h->stats.queued == 0);
	assert_int_equal(h->stats.failed, 1);
	assert_int_equal(request_count("day"), 1);
	assert_log(&r, "is given up after 1 tries");
	alert_unref(a);
	hook_free(h, 0);
	http_free(r.env.http);
}

/* Not Slack, but something that takes each message: it must not get one for a day. */
static void a_stranger_is_left_alone_after_a_few_tries(void **state)
{
	AUTO_RIG r;
	struct hook *h;
	struct alert *a = fixture_alert(ALERT_FIRING, 1, FIXTURE_DOC);

	(void)state;
	rig_init(&r);
	h = rig_hook_alone(&r, http_new(r.loop),
			   to_sink(&r, HOOK_SLACK, "stranger", "200;body=%7b%22ok%22:true%7d"));
	hook_queue(h, a);
	while (h->stats.queued > 0) {
		h->not_before_ns = 0; /* no need to wait for the back-off */
		loop_timer_set(h->timer, NS_PER_MS);
		assert_int_equal(loop_run_once(r.loop, 10), 0);
	}
	assert_int_equal(h->stats.failed, 1);
	assert_int_equal(request_count("stranger"), RETRY_FOREIGN_TRIES);
	assert_log(&r,
		   "answered 200, but not as the service would \"{\"ok\":true}\"; alert 01JDA8");
	alert_unref(a);
	hook_free(h, 0);
	http_free(r.env.http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts_arrive_in_order_over_one_connection),
		cmocka_unit_test(a_hook_gets_only_the_states_it_wants),
		cmocka_unit_test(a_signature_holds_for_each_try),
		cmocka_unit_test(a_failed_try_is_repeated_before_the_next_alert),
		cmocka_unit_test(both_forms_of_retry_after_are_respected),
		cmocka_unit_test(an_answer_is_bounded_and_forgotten_by_the_next),
		cmocka_unit_test(a_refused_alert_does_not_hold_up_the_next),
		cmocka_unit_test(a_webhook_that_is_gone_is_left_alone),
		cmocka_unit_test(what_was_tried_for_a_day_is_given_up),
		cmocka_unit_test(a_stranger_is_left_alone_after_a_few_tries),
	};

	return cmocka_run_group_tests(tests, sink_start, sink_end);
}
