/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log hook appends each alert document as one line to a file. The file is opened for each line,
 * so that log rotation needs no signal. A pipe that nobody reads or a full disk is a try that failed;
 * the next one goes on behind what was written.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook/close_fd.h"
#include "hook/hook.h"

struct log_hook {
	char id[ULID_LEN + 1]; /* alert whose line is not yet all written; "" if none */
	size_t written;	       /* bytes of it */
	bool end_torn; /* begin with a line end: the alert before was given up amid its line */
};

static int open_log(const char *path)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags, 0640);

	return fd < 0 ? -errno : fd;
}

static bool prepare(struct hook *h, char **ret_error)
{
	const char *path = h->conf->path;
	CLEANUP(close_fd) int fd = -1;

	if (!path) {
		*ret_error = xstrdup("a log hook needs a \"path\"; standard output has each alert "
				     "without a hook");
		return false;
	}
	h->impl = xcalloc(1, sizeof(struct log_hook));
	fd = open_log(path);
	if (fd < 0) {
		*ret_error = xasprintf("cannot open %s: %s", path, strerror(-fd));
		return false;
	}
	return true;
}

/* Writes line from *written on, which it advances. Never blocks: a pipe that can be written to has
 * room for PIPE_BUF bytes. Returns 0 or -errno. */
static int write_line(int fd, const struct buf *line, size_t *written)
{
	while (*written < line->len) {
		struct pollfd writable = { .fd = fd, .events = POLLOUT };
		size_t left = line->len - *written;
		ssize_t n;

		if (poll(&writable, 1, 0) == 0)
			return -EAGAIN;
		n = write(fd, line->data + *written, left < PIPE_BUF ? left : PIPE_BUF);
		if (n < 0)
			return -errno;
		*written += (size_t)n;
	}
	return 0;
}

static int append(struct log_hook *l, const struct alert *a, int fd)
{
	CLEANUP(buf_fini) struct buf line = { 0 };
	int err;

	if (strcmp(l->id, a->id)) {
		l->end_torn = l->id[0] && (l->written > 0 || l->end_torn);
		l->written = 0;
		memcpy(l->id, a->id, sizeof(l->id));
	}
	if (l->end_torn)
		buf_addc(&line, '\n');
	buf_add(&line, a->doc, a->doc_len);
	buf_addc(&line, '\n');
	err = write_line(fd, &line, &l->written);
	if (!err)
		l->id[0] = '\0';
	return err;
}

static void write_alert(struct hook *h, struct delivery *d)
{
	const char *path = h->conf->path;
	struct outcome o = { .verdict = VERDICT_DELIVERED };
	AUTO_FREE char *what = NULL;
	CLEANUP(close_fd) int fd = open_log(path);
	int err = fd < 0 ? fd : append(h->impl, d->alert, fd);

	if (err) {
		what = xasprintf("cannot write to %s: %s", path, strerror(-err));
		o.verdict = VERDICT_RETRY;
		o.what = what;
	}
	hook_done(h, d, &o);
}

static void describe(struct hook *h, const struct alert *a, struct buf *out)
{
	buf_addf(out, "would append to %s: ", h->conf->path);
	buf_add(out, a->doc, a->doc_len < 200 ? a->doc_len : 200);
}

static void free_log(struct hook *h, uint64_t deadline_ns)
{
	(void)deadline_ns;
	free(h->impl);
}

const struct hook_ops hook_log_ops = {
	.slots = 1,
	.prepare = prepare,
	.send = write_alert,
	.describe = describe,
	.free = free_log,
};
