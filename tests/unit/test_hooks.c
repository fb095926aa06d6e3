/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery against a real HTTP server that misbehaves: tests/hooks/sink.py. */
#include "hook_rig.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "util/digest.h"
#include "util/json_scan.h"

#define SECRET_PATH "TOPSECRETPATH"
#define ROUTING_KEY "R0123456789ABCDEF0123456789ABCDE"
#define SIGNING_KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static struct {
	pid_t pid;
	int hold_fd; /* the sink ends when this is closed */
	unsigned port;
	char dir[32];
	char record[64];
} sink;

/* --- the sink -------------------------------------------------------------------------------- */

static int sink_start(void **state)
{
	int in[2], out[2];
	char line[16] = "";
	FILE *said;

	(void)state;
	(void)unsetenv("http_proxy");
	strcpy(sink.dir, "/tmp/kernelsight-hooks-XXXXXX");
	if (!mkdtemp(sink.dir) || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -1;
	(void)snprintf(sink.record, sizeof(sink.record), "%s/record", sink.dir);
	sink.pid = fork();
	if (sink.pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		execlp("python3", "python3", "tests/hooks/sink.py", sink.record, (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	sink.hold_fd = in[1];
	/* the whole line, of which the end may come in a write of its own */
	said = fdopen(out[0], "r");
	if (!said || !fgets(line, sizeof(line), said))
		return -1;
	(void)fclose(said);
	sink.port = (unsigned)strtoul(line, NULL, 10);
	return sink.port ? 0 : -1;
}

static int sink_end(void **state)
{
	(void)state;
	(void)close(sink.hold_fd);
	(void)waitpid(sink.pid, NULL, 0);
	(void)unlink(sink.record);
	return rmdir(sink.dir);
}

/* A hook to http://127.0.0.1:PORT/TOPSECRETPATH/NAME?STEPS. The steps are part of the URL: a body of
 * them that the log is to show must not stand in them as it is. */
static struct hook_conf *to_sink(struct rig *r, enum hook_type type, const char *name,
				 const char *steps)
{
	struct hook_conf *conf = rig_hook(r, type);

	conf->url.plain = rig_text(
		r, xasprintf("http://127.0.0.1:%u/" SECRET_PATH "/%s?%s", sink.port, name, steps));
	if (type == HOOK_PAGERDUTY)
		conf->routing_key.plain = rig_text(r, xstrdup(ROUTING_KEY));
	return conf;
}

/* Everything that the sink has recorded. */
static void read_record(struct buf *out)
{
	FILE *f = fopen(sink.record, "r");
	char block[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(out, block, n);
	(void)fclose(f);
}

static bool text_at(const char *line, size_t len, const char *path, struct buf *out)
{
	struct json_span span;

	buf_reset(out);
	if (!json_find(line, len, path, &span))
		return false;
	json_span_text(line, span, out);
	return true;
}

/* Visits the requests to /TOPSECRETPATH/NAME: returns how many there were, and in out, if not NULL,
 * the text at a path of the n-th, from 0. */
static unsigned requests(const char *name, unsigned n, const char *path, struct buf *out)
{
	CLEANUP(buf_fini) struct buf record = { 0 };
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *wanted = xasprintf("/" SECRET_PATH "/%s", name);
	unsigned count = 0;

	read_record(&record);
	for (const char *line = buf_str(&record), *end; (end = strchr(line, '\n'));
	     line = end + 1) {
		size_t len = (size_t)(end - line);

		if (!text_at(line, len, "path", &text) || strcmp(buf_str(&text), wanted))
			continue;
		if (count++ == n && out)
			assert_true(text_at(line, len, path, out));
	}
	return count;
}

static unsigned request_count(const char *name)
{
	return requests(name, 0, "path", NULL);
}

/* Of the n-th request; lends until the next but three. */
static const char *request(const char *name, unsigned n, const char *path)
{
	static struct buf texts[4];
	static unsigned next;
	struct buf *text = &texts[next++ % ARRAY_SIZE(texts)];

	buf_reset(text);
	if (requests(name, n, path, text) <= n)
		fail_msg("no request %u to %s", n, name);
	return buf_str(text);
}

static double request_time_s(const char *name, unsigned n)
{
	return strtod(request(name, n, "time"), NULL);
}

/* Runs the loop until the sink has had n requests. */
static void run_until_requested(struct rig *r, const char *name, unsigned n)
{
	double end_s = rig_clock_s() + 5;

	while (request_count(name) < n) {
		if (rig_clock_s() > end_s)
			fail_msg("only %u requests to %s", request_count(name), name);
		assert_int_equal(loop_run_once(r->loop, 10), 0);
	}
}

static const char *alert_id(unsigned n)
{
	static char id[ULID_LEN + 1];

	(void)snprintf(id, sizeof(id), "01JDA8%020u", n);
	return id;
}

/* --- what arrives ---------------------------------------------------------------------------- */

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
	rig_run_until_idle(&r, 5);
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
	rig_run_until_idle(&r, 5);
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
	rig_run_until_idle(&r, 6);
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

/* --- retries --------------------------------------------------------------------------------- */

/* Each of the ways to fail, in hooks of their own; the second alert must not overtake the first. */
static void a_failed_try_is_repeated_before_the_next_alert(void **state)
{
	static const char *const names[] = { "status", "reset", "close", "cut", "timeout" };
	static const char *const steps[] = { "500,200", "reset,200", "close,200", "cut,200",
					     "200;delay=3,200" };
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		to_sink(&r, HOOK_WEBHOOK, names[i], steps[i])->timeout_ns = NS_PER_S;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_deliver(&r, ALERT_RESOLVED, 2, "{}");
	rig_run_until_idle(&r, 8);
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
	rig_run_until_idle(&r, 8);
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
	for (int i = 0; i < 500 && answers->n == before; i++)
		assert_int_equal(loop_run_once(r->loop, 10), 0);
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

/* --- refusals -------------------------------------------------------------------------------- */

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
	rig_run_until_idle(&r, 5);
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
	rig_run_until_idle(&r, 5);
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
	for (int i = 0; i < 500 && h->stats.queued > 0; i++)
		assert_int_equal(loop_run_once(r.loop, 10), 0);
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

/* --- when curl or the kernel fails ----------------------------------------------------------- */

/* How many of the next calls fail. */
static struct {
	unsigned add_handle;
	unsigned socket_action;
	unsigned epoll_ctl;
} faults;

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	CURLMcode (*real)(CURLM *, CURL *) = dlsym(RTLD_NEXT, "curl_multi_add_handle");

	if (faults.add_handle == 0)
		return real(multi, easy);
	faults.add_handle--;
	return CURLM_OUT_OF_MEMORY;
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t fd, int mask, int *running)
{
	CURLMcode (*real)(CURLM *, curl_socket_t, int, int *) =
		dlsym(RTLD_NEXT, "curl_multi_socket_action");

	if (faults.socket_action == 0)
		return real(multi, fd, mask, running);
	faults.socket_action--;
	return CURLM_INTERNAL_ERROR;
}

int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	int (*real)(int, int, int, struct epoll_event *) = dlsym(RTLD_NEXT, "epoll_ctl");

	if (faults.epoll_ctl == 0 || op == EPOLL_CTL_DEL)
		return real(epoll_fd, op, fd, event);
	faults.epoll_ctl--;
	errno = ENOSPC;
	return -1;
}

static void a_request_that_cannot_begin_is_tried_again(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "no-begin", "200");
	rig_start(&r);
	faults.add_handle = 1;
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	assert_int_equal(rig_stats(&r).retried, 0); /* done comes from the loop */
	rig_run_until_idle(&r, 5);
	assert_int_equal(rig_stats(&r).retried, 1);
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_int_equal(request_count("no-begin"), 1);
	assert_log(&r, "Out of memory; next try in ");
}

static void a_fault_of_curl_ends_each_request_once(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "fault-a", "200;delay=0.2");
	to_sink(&r, HOOK_WEBHOOK, "fault-b", "200;delay=0.2");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	run_until_requested(&r, "fault-a", 1);
	run_until_requested(&r, "fault-b", 1);
	faults.socket_action = 1;
	rig_run_until_idle(&r, 8);
	assert_int_equal(rig_stats(&r).retried, 2);
	assert_int_equal(rig_stats(&r).delivered, 2);
	assert_log(&r, "Internal error; next try in ");
}

static void a_socket_that_cannot_be_watched_ends_by_its_timeout(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "unwatched", "200")->timeout_ns = 300 * NS_PER_MS;
	rig_start(&r);
	faults.epoll_ctl = 100;
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run(&r, 0.4);
	faults.epoll_ctl = 0;
	rig_run_until_idle(&r, 5);
	assert_true(rig_stats(&r).retried >= 1);
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_log(&r, "; next try in ");
}

/* --- one hook and another -------------------------------------------------------------------- */

static void a_slow_sink_holds_up_no_other(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "slow", "200;delay=2");
	to_sink(&r, HOOK_WEBHOOK, "fast", "200");
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver(&r, ALERT_FIRING, i, "{}");
	run_until_requested(&r, "fast", 3);
	assert_int_equal(request_count("slow"), 1);
	rig_run(&r, 0.1);
	assert_int_equal(rig_stats(&r).queued, 3);
}

