/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked over the control socket: {"command": "explain", "rule": "slow"}. The reply is an
 * object too: "ok" true and what was asked for, or "ok" false and "error", one sentence.
 */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include "util/json.h"

struct request {
	const char *text; /* JSON */
	size_t len;
};

/* Adds members to the reply; NULL if all is well, or else what is wrong, which the caller frees. */
typedef char *request_fn(void *ctx, const struct request *request, struct json *reply);

struct request_command {
	const char *name;
	request_fn *fn;
};

/* Adds the text of a member; false if it is not there, or is null. */
bool request_text(const struct request *r, const char *member, struct buf *out);

/* Has the command of the table that is asked for answer; adds the whole reply to out. */
void request_answer(const struct request_command *table, size_t n, void *ctx, const char *text,
		    size_t len, struct buf *out);

#endif
