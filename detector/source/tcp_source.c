/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the owner of a socket where the kernel side only knows who listens, or nobody: such events
 * wait here for a walk over all open files, which the programs answer with the owners asked for. A
 * walk costs some time on a host with many files: the first event after a second of peace has one at
 * once, those that follow wait for the next tick.
 */
#include <stdlib.h>
#include <string.h>

#include "source/source_ops.h"

#define PENDING_MAX 256
#define PEACE_NS    NS_PER_S

struct tcp_state {
	struct timer *walk;
	uint64_t walked_ns;
	struct ev_tcp_retransmit pending[PENDING_MAX];
	unsigned n_pending;
};

static void on_owner(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;
	struct tcp_state *state = s->state;
	const struct socket_owner *owner = record;

	(void)size;
	for (unsigned i = 0; i < state->n_pending; i++) {
		struct ev_tcp_retransmit *e = &state->pending[i];

		if (!e->socket || e->socket != owner->socket)
			continue;
		e->owner_kind = owner->kind;
		e->pid = owner->pid;
		e->ppid = owner->ppid;
		e->uid = owner->uid;
		e->start_time_ns = owner->start_time_ns;
		memcpy(e->comm, owner->comm, sizeof(e->comm));
	}
}

static void walk(struct source *s)
{
	struct tcp_state *state = s->state;

	bpf_object_control(s->object)->walk++;
	if (bpf_object_walk(s->object, "on_walk", sizeof(struct socket_owner), on_owner, s) < 0)
		s->lost_here++;
	state->walked_ns = loop_now_ns(s->conf.loop);
}

static void emit(struct source *s, const struct ev_tcp_retransmit *e)
{
	source_emit(s, source_type(s, "tcp_retransmit"), e);
}

static void release(struct source *s)
{
	struct tcp_state *state = s->state;

	for (unsigned i = 0; i < state->n_pending; i++)
		emit(s, &state->pending[i]);
	state->n_pending = 0;
}

static void resolve(void *ctx)
{
	struct source *s = ctx;
	const struct tcp_state *state = s->state;

	if (state->n_pending == 0)
		return;
	walk(s);
	release(s);
}

static void tick(struct source *s, uint64_t now_ns)
{
	(void)now_ns;
	resolve(s);
}

/*
 * An event that names its socket asks for the owner. Events keep their order: while one waits, later
 * ones wait behind it.
 */
static void on_record(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;
	struct tcp_state *state = s->state;
	const struct ev_tcp_retransmit *e = record;

	if (size < sizeof(*e))
		return;
	if (state->n_pending == PENDING_MAX)
		release(s);
	if (!e->socket && state->n_pending == 0) {
		emit(s, e);
		return;
	}
	state->pending[state->n_pending++] = *e;
	if (state->n_pending == 1 && loop_now_ns(s->conf.loop) - state->walked_ns >= PEACE_NS)
		loop_timer_set(state->walk, 0);
}

static void prepare(struct source *s)
{
	struct tcp_state *state = xcalloc(1, sizeof(*state));

	s->state = state;
	state->walk = loop_timer_new(s->conf.loop, resolve, s);
}

static void fini(struct source *s)
{
	struct tcp_state *state = s->state;

	if (state)
		loop_timer_free(state->walk);
	free(state);
}

const struct source_ops tcp_source_ops = {
	.object = "tcp_retrans",
	.prepare = prepare,
	.started = walk,
	.on_record = on_record,
	.tick = tick,
	.fini = fini,
};
