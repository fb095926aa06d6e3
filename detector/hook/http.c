/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only user of libcurl. A multi handle asks for sockets and a timer through its two callbacks;
 * both become watches and a timer of the loop, and each time one of them is ready curl is run and
 * the ended transfers are handed out. A transfer ends with curl's verdict on it, or with the failure
 * of the multi handle itself, which ends them all.
 */
#include "hook/http.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

struct http {
	struct loop *loop;
	CURLM *multi;
	struct timer *timer;	/* as curl wants it */
	struct timer *hand_out; /* for what ends while a request is made */
	LIST_HEAD(, http_client) busy;
};

struct http_client {
	LIST_ENTRY(http_client) link; /* while busy */
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	http_done_fn *done;
	void *ctx;
	struct buf body;
	bool cut; /* the answer was longer than what is kept, and the transfer was ended there */
	bool busy;
	bool ended;	 /* and to be handed out */
	CURLcode result; /* of one that ended by itself */
	CURLMcode fault; /* of the multi handle, if that ended it */
};

static void stop(struct http_client *c)
{
	if (c->busy)
		LIST_REMOVE(c, link);
	c->busy = c->ended = false;
	/* an error if it could not be added, which does no harm */
	(void)curl_multi_remove_handle(c->http->multi, c->easy);
}

static void hand_out(struct http_client *c)
{
	struct http_answer answer = { .body = buf_str(&c->body), .body_len = c->body.len };
	curl_off_t retry_after_s = 0;
	char error[256];
	long os_error = 0;

	stop(c);
	if (c->fault) {
		answer.error = curl_multi_strerror(c->fault);
	} else if (c->result == CURLE_OK || c->cut) {
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &answer.status);
		curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
		answer.retry_after_s = retry_after_s > 0 ? (uint64_t)retry_after_s : 0;
	} else {
		/* not CURLOPT_ERRORBUFFER: its texts may quote what was sent */
		curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_error);
		(void)snprintf(error, sizeof(error), "%s%s%s", curl_easy_strerror(c->result),
			       os_error ? ": " : "", os_error ? strerror((int)os_error) : "");
		answer.error = error;
	}
	c->done(c->ctx, &answer);
}

static struct http_client *first_ended(const struct http *h)
{
	struct http_client *c;

	LIST_FOREACH(c, &h->busy, link)
	if (c->ended)
		return c;
	return NULL;
}

/* Each call of done may make and free clients' requests, so the list is searched afresh. */
static void hand_out_all(void *ctx)
{
	struct http *h = ctx;
	struct http_client *c;

	while ((c = first_ended(h)))
		hand_out(c);
}

static void end(struct http_client *c, CURLcode result, CURLMcode fault)
{
	c->ended = true;
	c->result = result;
	c->fault = fault;
}

/* Lets curl do what it can, and marks the transfers that end by it. */
static void run_curl(struct http *h, curl_socket_t fd, int mask)
{
	int running, left;
	CURLMcode fault = curl_multi_socket_action(h->multi, fd, mask, &running);
	struct http_client *c = NULL;
	CURLMsg *msg;

	while ((msg = curl_multi_info_read(h->multi, &left))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &c);
		end(c, msg->data.result, CURLM_OK);
	}
	if (!fault)
		return;
	LIST_FOREACH(c, &h->busy, link)
	if (!c->ended)
		end(c, CURLE_OK, fault);
}

static void on_ready(void *ctx, int fd, unsigned events)
{
	struct http *h = ctx;
	int mask = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		   (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);

	run_curl(h, fd, mask);
	hand_out_all(h);
}

static void on_timeout(void *ctx)
{
	struct http *h = ctx;

	run_curl(h, CURL_SOCKET_TIMEOUT, 0);
	hand_out_all(h);
}

