/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define RESUME_NS                                                                                  \
	NS_PER_S /* after no connection could be taken, for want of descriptors or memory */

struct client {
	struct control *control;
	int fd; /* -1: this place is free */
	struct watch *watch;
	struct buf in;	    /* of the request that is not whole yet, and what came behind it */
	struct buf out;	    /* of the reply ... */
	size_t sent;	    /* ... so much is written */
	uint64_t active_ns; /* when it last sent or took something */
};

struct control {
	struct loop *loop;
	char *path;
	int fd;
	struct watch *watch;
	struct timer *resume; /* armed while connections are left waiting */
	bool short_said;
	struct stat made; /* the socket in the file system, to remove no other */
	control_fn *fn;
	void *ctx;
	struct client clients[CONTROL_CLIENTS_MAX];
};

const char *control_path(const char *given)
{
	const char *set = getenv("KERNELSIGHT_SOCKET");

	return given ? given : set && set[0] ? set : CONTROL_PATH;
}

/* --- one client ------------------------------------------------------------------------------ */

static void client_close(struct client *c)
{
	if (c->fd < 0)
		return;
	loop_unwatch(c->watch);
	(void)close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	*c = (struct client){ .control = c->control, .fd = -1 };
}

static bool temporary(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* False if the client is gone. */
static bool client_write(struct client *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

		if (n < 0)
			return temporary(errno);
		c->sent += (size_t)n;
	}
	buf_reset(&c->out);
	c->sent = 0;
	return true;
}

/* Answers the first whole line that came; false if there is none. */
static bool client_answer(struct client *c)
{
	char *end = c->in.len ? memchr(c->in.data, '\n', c->in.len) : NULL;
	size_t len = end ? (size_t)(end - c->in.data) : 0;

	if (!end)
		return false;
	c->control->fn(c->control->ctx, c->in.data, len, &c->out);
	buf_addc(&c->out, '\n');
	c->in.len -= len + 1;
	memmove(c->in.data, end + 1, c->in.len);
	return true;
}

/* False if the client is gone, or sends more than a request may have. */
static bool client_read(struct client *c)
{
	char block[4096];
	ssize_t n = recv(c->fd, block, sizeof(block), 0);

	if (n <= 0)
		return n < 0 && temporary(errno);
	buf_add(&c->in, block, (size_t)n);
	return c->in.len <= CONTROL_REQUEST_BYTES;
}

/* Reads no further request while a reply is not written. */
static void on_client(void *ctx, int fd, unsigned events)
{
	struct client *c = ctx;
	bool alive = true;

	(void)fd;
	c->active_ns = loop_now_ns(c->control->loop);
	if (c->out.len > 0)
		alive = client_write(c);
	else if (events & LOOP_READ)
		alive = client_read(c);
	while (alive && c->out.len == 0 && client_answer(c))
		alive = client_write(c);
	if (alive)
		alive = loop_watch_change(c->watch, c->out.len ? LOOP_WRITE : LOOP_READ) == 0;
	if (!alive)
		client_close(c);
}

static struct client *free_place(struct control *control)
{
	struct client *best = &control->clients[0];

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *c = &control->clients[i];

		if (c->fd < 0)
			return c;
		if (c->active_ns < best->active_ns)
			best = c;
	}
	client_close(best);
	return best;
}

static void on_resume(void *ctx)
{
	struct control *control = ctx;

	(void)loop_watch_change(control->watch, LOOP_READ);
}

/* A connection that cannot be taken stays ready: to look at it again at once would be a busy loop. */
static void pause_accepting(struct control *control, int error)
{
	if (!control->short_said)
		fprintf(stderr, "kernelsight: control socket: cannot take a connection: %s\n",
			strerror(error));
	control->short_said = true;
	(void)loop_watch_change(control->watch, 0);
	loop_timer_set(control->resume, RESUME_NS);
}

static void on_connection(void *ctx, int listening, unsigned events)
{
	struct control *control = ctx;
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;

	(void)events;
	if (fd < 0) {
		if (!temporary(errno) && errno != ECONNABORTED)
			pause_accepting(control, errno);
		return;
	}
	control->short_said = false;
	c = free_place(control);
	c->fd = fd;
	c->active_ns = loop_now_ns(control->loop);
	c->watch = loop_watch(control->loop, fd, LOOP_READ, PRIORITY_HOOK, on_client, c);
	if (!c->watch)
		client_close(c);
}

/* --- the socket ------------------------------------------------------------------------------ */

static bool set_address(struct sockaddr_un *address, const char *path, char **ret_error)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path));
		return true;
	}
	*ret_error = xasprintf("%s: longer than the %zu bytes that the name of a socket may have",
			       path, sizeof(address->sun_path) - 1);
	return false;
}

static void make_directory(const char *path)
{
	AUTO_FREE char *directory = xstrdup(path);
	char *slash = strrchr(directory, '/');

	if (slash && slash != directory) {
		*slash = '\0';
		(void)mkdir(directory, 0755);
	}
}

/* What keeps the address from being used; NULL if it is a socket that nobody listens at any more. */
static const char *in_the_way(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;
	bool refused;

	if (fd < 0)
		return strerror(errno);
	refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		  errno == ECONNREFUSED;
	(void)close(fd);
	if (stat(address->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return "is there and no socket";
	return refused ? NULL : "another daemon listens there";
}

/* The mode is that of the socket from its first moment on. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0177);
	int error = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;

	(void)umask(mask);
	return error;
}

/* Returns what went wrong, or NULL. */
static const char *listen_at(struct control *c, const struct sockaddr_un *address)
{
	int error = bind_private(c->fd, address);

	if (error == EADDRINUSE) {
		const char *why = in_the_way(address);

		if (why)
			return why;
		(void)unlink(address->sun_path);
		error = bind_private(c->fd, address);
	}
	if (error)
		return strerror(error);
	if (stat(c->path, &c->made) < 0 || listen(c->fd, CONTROL_CLIENTS_MAX) < 0)
		return strerror(errno);
	c->watch = loop_watch(c->loop, c->fd, LOOP_READ, PRIORITY_HOOK, on_connection, c);
	return c->watch ? NULL : strerror(errno);
}

struct control *control_new(struct loop *loop, const char *path, control_fn *fn, void *ctx,
			    char **ret_error)
{
	struct control *c = xcalloc(1, sizeof(*c));
	struct sockaddr_un address;

	*c = (struct control){ .loop = loop, .fd = -1, .fn = fn, .ctx = ctx };
	c->path = xstrdup(path);
	c->resume = loop_timer_new(loop, on_resume, c);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i] = (struct client){ .control = c, .fd = -1 };
	make_directory(path);
	if (set_address(&address, path, ret_error)) {
		const char *why;

		c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		why = c->fd < 0 ? strerror(errno) : listen_at(c, &address);
		if (!why)
			return c;
		*ret_error = xasprintf("%s: %s", path, why);
	}
	control_free(c);
	return NULL;
}

void control_free(struct control *c)
{
	struct stat now;

	if (!c)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		client_close(&c->clients[i]);
	loop_timer_free(c->resume);
	loop_unwatch(c->watch);
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->made.st_ino && stat(c->path, &now) == 0 && now.st_ino == c->made.st_ino &&
	    now.st_dev == c->made.st_dev)
		(void)unlink(c->path);
	free(c->path);
	free(c);
}
