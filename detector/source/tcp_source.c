/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adds up what the connections of each process to each peer did in one second.
 *
 * Finds the owner of a socket where the kernel side only knows who listens, or nobody: such events
 * wait here for a walk over all open files, which the programs answer with the owners asked for. A
 * walk costs some time on a host with many files: the first event after a second of peace has one at
 * once, those that follow wait for the next tick.
 */
#include <stdlib.h>
#include <string.h>

#include "source/kernel_counts.h"
#include "source/sample_table.h"
#include "source/socket_walk.h"
#include "util/clock.h"

#define PENDING_MAX 256
#define PEACE_NS    NS_PER_S
#define SAMPLES_MAX (1 << 16) /* in one second; more are counted as lost */

enum { PART_PEERS };

static const struct source_part parts[] = {
	[PART_PEERS] = {
		.name = "segments by peer",
		.reads = "tcp",
		.ways = { { .programs = "on_destroy walk_sockets" } },
	},
};

_Static_assert(sizeof(struct tcp_delta) != sizeof(struct ev_tcp_retransmit),
	       "the records of the ring are told apart by their size");

/* A sample that is being added up. */
struct peer {
	struct ev_tcp sample;
	uint64_t rtt_sum_us;
	uint64_t with_rtt; /* connections */
};

struct peer_key {
	uint64_t start_time_ns;
	uint8_t daddr[16];
	uint32_t pid;
};

struct tcp_state {
	struct timer *walk;
	uint64_t walked_ns;
	struct ev_tcp_retransmit pending[PENDING_MAX];
	unsigned n_pending;
	struct sample_table *peers;
	struct socket_walk sockets;
	bool counting;	   /* the sockets' counters have been noted, since the programs came */
	uint64_t began_ns; /* of the second that is being added up */
	uint64_t now_ns;
	uint64_t reported; /* retransmits, so far */
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
		FILL_OWNER(e, owner);
	}
}

static void walk(struct source *s)
{
	struct tcp_state *state = s->state;

	socket_walk_files(s, sizeof(struct socket_owner), on_owner);
	state->walked_ns = loop_now_ns(s->conf.loop);
}

