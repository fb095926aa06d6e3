/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread, one epoll. Handlers of one batch run in order of priority, so that signals and child
 * exits are seen even when an event source floods. No handler may block.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "util/base.h"

struct loop;
struct watch;
struct timer;

enum loop_priority { PRIORITY_SIGNAL, PRIORITY_TIMER, PRIORITY_HOOK, PRIORITY_SOURCE, PRIORITIES };

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2 };

/* events: what is ready, LOOP_READ and LOOP_WRITE; errors and hang-ups are reported as both. */
typedef void watch_fn(void *ctx, int fd, unsigned events);
typedef void timer_fn(void *ctx);
/* Called before the loop sleeps; returns false if it must not sleep yet because work is left. */
typedef bool loop_idle_fn(void *ctx);

/* NULL on error with errno set. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* Runs until loop_stop(), also one called before. Returns 0, or -errno if epoll fails. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Runs one batch, waiting at most timeout_ms for it (-1: for ever, 0: not at all). */
int loop_run_once(struct loop *l, int timeout_ms);

/* CLOCK_MONOTONIC in ns at the start of the current batch. */
uint64_t loop_now_ns(const struct loop *l);

/* Borrows fd, which must be open until loop_unwatch(). NULL on error with errno set. */
struct watch *loop_watch(struct loop *l, int fd, unsigned events, enum loop_priority priority,
			 watch_fn *fn, void *ctx);
int loop_watch_change(struct watch *w, unsigned events);
/* NULL is fine. May be called from any handler, also the watch's own. */
void loop_unwatch(struct watch *w);

/* One-shot timer; loop_timer_set() arms it for delay_ns from now (0: at the next batch), also again
 * from its own handler. */
struct timer *loop_timer_new(struct loop *l, timer_fn *fn, void *ctx);
void loop_timer_set(struct timer *t, uint64_t delay_ns);
void loop_timer_cancel(struct timer *t);
/* NULL is fine. */
void loop_timer_free(struct timer *t);

/* Registers a function called each time before the loop would sleep. */
void loop_on_idle(struct loop *l, loop_idle_fn *fn, void *ctx);

#endif
