/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP POST on the loop: one request at a time for each client, the connection kept between them.
 * Certificates are verified and redirects not followed: the receiver of an alert is who the
 * configuration names, and nobody it may point to. (The proxy variables of the environment hold, as
 * for every program that uses libcurl.)
 */
#ifndef HOOK_HTTP_H
#define HOOK_HTTP_H

#include "loop/loop.h"
#include "util/buf.h"

#define HTTP_BODY_MAX 4096 /* bytes kept of an answer; a longer one is cut off */

struct http;
struct http_client;

struct http_answer {
	const char *error; /* NULL, or why there was no answer; never holds a part of the URL */
	long status;	   /* 200, 404, ... */
	const char *body;  /* body_len bytes with a NUL behind */
	size_t body_len;
	uint64_t retry_after_s; /* both forms of Retry-After; 0: none, or a time that has passed */
};

/* The answer lends for the duration of the call, which may start the client's next request. */
typedef void http_done_fn(void *ctx, const struct http_answer *answer);

struct http_request {
	const char *url;
	const char *const *headers; /* "Name: value" */
	unsigned n_headers;
	const char *body; /* borrowed until done is called */
	size_t body_len;
	uint64_t timeout_ns; /* from now to the end of the answer */
	http_done_fn *done;
	void *ctx;
};

/* NULL if libcurl cannot start. SIGPIPE is ignored from here on. */
struct http *http_new(struct loop *loop);
/* After all its clients. */
void http_free(struct http *h);

struct http_client *http_client_new(struct http *h);
/* Ends a request under way without calling done. NULL is fine. */
void http_client_free(struct http_client *c);

/* Starts a request; done is called exactly once in every case, later, from the loop. */
void http_post(struct http_client *c, const struct http_request *r);

/*
 * "https://host:port" of a URL, the part of it that is no secret; the port only if the URL names
 * one. NULL if the text is no URL that starts with "http://" or "https://".
 */
char *http_origin(const char *url);

#endif
