/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A watch that is dropped while its batch is being worked off stays in memory, marked dead, until
 * the batch is done: epoll has already handed out its pointer.
 */
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "util/clock.h"

#define BATCH 64

struct watch {
	struct loop *loop;
	int fd;
	enum loop_priority priority;
	watch_fn *fn;
	void *ctx;
	bool dead;
	struct watch *next_dead;
};

struct timer {
	struct loop *loop;
	timer_fn *fn;
	void *ctx;
	uint64_t due_ns; /* 0: not armed */
	struct timer *next;
};

struct loop {
	int epoll_fd;
	bool stop;
	uint64_t now_ns;
	struct timer *timers; /* a handful: hooks, tick, deadlines */
	struct watch *dead;
	loop_idle_fn *idle;
	void *idle_ctx;
};

static uint32_t to_epoll(unsigned events)
{
	return (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u);
}

static unsigned from_epoll(uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return LOOP_READ | LOOP_WRITE;
	return (events & EPOLLIN ? LOOP_READ : 0u) | (events & EPOLLOUT ? LOOP_WRITE : 0u);
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		free(l);
		return NULL;
	}
	l->now_ns = clock_monotonic_ns();
	return l;
}

static void free_dead(struct loop *l)
{
	while (l->dead) {
		struct watch *w = l->dead;

		l->dead = w->next_dead;
		free(w);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	free_dead(l);
	(void)close(l->epoll_fd);
	free(l);
}

uint64_t loop_now_ns(const struct loop *l)
{
	return l->now_ns;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

void loop_on_idle(struct loop *l, loop_idle_fn *fn, void *ctx)
{
	l->idle = fn;
	l->idle_ctx = ctx;
}

struct watch *loop_watch(struct loop *l, int fd, unsigned events, enum loop_priority priority,
			 watch_fn *fn, void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	struct epoll_event event = { .events = to_epoll(events), .data.ptr = w };

	*w = (struct watch){ .loop = l, .fd = fd, .priority = priority, .fn = fn, .ctx = ctx };
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(w);
		return NULL;
	}
	return w;
}

int loop_watch_change(struct watch *w, unsigned events)
{
	struct epoll_event event = { .events = to_epoll(events), .data.ptr = w };

	return epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &event) < 0 ? -errno : 0;
}

void loop_unwatch(struct watch *w)
{
	if (!w || w->dead)
		return;
	(void)epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	w->dead = true;
	w->next_dead = w->loop->dead;
	w->loop->dead = w;
}

struct timer *loop_timer_new(struct loop *l, timer_fn *fn, void *ctx)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	*t = (struct timer){ .loop = l, .fn = fn, .ctx = ctx, .next = l->timers };
	l->timers = t;
	return t;
}

void loop_timer_set(struct timer *t, uint64_t delay_ns)
{
	t->due_ns = clock_monotonic_ns() + delay_ns;
}

void loop_timer_cancel(struct timer *t)
{
	t->due_ns = 0;
}

void loop_timer_free(struct timer *t)
{
	if (!t)
		return;
	for (struct timer **at = &t->loop->timers; *at; at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			break;
		}
	}
	free(t);
}

static struct timer *first_due(const struct loop *l)
{
	struct timer *first = NULL;

	for (struct timer *t = l->timers; t; t = t->next)
		if (t->due_ns && (!first || t->due_ns < first->due_ns))
			first = t;
	return first;
}

/* A handler may free any timer, so the list is searched afresh after each call. */
static void run_timers(struct loop *l)
{
	struct timer *t;

	while ((t = first_due(l)) && t->due_ns <= l->now_ns) {
		t->due_ns = 0;
		t->fn(t->ctx);
	}
}

static int sleep_ms(struct loop *l, int timeout_ms)
{
	const struct timer *first;
	uint64_t now, wait_ms;

	if (timeout_ms == 0 || (l->idle && !l->idle(l->idle_ctx)))
		return 0;
	first = first_due(l);
	if (!first)
		return timeout_ms;
	now = clock_monotonic_ns();
	wait_ms = first->due_ns > now ? (first->due_ns - now + NS_PER_MS - 1) / NS_PER_MS : 0;
	if (timeout_ms >= 0 && wait_ms > (uint64_t)timeout_ms)
		return timeout_ms;
	return wait_ms > 60000 ? 60000 : (int)wait_ms;
}

int loop_run_once(struct loop *l, int timeout_ms)
{
	struct epoll_event batch[BATCH];
	int n = epoll_wait(l->epoll_fd, batch, BATCH, sleep_ms(l, timeout_ms));

	l->now_ns = clock_monotonic_ns();
	if (n < 0 && errno != EINTR)
		return -errno;
	for (int priority = 0; priority < PRIORITIES; priority++) {
		if (priority == PRIORITY_TIMER)
			run_timers(l);
		for (int i = 0; i < n; i++) {
			struct watch *w = batch[i].data.ptr;

			if (!w->dead && (int)w->priority == priority)
				w->fn(w->ctx, w->fd, from_epoll(batch[i].events));
		}
	}
	free_dead(l);
	return 0;
}

int loop_run(struct loop *l)
{
	int err = 0;

	while (!l->stop && !err)
		err = loop_run_once(l, -1);
	l->stop = false;
	return err;
}
