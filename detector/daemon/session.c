/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/session.h"
#include "util/clock.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void arm_tick(struct session *s)
{
	uint64_t wall_ns = clock_monotonic_ns() + (uint64_t)clock_wall_offset_ns();

	loop_timer_set(s->tick, NS_PER_S - wall_ns % NS_PER_S);
}

static void on_tick_due(void *ctx)
{
	struct session *s = ctx;

	s->on_tick(s->ctx, clock_monotonic_ns(), clock_wall_offset_ns());
	arm_tick(s);
}

static void on_end(void *ctx)
{
	session_stop(ctx);
}

unsigned session_signals(const struct session *s)
{
	return s->signals_seen;
}

void session_end_ticks(struct session *s)
{
	loop_timer_cancel(s->tick);
}

static void on_signal(void *ctx, int fd, unsigned events)
{
	struct session *s = ctx;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		s->on_hangup(s->ctx);
		return;
	}
	s->signals_seen++;
	session_stop(s);
}

static bool watch_signals(struct session *s)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return false;
	s->signals = loop_watch(s->loop, s->signal_fd, LOOP_READ, PRIORITY_SIGNAL, on_signal, s);
	return s->signals != NULL;
}

bool session_on_hangup(struct session *s, session_hangup_fn *fn)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	s->on_hangup = fn;
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 && signalfd(s->signal_fd, &set, 0) >= 0;
}

bool session_init(struct session *s, uint64_t duration_ns, session_tick_fn *on_tick, void *ctx)
{
	*s = (struct session){ .signal_fd = -1, .on_tick = on_tick, .ctx = ctx };
	s->loop = loop_new();
	if (!s->loop || !watch_signals(s))
		return false;
	s->tick = loop_timer_new(s->loop, on_tick_due, s);
	arm_tick(s);
	if (duration_ns) {
		s->end = loop_timer_new(s->loop, on_end, s);
		loop_timer_set(s->end, duration_ns);
	}
	return true;
}

void session_fini(struct session *s)
{
	if (!s->loop)
		return;
	loop_timer_free(s->tick);
	loop_timer_free(s->end);
	loop_unwatch(s->signals);
	if (s->signal_fd >= 0)
		(void)close(s->signal_fd);
	loop_free(s->loop);
}

int session_run(struct session *s)
{
	return loop_run(s->loop);
}

void session_stop(struct session *s)
{
	loop_stop(s->loop);
}
