/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked over the control socket. */
#include <stdlib.h>

#include "daemon/daemon_parts.h"
#include "daemon/request.h"
#include "daemon/silencing.h"
#include "util/clock.h"

static struct status_view view_of(const struct daemon *d)
{
	return (struct status_view){
		.rules = d->rules,
		.engine = d->engine,
		.sources = d->sources,
		.notes = d->notes,
		.hooks = d->hooks,
		.started_ns = d->started_ns,
		.now_ns = clock_monotonic_ns(),
		.wall_offset_ns = clock_wall_offset_ns(),
		.lost = d->lost,
		.not_shown = outlet_dropped(d->output),
	};
}

static char *answer_status(void *ctx, const struct request *request, struct json *reply)
{
	const struct status_view view = view_of(ctx);

	(void)request;
	status_write(&view, reply);
	return NULL;
}

static char *answer_explain(void *ctx, const struct request *request, struct json *reply)
{
	const struct status_view view = view_of(ctx);
	CLEANUP(buf_fini) struct buf rule = { 0 };
	CLEANUP(buf_fini) struct buf key = { 0 };
	bool has_key = request_text(request, "key", &key);

	if (!request_text(request, "rule", &rule))
		return xstrdup("the request names no \"rule\"");
	return status_explain(&view, buf_str(&rule), has_key ? buf_str(&key) : NULL, reply);
}

static struct silencing silencing_of(const struct daemon *d)
{
	return (struct silencing){
		.engine = d->engine,
		.rules = d->rules,
		.now_ns = clock_monotonic_ns(),
		.wall_offset_ns = clock_wall_offset_ns(),
	};
}

static char *answer_silence(void *ctx, const struct request *request, struct json *reply)
{
	const struct silencing s = silencing_of(ctx);

	return silencing_add(&s, request, reply);
}

static char *answer_unsilence(void *ctx, const struct request *request, struct json *reply)
{
	const struct silencing s = silencing_of(ctx);

	return silencing_remove(&s, request, reply);
}

static char *answer_silences(void *ctx, const struct request *request, struct json *reply)
{
	const struct silencing s = silencing_of(ctx);

	(void)request;
	silencing_list(&s, reply);
	return NULL;
}

static char *answer_reload(void *ctx, const struct request *request, struct json *reply)
{
	AUTO_FREE char *text = NULL;
	bool ok = daemon_reload(ctx, &text);

	(void)request;
	json_member_str(reply, "messages", text);
	return ok ? NULL : xstrdup("the new rules are refused; those before stay");
}

void daemon_on_request(void *ctx, const char *request, size_t len, struct buf *reply)
{
	static const struct request_command commands[] = {
		{ "status", answer_status },	 { "reload", answer_reload },
		{ "explain", answer_explain },	 { "silence", answer_silence },
		{ "silences", answer_silences }, { "unsilence", answer_unsilence },
	};

	request_answer(commands, ARRAY_SIZE(commands), ctx, request, len, reply);
}
