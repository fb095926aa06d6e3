/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only user of libcurl. A multi handle asks for sockets and a timer through its two callbacks;
 * both become watches and a timer of the loop, and each time one of them is ready curl is run and
 * the finished transfers are handed out.
 */
#include "hook/http.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http {
	struct loop *loop;
	CURLM *multi;
	struct timer *timer;
};

struct http_client {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	http_done_fn *done;
	void *ctx;
	struct buf body;
	bool cut; /* the answer was longer than what is kept, and the transfer was ended there */
	bool busy;
};

static void hand_out(struct http_client *c, CURLcode code)
{
	struct http_answer answer = { .body = buf_str(&c->body), .body_len = c->body.len };
	curl_off_t retry_after_s = 0;
	char error[256];
	long os_error = 0;

	curl_multi_remove_handle(c->http->multi, c->easy);
	c->busy = false;
	if (code == CURLE_OK || c->cut) {
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &answer.status);
		curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
		answer.retry_after_s = retry_after_s > 0 ? (uint64_t)retry_after_s : 0;
	} else {
		/* not CURLOPT_ERRORBUFFER: its texts may quote what was sent */
		curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_error);
		(void)snprintf(error, sizeof(error), "%s%s%s", curl_easy_strerror(code),
			       os_error ? ": " : "", os_error ? strerror((int)os_error) : "");
		answer.error = error;
	}
	c->done(c->ctx, &answer);
}

static void hand_out_all(struct http *h)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left))) {
		struct http_client *c = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &c);
		hand_out(c, msg->data.result);
	}
}

static void on_ready(void *ctx, int fd, unsigned events)
{
	struct http *h = ctx;
	int mask = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		   (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	(void)curl_multi_socket_action(h->multi, fd, mask, &running);
	hand_out_all(h);
}

static void on_timeout(void *ctx)
{
	struct http *h = ctx;
	int running;

	(void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	hand_out_all(h);
}

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
	if (watch)
		return loop_watch_change(watch, events) < 0 ? -1 : 0;
	watch = loop_watch(h->loop, fd, events, PRIORITY_HOOK, on_ready, h);
	curl_multi_assign(h->multi, fd, watch);
	return watch ? 0 : -1;
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
	h->timer = loop_timer_new(loop, on_timeout, h);
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
	if (c->busy)
		curl_multi_remove_handle(c->http->multi, c->easy);
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

void http_post(struct http_client *c, const struct http_request *r)
{
	long timeout_ms = (long)(r->timeout_ns / NS_PER_MS);

	buf_reset(&c->body);
	c->cut = false;
	c->busy = true;
	c->done = r->done;
	c->ctx = r->ctx;
	set_headers(c, r);
	curl_easy_setopt(c->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, r->body);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1);
	(void)curl_multi_add_handle(c->http->multi, c->easy);
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