/* The address of the socket was for finding its owner, and is nobody else's business. */
static void emit(struct source *s, const struct ev_tcp_retransmit *e)
{
	struct ev_tcp_retransmit shown = *e;

	shown.socket = 0;
	source_emit(s, source_type(s, "tcp_retransmit"), &shown);
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

/* The sample of that process and peer; NULL, counted, if there is no room. */
static struct peer *peer_at(struct source *s, uint32_t pid, uint64_t start_time_ns,
			    const __u8 daddr[16])
{
	struct tcp_state *state = s->state;
	struct peer_key key;
	struct peer *p;

	memset(&key, 0, sizeof(key));
	key.start_time_ns = start_time_ns;
	key.pid = pid;
	memcpy(key.daddr, daddr, sizeof(key.daddr));
	p = sample_table_at(state->peers, &key);
	if (!p)
		s->lost_here++;
	return p;
}

/* Of owners that are known in several ways, the worst is told. */
static void set_peer(struct peer *p, const __u8 daddr[16], uint32_t kind)
{
	static const __u8 none[16];
	struct ev_tcp *e = &p->sample;

	if (memcmp(e->daddr, none, sizeof(none)) == 0 || kind < e->owner_kind)
		e->owner_kind = kind;
	memcpy(e->daddr, daddr, sizeof(e->daddr));
}

static void add_rtt(struct peer *p, uint64_t rtt_us)
{
	if (!rtt_us)
		return;
	if (!p->with_rtt || rtt_us < p->sample.rtt_min_us)
		p->sample.rtt_min_us = rtt_us;
	p->rtt_sum_us += rtt_us;
	p->with_rtt++;
}

static void on_delta(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;
	struct tcp_state *state = s->state;
	const struct tcp_delta *d = record;
	struct peer *p;

	(void)size;
	if (d->ask) {
		state->sockets.sought++;
		return;
	}
	p = peer_at(s, d->owner.pid, d->owner.start_time_ns, d->daddr);
	if (!p)
		return;
	set_peer(p, d->daddr, d->owner.kind);
	FILL_OWNER(&p->sample, &d->owner);
	p->sample.segments_sent += d->segments_sent;
	p->sample.retransmits += d->retransmits;
	p->sample.syn_retransmits += d->syn_retransmits;
	p->sample.lost += d->lost;
	p->sample.reordered += d->reordered;
	p->sample.connections++;
	add_rtt(p, d->rtt_us);
}

/* A listener's answer has no socket yet whose counters could be read. */
static void add_answer(struct source *s, const struct ev_tcp_retransmit *e)
{
	struct peer *p;

	if (e->tcp_state != TCP_STATE_NEW_SYN_RECV || !source_part_attached(s, PART_PEERS))
		return;
	p = peer_at(s, e->pid, e->start_time_ns, e->daddr);
	if (!p)
		return;
	set_peer(p, e->daddr, e->owner_kind);
	FILL_OWNER(&p->sample, e);
	p->sample.syn_retransmits++;
}

static void emit_peer(void *ctx, void *sample)
{
	struct source *s = ctx;
	struct tcp_state *state = s->state;
	struct peer *p = sample;

	p->sample.ts_ns = state->now_ns;
	p->sample.interval_ns = state->now_ns - state->began_ns;
	if (!p->with_rtt)
		p->sample.rtt_min_us = NOT_MEASURED;
	p->sample.rtt_avg_us = p->with_rtt ? p->rtt_sum_us / p->with_rtt : NOT_MEASURED;
	source_emit(s, source_type(s, "tcp"), &p->sample);
}

static void tick(struct source *s, uint64_t now_ns)
{
	struct tcp_state *state = s->state;

	state->now_ns = now_ns;
	if (source_part_attached(s, PART_PEERS))
		socket_walk_read(s, &state->sockets);
	sample_table_flush(state->peers, emit_peer, s);
	state->began_ns = now_ns;
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

	if (size != sizeof(*e)) {
		on_delta(s, record, size);
		return;
	}
	state->reported++;
	add_answer(s, e);
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
	state->peers = sample_table_new(sizeof(struct peer_key), sizeof(struct peer), SAMPLES_MAX);
	state->sockets = (struct socket_walk){
		.record_size = sizeof(struct tcp_delta),
		.on_record = on_delta,
		.find_owners = walk,
	};
}

static void push(struct source *s)
{
	if (!source_demand(s, "tcp")->wanted)
		bpf_object_control(s->object)->peers = 0;
}

/* What connections did before, or while nobody wanted it, does not count. */
static void adjusted(struct source *s)
{
	struct tcp_state *state = s->state;
	bool attached = source_part_attached(s, PART_PEERS);

	if (attached && !state->counting)
		socket_walk_begin(s, &state->sockets);
	state->counting = attached;
	bpf_object_control(s->object)->peers = attached;
}

static void started(struct source *s)
{
	struct tcp_state *state = s->state;

	walk(s);
	adjusted(s);
	state->began_ns = clock_monotonic_ns();
}

static bool poke(struct source *s)
{
	return source_part_attached(s, PART_PEERS) && socket_walk_poke();
}

static bool were_sent_again(const struct source *s, uint64_t *ret)
{
	(void)s;
	return kernel_counts_retransmits(ret);
}

/* One that was lost on the way was seen. */
static uint64_t seen_again(const struct source *s)
{
	const struct tcp_state *state = s->state;
	struct source_stats stats;

	source_stats(s, &stats);
	return state->reported + source_lost(&stats);
}

static const struct source_sign signs[] = {
	{ "retransmits", were_sent_again, seen_again },
	{ "segments by peer", source_canary_poked, socket_walk_ends },
	{ 0 },
};

static void fini(struct source *s)
{
	struct tcp_state *state = s->state;

	if (!state)
		return;
	loop_timer_free(state->walk);
	sample_table_free(state->peers);
	free(state);
}

const struct source_ops tcp_source_ops = {
	.object = "tcp_retrans",
	.parts = parts,
	.n_parts = ARRAY_SIZE(parts),
	.prepare = prepare,
	.push = push,
	.started = started,
	.adjusted = adjusted,
	.on_record = on_record,
	.tick = tick,
	.poke = poke,
	.signs = signs,
	.fini = fini,
};
