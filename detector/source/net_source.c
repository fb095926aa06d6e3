/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adds up what each process sent and received in one second, from what the programs say of TCP
 * connections and of processes that use UDP; and reads the counters of the interfaces.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "source/interfaces.h"
#include "source/kernel_counts.h"
#include "source/sample_table.h"
#include "source/socket_walk.h"
#include "util/clock.h"

#define SAMPLES_MAX (1 << 16) /* in one second; more are counted as lost */

enum { PART_PROCESSES, PART_UDP };

static const struct source_part parts[] = {
	[PART_PROCESSES] = {
		.name = "bytes and packets of processes",
		.reads = "net",
		.ways = { { .programs = "on_state on_destroy on_walk walk_sockets on_exit walk_udp" } },
	},
	[PART_UDP] = {
		.name = "UDP",
		.reads = "net",
		.ways = {
			{ .programs = "fexit_udp_send fexit_udpv6_send fexit_old_udp_receive fexit_old_udpv6_receive" },
			{ .programs = "fexit_udp_send fexit_udpv6_send fexit_udp_receive fexit_udpv6_receive" },
			{ .programs = "on_send on_receive",
			  .detail = "costs a little at every message of other sockets too" },
		},
		.shed_order = 1,
	},
};

struct net_state {
	struct sample_table *samples;
	struct interfaces *interfaces;
	struct socket_walk walk;
	bool counting;	   /* the sockets' counters have been noted, since the programs came */
	uint64_t began_ns; /* of the second that is being added up */
	uint64_t now_ns;
	uint64_t udp_packets; /* so far */
};

struct sample_key {
	uint64_t start_time_ns;
	uint32_t pid;
	uint16_t protocol;
	uint16_t family;
};

static void describe(struct ev_net *e, const struct net_delta *d)
{
	/* of what is known in several ways, the worst is told */
	if (!e->protocol[0] || d->owner.kind < e->owner_kind)
		e->owner_kind = d->owner.kind;
	FILL_OWNER(e, &d->owner);
	strcpy(e->protocol, d->protocol == IPPROTO_TCP ? "tcp" : "udp");
	strcpy(e->family, d->family == AF_INET ? "ipv4" : "ipv6");
}

static void on_delta(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;
	struct net_state *state = s->state;
	const struct net_delta *d = record;
	struct sample_key key = {
		.start_time_ns = d->owner.start_time_ns,
		.pid = d->owner.pid,
		.protocol = (uint16_t)d->protocol,
		.family = (uint16_t)d->family,
	};
	struct ev_net *e;

	if (size < sizeof(*d))
		return;
	if (d->ask) {
		state->walk.sought++;
		return;
	}
	if (d->protocol == IPPROTO_UDP)
		state->udp_packets += d->rx_packets + d->tx_packets;
	e = sample_table_at(state->samples, &key);
	if (!e) {
		s->lost_here++;
		return;
	}
	describe(e, d);
	e->rx_bytes += d->rx_bytes;
	e->tx_bytes += d->tx_bytes;
	e->rx_packets += d->rx_packets;
	e->tx_packets += d->tx_packets;
}

static void find_owners(struct source *s)
{
	socket_walk_files(s, 1, NULL);
}

static void prepare(struct source *s)
{
	struct net_state *state = xcalloc(1, sizeof(*state));

	state->samples =
		sample_table_new(sizeof(struct sample_key), sizeof(struct ev_net), SAMPLES_MAX);
	state->interfaces = interfaces_new();
	state->walk = (struct socket_walk){
		.record_size = sizeof(struct net_delta),
		.on_record = on_delta,
		.find_owners = find_owners,
	};
	s->state = state;
}

static void emit_process(void *ctx, void *sample)
{
	struct source *s = ctx;
	struct net_state *state = s->state;
	struct ev_net *e = sample;

	e->ts_ns = state->now_ns;
	e->interval_ns = state->now_ns - state->began_ns;
	source_emit(s, source_type(s, "net"), e);
}

static void emit_interface(void *ctx, struct ev_net_interface *e)
{
	struct source *s = ctx;
	struct net_state *state = s->state;

	e->ts_ns = state->now_ns;
	e->interval_ns = state->now_ns - state->began_ns;
	source_emit(s, source_type(s, "net_interface"), e);
}

static void read_processes(struct source *s)
{
	struct net_state *state = s->state;

	if (!source_part_attached(s, PART_PROCESSES))
		return;
	socket_walk_read(s, &state->walk);
	if (bpf_object_walk(s->object, "walk_udp", sizeof(struct net_delta), on_delta, s) < 0)
		s->lost_here++;
}

static void read_interfaces(struct source *s)
{
	struct net_state *state = s->state;

	if (!source_demand(s, "net_interface")->wanted)
		interfaces_forget(state->interfaces);
	else if (!interfaces_read(state->interfaces, emit_interface, s))
		s->lost_here++;
}

static void tick(struct source *s, uint64_t now_ns)
{
	struct net_state *state = s->state;

	state->now_ns = now_ns;
	read_processes(s);
	sample_table_flush(state->samples, emit_process, s);
	read_interfaces(s);
	state->began_ns = now_ns;
}

/* What sockets and processes did before the programs came, or while they were away, does not count. */
static void push(struct source *s)
{
	if (!source_part_attached(s, PART_PROCESSES))
		bpf_object_control(s->object)->baseline = 1;
}

static void adjusted(struct source *s)
{
	struct net_state *state = s->state;
	bool attached = source_part_attached(s, PART_PROCESSES);

	if (attached && !state->counting) {
		bpf_object_clear(s->object, "udp");
		socket_walk_begin(s, &state->walk);
	}
	state->counting = attached;
}

static void started(struct source *s)
{
	struct net_state *state = s->state;

	adjusted(s);
	read_interfaces(s);
	state->began_ns = clock_monotonic_ns();
}

static bool poke(struct source *s)
{
	return source_part_attached(s, PART_PROCESSES) && socket_walk_poke();
}

static bool udp_was_sent(const struct source *s, uint64_t *ret)
{
	return source_part_attached(s, PART_UDP) && kernel_counts_udp_sent(ret);
}

static uint64_t udp_seen(const struct source *s)
{
	const struct net_state *state = s->state;

	return state->udp_packets;
}

static const struct source_sign signs[] = {
	{ "TCP", source_canary_poked, socket_walk_ends },
	{ "UDP", udp_was_sent, udp_seen },
	{ 0 },
};

static void fini(struct source *s)
{
	struct net_state *state = s->state;

	if (!state)
		return;
	sample_table_free(state->samples);
	interfaces_free(state->interfaces);
	free(state);
}

const struct source_ops net_source_ops = {
	.object = "net_traffic",
	.parts = parts,
	.n_parts = ARRAY_SIZE(parts),
	.read_here = "net_interface",
	.prepare = prepare,
	.push = push,
	.started = started,
	.adjusted = adjusted,
	.on_record = on_delta,
	.tick = tick,
	.poke = poke,
	.signs = signs,
	.fini = fini,
};