static void a_full_queue_drops_the_oldest_that_waits(void **state)
{
	AUTO_RIG r;
	const char *said;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "full", "200;delay=0.5,200");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	run_until_requested(&r, "full", 1); /* this one is in flight and must not be dropped */
	for (unsigned i = 2; i <= HOOK_QUEUE_MAX + 50; i++)
		rig_deliver(&r, ALERT_FIRING, i, "{}");
	assert_int_equal(rig_stats(&r).dropped, 50);
	assert_int_equal(rig_stats(&r).queued, HOOK_QUEUE_MAX);
	run_until_requested(&r, "full", 2);
	assert_string_equal(request("full", 0, "headers/webhook-id"), alert_id(1));
	assert_string_equal(request("full", 1, "headers/webhook-id"), alert_id(52));
	said = strstr(rig_log(&r), "the queue is full");
	assert_non_null(said);
	assert_null(strstr(said + 1, "the queue is full"));
}

static void a_repeat_has_no_place_while_the_first_still_waits(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "repeats", "200;delay=0.3,200");
	rig_start(&r);
	rig_deliver_other(&r, ALERT_FIRING, 1, false);
	rig_deliver_other(&r, ALERT_FIRING, 2, false);
	rig_deliver_other(&r, ALERT_FIRING, 2, true); /* 2 waits */
	rig_deliver_other(&r, ALERT_FIRING, 3, true);
	rig_deliver_other(&r, ALERT_FIRING, 3, true); /* a repeat of 3 waits */
	rig_deliver_other(&r, ALERT_RESOLVED, 2, false);
	rig_run_until_idle(&r, 5);
	assert_int_equal(request_count("repeats"), 4);
	assert_string_equal(request("repeats", 2, "headers/webhook-id"), alert_id(3));
	assert_string_equal(request("repeats", 3, "headers/webhook-id"), alert_id(2));
	assert_int_equal(rig_stats(&r).dropped, 0);
	rig_deliver_other(&r, ALERT_FIRING, 2, true);
	rig_run_until_idle(&r, 5);
	assert_int_equal(request_count("repeats"), 5);
}

