/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hooks that are an HTTP POST: slack, pagerduty and webhook. They differ in the body, in where the
 * URL comes from, and in what counts as success (hook/judge.c). A body is rendered anew for each
 * try, which gives the same bytes, and signed with the time of the try.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hook/format.h"
#include "hook/hook.h"
#include "hook/one_line.h"
#include "util/control.h"

#define PAGERDUTY_URL  "https://events.pagerduty.com/v2/enqueue"
#define SIGNED_HEADERS 3 /* webhook-id, webhook-timestamp, webhook-signature */
#define DRY_RUN_BYTES  200

struct http_hook {
	struct http_client *client;
	char *url;
	char *origin; /* what of the URL may be shown */
	char *routing_key;
	struct buf signing_key;
	char **headers; /* "Name: value"; room for SIGNED_HEADERS more */
	unsigned n_headers;
	struct buf body;	   /* of the try under way */
	struct delivery *delivery; /* under way */
	bool missing_said;
};

/* --- preparing ------------------------------------------------------------------------------- */

static bool fail(char **ret_error, char *message)
{
	*ret_error = message;
	return false;
}

/* Prefixes the message about a secret with what the secret is for. */
static char *read_setting(struct hook *h, const char *what, const struct secret_ref *ref,
			  char **ret_error)
{
	AUTO_FREE char *error = NULL;
	char *text = hook_secret(h, ref, &error);

	if (!text)
		*ret_error = xasprintf("%s: %s", what, error);
	return text;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if (is_control(s, 1))
			return true;
	return false;
}

/* An answer may quote each part of the URL but the host alone. */
static void hide_url(struct hook *h, const char *url)
{
	const char *authority = strstr(url, "://") + 3;
	size_t authority_len = strcspn(authority, "/?#");
	const char *user_end = memchr(authority, '@', authority_len);
	const char *path = authority + authority_len;
	size_t path_len = strcspn(path, "?");
	AUTO_FREE char *user =
		user_end ? xstrndup(authority, (size_t)(user_end - authority)) : xstrdup("");
	AUTO_FREE char *path_alone = xstrndup(path, path_len);

	secrets_add_parts(&h->secrets, user);
	secrets_add_parts(&h->secrets, path);
	secrets_add(&h->secrets, path_alone);
	secrets_add(&h->secrets, path + path_len);
}

static bool prepare_url(struct hook *h, struct http_hook *hh, char **ret_error)
{
	if (h->conf->type == HOOK_PAGERDUTY && !secret_given(&h->conf->url))
		hh->url = xstrdup(PAGERDUTY_URL);
	else
		hh->url = read_setting(h, "url", &h->conf->url, ret_error);
	if (!hh->url)
		return false;
	hh->origin = http_origin(hh->url);
	if (!hh->origin)
		return fail(ret_error,
			    xstrdup("the url is none that starts with http:// or https://"));
	hide_url(h, hh->url);
	return true;
}

static bool add_header(struct hook *h, const struct header_conf *conf, char **ret_error)
{
	struct http_hook *hh = h->impl;
	AUTO_FREE char *what = xasprintf("header \"%s\"", conf->name);
	AUTO_FREE char *value = NULL;

	if (hook_header_is_ours(conf->name))
		return fail(ret_error, xasprintf("%s is set by kernelsight itself", what));
	value = read_setting(h, what, &conf->value, ret_error);
	if (!value)
		return false;
	if (has_control(value))
		return fail(ret_error, xasprintf("%s has a control character in its value", what));
	secrets_add_parts(&h->secrets, value);
	hh->headers[hh->n_headers++] = xasprintf("%s: %s", conf->name, value);
	return true;
}

static bool prepare_headers(struct hook *h, struct http_hook *hh, char **ret_error)
{
	const struct hook_conf *conf = h->conf;
	const char *type = conf->content_type ? conf->content_type : "application/json";

	hh->headers = xcalloc(1 + conf->n_headers + SIGNED_HEADERS, sizeof(char *));
	hh->headers[hh->n_headers++] = xasprintf("Content-Type: %s", type);
	for (unsigned i = 0; i < conf->n_headers; i++)
		if (!add_header(h, &conf->headers[i], ret_error))
			return false;
	return true;
}

static bool prepare_signing(struct hook *h, struct http_hook *hh, char **ret_error)
{
	AUTO_FREE char *secret = NULL;

	if (!secret_given(&h->conf->signing_secret))
		return true;
	secret = read_setting(h, "signing secret", &h->conf->signing_secret, ret_error);
	if (!secret)
		return false;
	if (!webhook_key(secret, &hh->signing_key))
		return fail(ret_error,
			    xstrdup("the signing secret is not \"whsec_\" and the base64 "
				    "of 24 to 64 bytes"));
	secrets_add_parts(&h->secrets, secret + strlen(WEBHOOK_KEY_PREFIX));
	return true;
}

static bool prepare(struct hook *h, char **ret_error)
{
	struct http_hook *hh = h->impl = xcalloc(1, sizeof(*hh));

	if (!prepare_url(h, hh, ret_error) || !prepare_headers(h, hh, ret_error) ||
	    !prepare_signing(h, hh, ret_error))
		return false;
	if (h->conf->type == HOOK_PAGERDUTY) {
		hh->routing_key = read_setting(h, "routing key", &h->conf->routing_key, ret_error);
		if (!hh->routing_key)
			return false;
	}
	hh->client = http_client_new(h->env->http);
	return hh->client || fail(ret_error, xstrdup("libcurl cannot start"));
}

