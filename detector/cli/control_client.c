/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/json_scan.h"
#include "util/printable.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = CONTROL_TIMEOUT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
	} else if (fd >= 0) {
		memcpy(address.sun_path, path, strlen(path));
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
	}
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool send_line(int fd, const char *text)
{
	AUTO_FREE char *line = xasprintf("%s\n", text);
	size_t len = strlen(line);

	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, line + sent, len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		sent += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Up to the end of the line, which is not added. */
static bool receive_line(int fd, struct buf *out)
{
	char block[16384];

	for (;;) {
		ssize_t n = recv(fd, block, sizeof(block), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return false;
		buf_add(out, block, (size_t)n);
		if (out->data[out->len - 1] == '\n') {
			out->data[--out->len] = '\0';
			return true;
		}
	}
}

static bool fail(const struct command *command, const char *path, const char *why)
{
	fprintf(stderr, "kernelsight %s: %s: %s\n", command->name, path, why);
	return false;
}

bool control_ask(const struct command *command, const char *path, const char *request,
		 struct buf *out)
{
	CLEANUP(close_fd) int fd = connect_to(path);
	CLEANUP(buf_fini) struct buf error = { 0 };
	struct reply reply;

	if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
		return fail(command, path, "no daemon is running there");
	if (fd < 0 || !send_line(fd, request))
		return fail(command, path, strerror(errno));
	if (!receive_line(fd, out))
		return fail(command, path,
			    errno == EAGAIN ? "the daemon does not answer" : strerror(errno));
	reply = (struct reply){ out->data, out->len };
	if (reply_true(&reply, "ok"))
		return true;
	(void)reply_text(&reply, "error", &error);
	fprintf(stderr, "kernelsight %s: %s\n", command->name, buf_str(&error));
	return false;
}

bool reply_find(const struct reply *r, const char *path, struct reply *ret_value)
{
	struct json_span span;

	if (!json_find(r->text, r->len, path, &span) || r->text[span.at] == 'n')
		return false;
	*ret_value = (struct reply){ r->text + span.at, span.len };
	return true;
}

bool reply_text(const struct reply *r, const char *path, struct buf *out)
{
	CLEANUP(buf_fini) struct buf raw = { 0 };
	struct reply value;

	if (!reply_find(r, path, &value))
		return false;
	json_span_text(value.text, (struct json_span){ .len = value.len }, &raw);
	(void)printable_add(out, buf_str(&raw), raw.len, raw.len, "?");
	return true;
}

bool reply_lines(const struct reply *r, const char *path, struct buf *out)
{
	CLEANUP(buf_fini) struct buf raw = { 0 };
	struct reply value;

	if (!reply_find(r, path, &value))
		return false;
	json_span_text(value.text, (struct json_span){ .len = value.len }, &raw);
	for (const char *line = buf_str(&raw), *end; *line; line = end) {
		size_t len = strcspn(line, "\n");

		(void)printable_add(out, line, len, len, "?");
		end = line + len;
		if (*end == '\n') {
			buf_addc(out, '\n');
			end++;
		}
	}
	return true;
}

double reply_number(const struct reply *r, const char *path)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	return reply_text(r, path, &text) ? strtod(buf_str(&text), NULL) : 0;
}

bool reply_true(const struct reply *r, const char *path)
{
	struct reply value;

	return reply_find(r, path, &value) && value.text[0] == 't';
}

struct each {
	const char *text;
	reply_each_fn *fn;
	void *ctx;
};

static void each_element(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	const struct each *each = ctx;

	(void)key;
	(void)key_len;
	each->fn(each->ctx, &(struct reply){ each->text + value.at, value.len });
}

void reply_each(const struct reply *r, const char *path, reply_each_fn *fn, void *ctx)
{
	struct json_span list;
	struct each each = { r->text, fn, ctx };

	if (json_find(r->text, r->len, path, &list))
		json_each(r->text, r->len, list, each_element, &each);
}