static void a_full_queue_drops_repeats_first(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "full-repeats", "200;delay=0.5,200");
	rig_start(&r);
	rig_deliver_other(&r, ALERT_FIRING, 1, false); /* in flight */
	for (unsigned i = 2; i <= HOOK_QUEUE_MAX; i++)
		rig_deliver_other(&r, ALERT_FIRING, i, i == 500);
	assert_int_equal(rig_stats(&r).dropped, 0);
	rig_deliver_other(&r, ALERT_FIRING, 2000, false); /* for 500, the repeat */
	rig_deliver_other(&r, ALERT_FIRING, 2001, true);  /* for nothing */
	assert_int_equal(rig_stats(&r).dropped, 2);
	run_until_requested(&r, "full-repeats", 2);
	assert_string_equal(request("full-repeats", 1, "headers/webhook-id"), alert_id(2));
}

/* --- secrets --------------------------------------------------------------------------------- */

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
	rig_run(&r, 0.2);
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
	rig_run_until_idle(&r, 5);
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
	rig_run_until_idle(&r, 5);
	assert_int_equal(request_count("dry"), 0);
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_log(&r, "hook hook0: would POST to http://127.0.0.1:");
	assert_log(&r, "\"routing_key\":\"***\",\"event_action\":\"trigger\"");
	assert_not_in_log(&r, SECRET_PATH);
}

