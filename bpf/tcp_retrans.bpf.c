/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP segments that are sent again: one by one, each with the process that owns the socket; and by
 * peer and second, next to the segments sent, from the counters that the kernel keeps of every
 * connection. An event that had to go with less than the exact owner marks the socket, and user space
 * runs the walk over all open files.
 */
#define RING_BYTES (1 << 18)
#include "source.bpf.h"
#include "compat.bpf.h"

struct socket_state {
	struct socket_owner owner;
	u32 handshake; /* of the kernel's total_retrans, those of the connection request */
	/* what has been sent of the socket's counters */
	u32 segments_sent;
	u32 retransmits;
	u32 syn_retransmits;
	u32 lost;
	u32 reordered;
};

#include "socket_owner.bpf.h"

/* --- by peer and second --- */

static __always_inline u32 syn_retransmits(struct sock *sk, struct tcp_sock *tp,
					   struct socket_state *state)
{
	u32 all = tp->total_retrans;
	u32 handshake = state->handshake;

	barrier_var(all); /* one instruction that reads either pointer would be refused */
	return sk->__sk_common.skc_state == TCP_SYN_SENT ? all : handshake;
}

static __always_inline void note_counters(struct sock *sk, struct tcp_sock *tp,
					  struct socket_state *state)
{
	state->segments_sent = tp->data_segs_out;
	state->syn_retransmits = syn_retransmits(sk, tp, state);
	state->retransmits = tp->total_retrans - state->syn_retransmits;
	state->lost = tp->lost;
	state->reordered = tp->reord_seen;
}

static __always_inline void set_baseline(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (tp)
		note_counters(sk, tp, state);
}

/* A socket that was disconnected and connects again counts from 0 again. */
static __always_inline void begin_anew(struct sock *sk, struct tcp_sock *tp,
				       struct socket_state *state)
{
	if (tp->data_segs_out + tp->total_retrans >=
	    state->segments_sent + state->retransmits + state->syn_retransmits)
		return;
	state->handshake = 0;
	note_counters(sk, tp, state);
}

/*
 * The retransmits so far were of the connection request. Of a connection that was accepted they were
 * the listener's answers, which have been reported one by one.
 */
static __always_inline void end_handshake(struct tcp_sock *tp, struct socket_state *state,
					  int old_state)
{
	state->handshake = tp->total_retrans;
	if (old_state == TCP_SYN_RECV)
		state->syn_retransmits = state->handshake;
}

static __always_inline bool is_idle(struct sock *sk, struct tcp_sock *tp,
				    struct socket_state *state)
{
	return tp->data_segs_out == state->segments_sent &&
	       tp->total_retrans == state->retransmits + state->syn_retransmits &&
	       tp->lost == state->lost && tp->reord_seen == state->reordered;
}

static __always_inline void set_ipv4(__u8 to[16], __be32 from)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &from, 4);
}

static __always_inline void set_peer(u8 to[16], struct sock_common *socket)
{
	if (BPF_CORE_READ(socket, skc_family) == AF_INET)
		set_ipv4(to, BPF_CORE_READ(socket, skc_daddr));
	else
		bpf_core_read(to, 16, &socket->skc_v6_daddr.in6_u.u6_addr8);
}

static __always_inline void take(struct sock *sk, struct tcp_sock *tp, struct socket_state *state,
				 struct tcp_delta *d)
{
	u32 of_request = syn_retransmits(sk, tp, state);

	d->owner = state->owner;
	d->ask = 0;
	d->rtt_us = tp->srtt_us >> 3;
	set_peer(d->daddr, &sk->__sk_common);
	d->segments_sent = TAKE(state->segments_sent, tp->data_segs_out);
	d->retransmits = TAKE(state->retransmits, tp->total_retrans - of_request);
	d->syn_retransmits = TAKE(state->syn_retransmits, of_request);
	d->lost = TAKE(state->lost, tp->lost);
	d->reordered = TAKE(state->reordered, tp->reord_seen);
}

static __always_inline void give_back(struct socket_state *state, const struct tcp_delta *d)
{
	__sync_fetch_and_sub(&state->segments_sent, (u32)d->segments_sent);
	__sync_fetch_and_sub(&state->retransmits, (u32)d->retransmits);
	__sync_fetch_and_sub(&state->syn_retransmits, (u32)d->syn_retransmits);
	__sync_fetch_and_sub(&state->lost, (u32)d->lost);
	__sync_fetch_and_sub(&state->reordered, (u32)d->reordered);
}

