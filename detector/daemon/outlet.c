/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"

#define LAST_WAIT_MS 1000

struct outlet {
	struct loop *loop;
	int fd;		     /* our own description of what the borrowed one stands for */
	struct watch *watch; /* while it does not take more */
	struct buf waiting;
	uint64_t dropped;
	bool failed;
	outlet_failed_fn *on_failed;
	void *ctx;
};

/*
 * O_NONBLOCK belongs to the open file, which the shell and other programs share. A pipe, a FIFO or a
 * terminal is opened anew to have it alone; a socket, as systemd gives one, cannot be and is ours. A
 * regular file needs none: it is never waited for.
 */
static int open_nonblocking(int fd)
{
	struct stat st;
	char path[32];
	int flags;

	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (S_ISSOCK(st.st_mode)) {
		flags = fcntl(fd, F_GETFL);
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	flags = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return flags >= 0 ? flags : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

struct outlet *outlet_new(struct loop *loop, int fd, outlet_failed_fn *on_failed, void *ctx)
{
	struct outlet *o = xcalloc(1, sizeof(*o));

	*o = (struct outlet){ .loop = loop, .on_failed = on_failed, .ctx = ctx };
	o->fd = open_nonblocking(fd);
	return o;
}

/* Writes what it can of the buffer. */
static void push(struct outlet *o)
{
	ssize_t n = 1;
	size_t done = 0;

	while (done < o->waiting.len && n > 0) {
		n = write(o->fd, o->waiting.data + done, o->waiting.len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (done > 0)
		memmove(o->waiting.data, o->waiting.data + done, o->waiting.len - done);
	o->waiting.len -= done;
	if (n >= 0 || errno == EAGAIN || errno == EINTR)
		return;
	o->dropped++;
	o->waiting.len = 0;
	if (!o->failed)
		o->on_failed(o->ctx, errno);
	o->failed = true;
}

static void wait_or_not(struct outlet *o);

static void on_room(void *ctx, int fd, unsigned events)
{
	struct outlet *o = ctx;

	(void)fd;
	(void)events;
	push(o);
	wait_or_not(o);
}

static void wait_or_not(struct outlet *o)
{
	if (o->waiting.len > 0 && !o->watch) {
		o->watch = loop_watch(o->loop, o->fd, LOOP_WRITE, PRIORITY_HOOK, on_room, o);
	} else if (o->waiting.len == 0) {
		loop_unwatch(o->watch);
		o->watch = NULL;
	}
}

void outlet_write(struct outlet *o, const char *text, size_t len)
{
	if (o->waiting.len + len > OUTLET_BYTES_MAX) {
		o->dropped++;
		return;
	}
	buf_add(&o->waiting, text, len);
	if (!o->watch)
		push(o);
	wait_or_not(o);
}

uint64_t outlet_dropped(const struct outlet *o)
{
	return o->dropped;
}

void outlet_free(struct outlet *o)
{
	struct pollfd room;

	if (!o)
		return;
	room = (struct pollfd){ .fd = o->fd, .events = POLLOUT };
	while (o->waiting.len > 0 && poll(&room, 1, LAST_WAIT_MS) > 0)
		push(o);
	loop_unwatch(o->watch);
	(void)close(o->fd);
	buf_fini(&o->waiting);
	free(o);
}