/* --- the log hook ---------------------------------------------------------------------------- */

static void the_log_hook_appends_lines(void **state)
{
	AUTO_RIG r;
	AUTO_FREE char *path = xasprintf("%s/alerts", sink.dir);
	char text[64] = "";
	struct stat st;
	FILE *f;

	(void)state;
	rig_init(&r);
	rig_hook(&r, HOOK_LOG)->path = path;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{\"n\":1}");
	rig_deliver(&r, ALERT_RESOLVED, 2, "{\"n\":2}");
	rig_run_until_idle(&r, 1);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 16);
	(void)fclose(f);
	assert_string_equal(text, "{\"n\":1}\n{\"n\":2}\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0); /* nothing beyond 0640 */
	assert_int_equal(unlink(path), 0);
}

static void a_full_disk_is_tried_again(void **state)
{
	AUTO_RIG r;
	char path[] = "/dev/full";

	(void)state;
	rig_init(&r);
	rig_hook(&r, HOOK_LOG)->path = path;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run(&r, 0.05);
	assert_int_equal(rig_stats(&r).queued, 1);
	assert_true(rig_stats(&r).retried >= 1);
	assert_log(&r, "cannot write to /dev/full: No space left on device; next try in ");
}

/* --- what cannot work ------------------------------------------------------------------------ */

static void assert_no_start(struct rig *r, const char *expected)
{
	AUTO_FREE char *error = rig_try_start(r);

	assert_null(r->hooks);
	assert_string_equal(error, expected);
}

static void a_log_without_a_path_is_refused(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	rig_hook(&r, HOOK_LOG);
	assert_no_start(&r,
			"rules.json:7: hook hook0: a log hook needs a \"path\"; standard output "
			"has each alert without a hook");
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
	rig_run_until_idle(&r, 5);
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
		cmocka_unit_test(a_request_that_cannot_begin_is_tried_again),
		cmocka_unit_test(a_fault_of_curl_ends_each_request_once),
		cmocka_unit_test(a_socket_that_cannot_be_watched_ends_by_its_timeout),
		cmocka_unit_test(a_slow_sink_holds_up_no_other),
		cmocka_unit_test(a_full_queue_drops_the_oldest_that_waits),
		cmocka_unit_test(a_repeat_has_no_place_while_the_first_still_waits),
		cmocka_unit_test(a_full_queue_drops_repeats_first),
		cmocka_unit_test(no_secret_reaches_the_log),
		cmocka_unit_test(no_part_of_a_secret_reaches_the_log),
		cmocka_unit_test(secrets_are_kept_out_of_core_dumps),
		cmocka_unit_test(a_dry_run_sends_nothing_and_says_what_it_would),
		cmocka_unit_test(the_log_hook_appends_lines),
		cmocka_unit_test(a_full_disk_is_tried_again),
		cmocka_unit_test(a_log_without_a_path_is_refused),
		cmocka_unit_test(a_secret_that_cannot_be_read_is_said_at_the_start),
		cmocka_unit_test(a_secret_file_loses_its_line_end_and_is_checked_for_readers),
		cmocka_unit_test(headers_that_would_split_a_request_are_refused),
	};

	return cmocka_run_group_tests(tests, sink_start, sink_end);
}
