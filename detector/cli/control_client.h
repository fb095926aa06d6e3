/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the running daemon over its control socket. */
#ifndef CLI_CONTROL_CLIENT_H
#define CLI_CONTROL_CLIENT_H

#include "cli/command.h"
#include "util/buf.h"

/* How long the daemon may take for an answer. */
#define CONTROL_TIMEOUT_S 30

/* A JSON value of a reply. Lends. */
struct reply {
	const char *text;
	size_t len;
};

/*
 * Sends a request (one JSON object without line ends) to the daemon at `path`, and adds its reply to
 * out. False, with a message on standard error, if there is no daemon, it gives no whole reply, or
 * the reply is that it cannot do it.
 */
bool control_ask(const struct command *command, const char *path, const char *request,
		 struct buf *out);

/* What is at a path ("rules/2/name") of a reply; false if nothing is, or null. */
bool reply_find(const struct reply *r, const char *path, struct reply *ret_value);
/* Adds the text at a path, fit for a terminal; false if it is not there, or is null. */
bool reply_text(const struct reply *r, const char *path, struct buf *out);
/* As reply_text(), of several lines. */
bool reply_lines(const struct reply *r, const char *path, struct buf *out);
/* The number at a path; 0 if there is none. */
double reply_number(const struct reply *r, const char *path);
bool reply_true(const struct reply *r, const char *path);

/* Calls fn for each element of the list at a path, in order. */
typedef void reply_each_fn(void *ctx, const struct reply *element);
void reply_each(const struct reply *r, const char *path, reply_each_fn *fn, void *ctx);

#endif