static void free_hook(struct hook *h, uint64_t deadline_ns)
{
	struct http_hook *hh = h->impl;

	(void)deadline_ns;
	if (!hh)
		return;
	http_client_free(hh->client);
	for (unsigned i = 0; i < hh->n_headers; i++)
		free(hh->headers[i]);
	free(hh->headers);
	buf_fini(&hh->signing_key);
	buf_fini(&hh->body);
	free(hh->routing_key);
	free(hh->origin);
	free(hh->url);
	free(hh);
}

/* --- sending --------------------------------------------------------------------------------- */

/*
 * What a template names and the alert does not have stands as null in the body: said once. A body
 * over the limit renders as nothing, and the document goes out in its place.
 */
static void render_template(struct hook *h, const struct alert *a, struct buf *out)
{
	struct http_hook *hh = h->impl;
	const char *missing = NULL;
	unsigned n = template_render(h->conf->body, a->doc, a->doc_len, ESCAPE_JSON, out, &missing);

	if (n > 0 && !hh->missing_said) {
		hh->missing_said = true;
		hook_log(h, "the body names {{%s}}, which alert %s does not have", missing, a->id);
	}
	if (out->len == 0) {
		hook_log(h, "the body is over %u bytes for alert %s: its document is sent",
			 TEMPLATE_OUTPUT_MAX, a->id);
		buf_add(out, a->doc, a->doc_len);
	}
}

static void write_body(struct hook *h, const struct alert *a, const char *routing_key,
		       struct buf *out)
{
	if (h->conf->type == HOOK_SLACK)
		slack_body(a, out);
	else if (h->conf->type == HOOK_PAGERDUTY)
		pagerduty_body(a, routing_key, out);
	else if (h->conf->body)
		render_template(h, a, out);
	else
		buf_add(out, a->doc, a->doc_len);
}

static void on_answer(void *ctx, const struct http_answer *answer)
{
	struct hook *h = ctx;
	struct http_hook *hh = h->impl;
	struct outcome o = { .verdict = VERDICT_RETRY };
	AUTO_FREE char *what = NULL;

	if (answer->error) {
		what = xasprintf("%s: %s", hh->origin, answer->error);
	} else {
		o.verdict = judge(h->conf->type, answer->status, answer->body);
		what = xasprintf("%s answered %ld%s", hh->origin, answer->status,
				 o.verdict == VERDICT_FOREIGN ? ", but not as the service would"
							      : "");
		o.detail = answer->body;
		o.detail_len = answer->body_len;
		o.wait_ns = retry_after_ns(answer->status, answer->retry_after_s);
	}
	o.what = what;
	hook_done(h, hh->delivery, &o);
}

/* Adds the Standard Webhooks headers behind the fixed ones; returns how many. The caller frees. */
static unsigned add_signature(const struct http_hook *hh, const struct alert *a, char **ret_headers)
{
	CLEANUP(buf_fini) struct buf signature = { 0 };
	uint64_t now_s = (uint64_t)time(NULL);

	ret_headers[0] = xasprintf("webhook-id: %s", a->id);
	ret_headers[1] = xasprintf("webhook-timestamp: %llu", (unsigned long long)now_s);
	if (hh->signing_key.len == 0)
		return 2;
	webhook_sign(&hh->signing_key, a->id, now_s, &hh->body, &signature);
	ret_headers[2] = xasprintf("webhook-signature: %s", buf_str(&signature));
	return 3;
}

static void post_alert(struct hook *h, struct delivery *d)
{
	struct http_hook *hh = h->impl;
	char **added = hh->headers + hh->n_headers;
	unsigned n_added = 0;

	hh->delivery = d;
	buf_reset(&hh->body);
	write_body(h, d->alert, hh->routing_key, &hh->body);
	if (h->conf->type == HOOK_WEBHOOK)
		n_added = add_signature(hh, d->alert, added);
	http_post(hh->client, &(struct http_request){
				      .url = hh->url,
				      .headers = (const char *const *)hh->headers,
				      .n_headers = hh->n_headers + n_added,
				      .body = buf_str(&hh->body),
				      .body_len = hh->body.len,
				      .timeout_ns = h->conf->timeout_ns,
				      .done = on_answer,
				      .ctx = h,
			      });
	for (unsigned i = 0; i < n_added; i++)
		free(added[i]);
}

static void describe(struct hook *h, const struct alert *a, struct buf *out)
{
	const struct http_hook *hh = h->impl;
	CLEANUP(buf_fini) struct buf body = { 0 };

	write_body(h, a, "***", &body);
	buf_addf(out, "would POST to %s: ", hh->origin);
	add_one_line(buf_str(&body), body.len, DRY_RUN_BYTES, out);
}

const struct hook_ops hook_http_ops = {
	.slots = 1,
	.prepare = prepare,
	.send = post_alert,
	.describe = describe,
	.free = free_hook,
};