static __noinline int send_rest(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct tcp_delta *d;

	if (!control.peers)
		return 0;
	if (!tp || is_idle(sk, tp, state)) {
		COUNT(filtered);
		return 0;
	}
	d = RESERVE(struct tcp_delta);
	if (!d)
		return 0;
	take(sk, tp, state, d);
	submit_patient(d);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old_state, int new_state)
{
	struct socket_state *state;
	struct tcp_sock *tp;

	if (!is_tcp(sk))
		return 0;
	state = follow_owner(sk, old_state, new_state);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!state || !tp)
		return 0;
	if (new_state == TCP_SYN_SENT)
		begin_anew(sk, tp, state);
	if (old_state == TCP_SYN_SENT || old_state == TCP_SYN_RECV)
		end_handshake(tp, state, old_state);
	/* what a disconnect is about to forget */
	if (new_state == TCP_CLOSE && state->owner.kind == TCP_OWNER_EXACT)
		send_rest(sk, state);
	return 0;
}

#define SOCKET_DELTA struct tcp_delta
#include "socket_counts.bpf.h"

/* --- one by one --- */

static __always_inline void set_addresses(struct ev_tcp_retransmit *e, struct sock_common *socket)
{
	if (BPF_CORE_READ(socket, skc_family) == AF_INET)
		set_ipv4(e->saddr, BPF_CORE_READ(socket, skc_rcv_saddr));
	else
		BPF_CORE_READ_INTO(&e->saddr, socket, skc_v6_rcv_saddr.in6_u.u6_addr8);
	set_peer(e->daddr, socket);
	e->sport = BPF_CORE_READ(socket, skc_num);
	e->dport = __builtin_bswap16(BPF_CORE_READ(socket, skc_dport));
}

static __always_inline void set_process(struct ev_tcp_retransmit *e, struct socket_owner *owner)
{
	e->owner_kind = owner->kind;
	e->pid = owner->pid;
	__builtin_memcpy(e->comm, owner->comm, sizeof(e->comm));
	e->ppid = owner->ppid;
	e->uid = owner->uid;
	e->start_time_ns = owner->start_time_ns;
}

/* Would a walk find a process that holds the socket? None holds one that is closed or the kernel's. */
static __always_inline bool can_be_found(struct sock *sk, struct socket_owner *owner)
{
	return owner->kind != TCP_OWNER_EXACT && sk->sk_socket &&
	       sk->__sk_common.skc_state != TCP_LISTEN;
}

static __always_inline void set_kind(struct ev_tcp_retransmit *e, u32 state)
{
	if (state == TCP_SYN_SENT)
		__builtin_memcpy(e->kind, "syn", 4);
	else if (state == TCP_SYN_RECV || state == TCP_STATE_NEW_SYN_RECV)
		__builtin_memcpy(e->kind, "synack", 7);
	else
		__builtin_memcpy(e->kind, "data", 5);
}

/* holder: the socket with the storage; socket: the one with the addresses */
static __always_inline int report(struct sock *holder, struct sock_common *socket, u32 state,
				  u32 segments, u32 rtt_us)
{
	struct socket_state *kept = make_old_socket(holder);
	u64 now_ns = bpf_ktime_get_ns();
	struct ev_tcp_retransmit *e = RESERVE_POINT(struct ev_tcp_retransmit, now_ns);

	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->ts_ns = now_ns;
	e->tcp_state = state;
	e->segments = segments;
	e->rtt_us = rtt_us ? rtt_us : NOT_MEASURED;
	set_kind(e, state);
	set_addresses(e, socket);
	if (kept) {
		set_process(e, &kept->owner);
		if (can_be_found(holder, &kept->owner)) {
			kept->owner.asked = 1;
			e->socket = (u64)holder;
		}
	}
	submit_urgent(e);
	return 0;
}

/* One packet may be several segments, which the kernel counts. */
static __always_inline u32 segments_of(struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = (void *)skb->cb;

	return BPF_CORE_READ(cb, tcp_gso_segs);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(on_retransmit, struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp || retransmit_failed(ctx)) {
		COUNT(filtered);
		return 0;
	}
	return report(sk, &sk->__sk_common, sk->__sk_common.skc_state, segments_of(skb),
		      tp->srtt_us >> 3);
}

/* A listener sends its answer to a connection request again. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(on_retransmit_synack, struct sock *sk, struct request_sock *request)
{
	return report(sk, &request->__req_common, TCP_STATE_NEW_SYN_RECV, 1, 0);
}

SEC("iter/task_file")
int on_walk(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_state *state = task && file ? visit_file(task, file) : NULL;

	if (state && state->owner.asked)
		bpf_seq_write(ctx->meta->seq, &state->owner, sizeof(state->owner));
	return 0;
}
