/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/cmdline_reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "process/proc_files.h"
#include "util/clock.h"

#define ASKED_MAX   65536
#define HELD_UP_NS  (2 * NS_PER_S)
#define STACK_BYTES (256 * 1024)

struct result {
	struct process_name name;
	uint64_t at_ns;
	char *cmdline;
};

/* A thread and what it shares, under the lock. Who leaves last frees it. */
struct worker {
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct process_name *asked;
	unsigned n_asked, next; /* those before next are done or being read */
	struct result *done;
	unsigned n_done;
	uint64_t busy_since_ns; /* 0: not reading */
	bool closing;		/* the owner has left */
};

struct cmdline_reader {
	struct worker *worker; /* NULL: there can be none */
};

static void worker_free(struct worker *w)
{
	for (unsigned i = 0; i < w->n_done; i++)
		free(w->done[i].cmdline);
	free(w->done);
	free(w->asked);
	(void)pthread_cond_destroy(&w->change);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

/* Under the lock, which it leaves meanwhile. */
static void read_next(struct worker *w)
{
	struct result r = { .name = w->asked[w->next++], .at_ns = clock_monotonic_ns() };

	w->busy_since_ns = r.at_ns;
	(void)pthread_mutex_unlock(&w->lock);
	r.cmdline = proc_read_cmdline(r.name);
	(void)pthread_mutex_lock(&w->lock);
	w->busy_since_ns = 0;
	if (!r.cmdline)
		return;
	w->done = xrealloc(w->done, w->n_done + 1, sizeof(*w->done));
	w->done[w->n_done++] = r;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	(void)pthread_mutex_lock(&w->lock);
	while (!w->closing) {
		if (w->next < w->n_asked)
			read_next(w);
		if (w->next < w->n_asked)
			continue;
		w->next = w->n_asked = 0;
		(void)pthread_cond_broadcast(&w->change);
		if (!w->closing)
			(void)pthread_cond_wait(&w->change, &w->lock);
	}
	(void)pthread_mutex_unlock(&w->lock);
	worker_free(w);
	return NULL;
}

static struct worker *worker_new(void)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t clock;
	pthread_attr_t attributes;
	pthread_t thread;
	int err;

	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->change, &clock);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	err = pthread_create(&thread, &attributes, work, w);
	(void)pthread_attr_destroy(&attributes);
	if (!err)
		return w;
	worker_free(w);
	return NULL;
}

/* It ends when it can, and frees what it has. */
static void leave(struct worker *w)
{
	(void)pthread_mutex_lock(&w->lock);
	w->closing = true;
	(void)pthread_cond_broadcast(&w->change);
	(void)pthread_mutex_unlock(&w->lock);
}

static void ask(struct worker *w, struct process_name name)
{
	if (w->n_asked == ASKED_MAX)
		return;
	if ((w->n_asked & (w->n_asked - 1)) == 0) /* full at each power of two */
		w->asked = xrealloc(w->asked, w->n_asked ? 2 * w->n_asked : 1, sizeof(*w->asked));
	w->asked[w->n_asked++] = name;
}

struct cmdline_reader *cmdline_reader_new(void)
{
	struct cmdline_reader *r = xcalloc(1, sizeof(*r));

	r->worker = worker_new();
	return r;
}

void cmdline_reader_free(struct cmdline_reader *r)
{
	if (r && r->worker)
		leave(r->worker);
	free(r);
}

void cmdline_reader_ask(struct cmdline_reader *r, struct process_name name)
{
	struct worker *w = r->worker;

	if (!w)
		return;
	(void)pthread_mutex_lock(&w->lock);
	ask(w, name);
	(void)pthread_cond_broadcast(&w->change);
	(void)pthread_mutex_unlock(&w->lock);
}

/* Under the lock. */
static void wait_until_done(struct worker *w, uint64_t wait_ns)
{
	uint64_t end_ns = clock_monotonic_ns() + wait_ns;
	struct timespec end = { .tv_sec = (time_t)(end_ns / NS_PER_S),
				.tv_nsec = (long)(end_ns % NS_PER_S) };

	while (w->n_asked > 0)
		if (pthread_cond_timedwait(&w->change, &w->lock, &end))
			return;
}

void cmdline_reader_take(struct cmdline_reader *r, uint64_t wait_ns, cmdline_fn *fn, void *ctx)
{
	struct worker *w = r->worker;
	struct result *done;
	unsigned n;

	if (!w)
		return;
	(void)pthread_mutex_lock(&w->lock);
	if (wait_ns)
		wait_until_done(w, wait_ns);
	done = w->done;
	n = w->n_done;
	w->done = NULL;
	w->n_done = 0;
	(void)pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < n; i++) {
		fn(ctx, done[i].name, done[i].at_ns, done[i].cmdline);
		free(done[i].cmdline);
	}
	free(done);
}

bool cmdline_reader_held_up(const struct cmdline_reader *r)
{
	struct worker *w = r->worker;
	bool held_up;

	if (!w)
		return false;
	(void)pthread_mutex_lock(&w->lock);
	held_up = w->busy_since_ns && clock_monotonic_ns() - w->busy_since_ns > HELD_UP_NS;
	(void)pthread_mutex_unlock(&w->lock);
	return held_up;
}
