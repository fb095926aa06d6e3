/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command that watches the kernel needs around it: the loop, a tick each second, an end. */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include "loop/loop.h"

typedef void session_tick_fn(void *ctx, uint64_t now_ns, int64_t wall_offset_ns);

typedef void session_hangup_fn(void *ctx);

struct session {
	struct loop *loop;
	struct watch *signals;
	int signal_fd;
	unsigned signals_seen;
	struct timer *tick;
	struct timer *end;
	session_tick_fn *on_tick;
	session_hangup_fn *on_hangup;
	void *ctx;
};

/*
 * SIGINT and SIGTERM, blocked from here on, end the session, and so does duration_ns unless it is 0.
 * on_tick is called at each whole second of the wall clock, so that a sample is what happened in one
 * such second. False on error with errno set; session_fini() is due all the same.
 */
bool session_init(struct session *s, uint64_t duration_ns, session_tick_fn *on_tick, void *ctx);
void session_fini(struct session *s);

/* SIGHUP, blocked from here on, calls fn and ends nothing. False on error with errno set. */
bool session_on_hangup(struct session *s, session_hangup_fn *fn);

/* Returns 0 at the end, or -errno if the loop failed. */
int session_run(struct session *s);
void session_stop(struct session *s);
/* How many signals have come; while the loop runs, also after the end. */
unsigned session_signals(const struct session *s);
/* No more ticks, for what the loop has to do after the end. */
void session_end_ticks(struct session *s);

#endif