/* Never fails, which would be the end of all transfers: one that is not watched ends by its own
 * timeout. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_watch)
{
	struct http *h = ctx;
	struct watch *watch = socket_watch;
	unsigned events =
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		loop_unwatch(watch);
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (watch) {
		(void)loop_watch_change(watch, events);
		return 0;
	}
	watch = loop_watch(h->loop, fd, events, PRIORITY_HOOK, on_ready, h);
	curl_multi_assign(h->multi, fd, watch);
	return 0;
}

static int want_timeout(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http *h = ctx;

	(void)multi;
	if (timeout_ms < 0)
		loop_timer_cancel(h->timer);
	else
		loop_timer_set(h->timer, (uint64_t)timeout_ms * NS_PER_MS);
	return 0;
}

struct http *http_new(struct loop *loop)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	/* OpenSSL writes to a connection that the other side has closed without MSG_NOSIGNAL */
	(void)signal(SIGPIPE, SIG_IGN);
	h = xcalloc(1, sizeof(*h));
	h->loop = loop;
	LIST_INIT(&h->busy);
	h->timer = loop_timer_new(loop, on_timeout, h);
	h->hand_out = loop_timer_new(loop, hand_out_all, h);
	h->multi = curl_multi_init();
	if (!h->multi) {
		http_free(h);
		return NULL;
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timeout);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_multi_cleanup(h->multi);
	loop_timer_free(h->timer);
	loop_timer_free(h->hand_out);
	free(h);
	curl_global_cleanup();
}

static size_t keep_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_client *c = ctx;
	size_t len = size * n;
	size_t room = HTTP_BODY_MAX - c->body.len;

	buf_add(&c->body, data, len < room ? len : room);
	c->cut = len > room;
	return c->cut ? 0 : len;
}

struct http_client *http_client_new(struct http *h)
{
	struct http_client *c = xcalloc(1, sizeof(*c));

	c->http = h;
	c->easy = curl_easy_init();
	if (!c->easy) {
		free(c);
		return NULL;
	}
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "kernelsight/" KERNELSIGHT_VERSION);
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L); /* a signed URL must stay as it is */
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* giving up on a request must not wait for the thread that still resolves its name */
	curl_easy_setopt(c->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	stop(c);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	buf_fini(&c->body);
	free(c);
}

static void set_headers(struct http_client *c, const struct http_request *r)
{
	/* a server that does not know "Expect: 100-continue" would cost a second's wait */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (unsigned i = 0; i < r->n_headers; i++)
		list = curl_slist_append(list, r->headers[i]);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, list);
	curl_slist_free_all(c->headers);
	c->headers = list;
}

/* On a kept connection the request is sent here and now, not at the next turn of the loop. */
static void begin(struct http_client *c)
{
	struct http *h = c->http;
	CURLMcode fault = curl_multi_add_handle(h->multi, c->easy);

	LIST_INSERT_HEAD(&h->busy, c, link);
	c->busy = true;
	if (fault)
		end(c, CURLE_OK, fault);
	else
		run_curl(h, CURL_SOCKET_TIMEOUT, 0);
	if (first_ended(h))
		loop_timer_set(h->hand_out, 0);
}

void http_post(struct http_client *c, const struct http_request *r)
{
	long timeout_ms = (long)(r->timeout_ns / NS_PER_MS);

	buf_reset(&c->body);
	c->cut = false;
	c->done = r->done;
	c->ctx = r->ctx;
	set_headers(c, r);
	curl_easy_setopt(c->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, r->body);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1);
	begin(c);
}

/* A part of a parsed URL; NULL if it has none. Freed with curl_free(). */
static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;

	return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static char *parsed_origin(CURLU *url)
{
	char *scheme = url_part(url, CURLUPART_SCHEME);
	char *host = url_part(url, CURLUPART_HOST);
	char *port = url_part(url, CURLUPART_PORT);
	char *origin = NULL;

	if (scheme && host)
		origin = xasprintf("%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : "");
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return origin;
}

char *http_origin(const char *text)
{
	CURLU *url = curl_url();
	char *origin = NULL;

	if ((!strncasecmp(text, "http://", 7) || !strncasecmp(text, "https://", 8)) && url &&
	    curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
		origin = parsed_origin(url);
	curl_url_cleanup(url);
	return origin;
}
