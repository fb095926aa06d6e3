/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each process sends and receives. The kernel counts bytes and segments of every TCP
 * connection anyway: they are read once a second and when the connection ends, so that a packet
 * costs nothing. UDP sockets have no such counters, and their calls are counted by process.
 */
#define RING_BYTES (1 << 19)
#include "source.bpf.h"

struct socket_state {
	struct socket_owner owner;
	/* what has been sent of the socket's counters */
	u64 rx_bytes;
	u64 tx_bytes;
	u32 rx_packets;
	u32 tx_packets;
};

#include "socket_owner.bpf.h"

#define MSG_PEEK     0x2 /* include/linux/socket.h */
#define MSG_ERRQUEUE 0x2000

#define UDP_PROCESSES 4096

struct udp_key {
	u64 start_time_ns;
	u32 pid;
	u32 family;
};

struct udp_sums {
	u64 rx_bytes;
	u64 tx_bytes;
	u64 rx_packets;
	u64 tx_packets;
};

struct udp_process {
	struct socket_owner owner;
	struct udp_sums sums;
	struct udp_sums sent; /* of these, to user space */
};

/* By process and family, until the process ends. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UDP_PROCESSES);
	__type(key, struct udp_key);
	__type(value, struct udp_process);
} udp SEC(".maps");

/* --- TCP --- */

/* The payload, without what was sent again. */
static __always_inline u64 sent_bytes(struct tcp_sock *tp)
{
	return tp->bytes_sent - tp->bytes_retrans;
}

/* The kernel counts the end of the peer's stream as a byte; SOCK_DONE is set when that is there. */
static __always_inline u64 received_bytes(struct sock *sk, struct tcp_sock *tp)
{
	return tp->bytes_received - (sk->__sk_common.skc_flags >> SOCK_DONE & 1);
}

static __always_inline void set_baseline(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp)
		return;
	state->rx_bytes = received_bytes(sk, tp);
	state->tx_bytes = sent_bytes(tp);
	state->rx_packets = tp->segs_in;
	state->tx_packets = tp->segs_out;
}

/* A socket that was disconnected and connects again counts from 0 again. */
static __always_inline void begin_anew(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp || tp->segs_out >= state->tx_packets)
		return;
	state->rx_bytes = state->tx_bytes = 0;
	state->rx_packets = state->tx_packets = 0;
}

/* Bytes are counted after their segment, which may wait for its socket in between. */
static __always_inline bool is_idle(struct sock *sk, struct tcp_sock *tp,
				    struct socket_state *state)
{
	return tp->segs_in == state->rx_packets && tp->segs_out == state->tx_packets &&
	       received_bytes(sk, tp) == state->rx_bytes && sent_bytes(tp) == state->tx_bytes;
}

static __always_inline void take(struct sock *sk, struct tcp_sock *tp, struct socket_state *state,
				 struct net_delta *d)
{
	d->owner = state->owner;
	d->ask = 0;
	d->protocol = IPPROTO_TCP;
	d->family = family_of(sk);
	d->pad = 0;
	d->rx_packets = TAKE(state->rx_packets, tp->segs_in);
	d->tx_packets = TAKE(state->tx_packets, tp->segs_out);
	d->rx_bytes = TAKE(state->rx_bytes, received_bytes(sk, tp));
	d->tx_bytes = TAKE(state->tx_bytes, sent_bytes(tp));
}

static __always_inline void give_back(struct socket_state *state, const struct net_delta *d)
{
	__sync_fetch_and_sub(&state->rx_packets, (u32)d->rx_packets);
	__sync_fetch_and_sub(&state->tx_packets, (u32)d->tx_packets);
	__sync_fetch_and_sub(&state->rx_bytes, d->rx_bytes);
	__sync_fetch_and_sub(&state->tx_bytes, d->tx_bytes);
}

static __noinline int send_rest(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct net_delta *d;

	if (!tp || control.baseline || is_idle(sk, tp, state)) {
		COUNT(filtered);
		return 0;
	}
	d = RESERVE(struct net_delta);
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

	if (!is_tcp(sk))
		return 0;
	state = follow_owner(sk, old_state, new_state);
	if (!state)
		return 0;
	if (new_state == TCP_SYN_SENT)
		begin_anew(sk, state);
	/* what a disconnect is about to forget */
	else if (new_state == TCP_CLOSE && state->owner.kind == TCP_OWNER_EXACT)
		send_rest(sk, state);
	return 0;
}

#define SOCKET_DELTA struct net_delta
#include "socket_counts.bpf.h"

SEC("iter/task_file")
int on_walk(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (task && file)
		visit_file(task, file);
	return 0;
}

/* --- UDP --- */

static __noinline struct udp_process *make_process(const struct udp_key *key)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct udp_process fresh = {};
	struct udp_process *process;

	set_owner(&fresh.owner, task, TCP_OWNER_EXACT);
	bpf_map_update_elem(&udp, key, &fresh, BPF_NOEXIST);
	process = bpf_map_lookup_elem(&udp, key);
	if (!process)
		COUNT(map_full);
	return process;
}

/* A call to send or receive by this process; length: what it returned. */
static __always_inline int count_udp(u32 family, int length, bool sent)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct udp_key key = {
		.start_time_ns = leader->start_boottime,
		.pid = leader->pid,
		.family = family,
	};
	struct udp_process *process = bpf_map_lookup_elem(&udp, &key);

	if (!process)
		process = make_process(&key);
	if (!process)
		return 0;
	copy_comm(process->owner.comm, leader);
	if (sent) {
		__sync_fetch_and_add(&process->sums.tx_bytes, length);
		__sync_fetch_and_add(&process->sums.tx_packets, 1);
	} else {
		__sync_fetch_and_add(&process->sums.rx_bytes, length);
		__sync_fetch_and_add(&process->sums.rx_packets, 1);
	}
	COUNT(aggregated);
	return 0;
}

static __always_inline bool counts(int length, int flags)
{
	return length >= 0 && !(flags & (MSG_PEEK | MSG_ERRQUEUE));
}

/* Sockets of every kind come here. */
static __always_inline int count_any(struct sock *sk, int length, int flags, bool sent)
{
	u16 family = sk->__sk_common.skc_family;

	if (sk->sk_protocol == IPPROTO_UDP && (family == AF_INET || family == AF_INET6) &&
	    counts(length, flags))
		return count_udp(family == AF_INET ? AF_INET : family_of(sk), length, sent);
	COUNT(filtered);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int length, int flags)
{
	return count_any(sk, length, 0, true);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int length, int flags)
{
	return count_any(sk, length, flags, false);
}

/*
 * The functions of IPv4 (outer: false) and IPv6. A socket of IPv6 with a peer of IPv4 goes through
 * both, one in the other, and is counted in the outer one. Loaded as fexit (bpf_object.c), with the
 * arguments as plain numbers, since tools load it as what the section says.
 */
static __always_inline int count_call(struct sock *sk, int length, int flags, bool sent, bool outer)
{
	bool is_inet6 = BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6;

	if (is_inet6 != outer)
		return 0;
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP && counts(length, flags))
		return count_udp(family_of(sk), length, sent);
	COUNT(filtered);
	return 0;
}

SEC("kprobe/udp_sendmsg")
int BPF_PROG(fexit_udp_send, struct sock *sk, struct msghdr *message, u64 size, int length)
{
	return count_call(sk, length, 0, true, false);
}

SEC("kprobe/udpv6_sendmsg")
int BPF_PROG(fexit_udpv6_send, struct sock *sk, struct msghdr *message, u64 size, int length)
{
	return count_call(sk, length, 0, true, true);
}

SEC("kprobe/udp_recvmsg")
int BPF_PROG(fexit_udp_receive, struct sock *sk, struct msghdr *message, u64 size, int flags,
	     int *address_length, int length)
{
	return count_call(sk, length, flags, false, false);
}

SEC("kprobe/udpv6_recvmsg")
int BPF_PROG(fexit_udpv6_receive, struct sock *sk, struct msghdr *message, u64 size, int flags,
	     int *address_length, int length)
{
	return count_call(sk, length, flags, false, true);
}

/* Before 5.19 (ec095263a965), with an argument more: not to be had where there is none. */
SEC("kprobe/udp_recvmsg")
int BPF_PROG(fexit_old_udp_receive, struct sock *sk, struct msghdr *message, u64 size, int noblock,
	     int flags, int *address_length, int length)
{
	return count_call(sk, length, flags, false, false);
}

SEC("kprobe/udpv6_recvmsg")
int BPF_PROG(fexit_old_udpv6_receive, struct sock *sk, struct msghdr *message, u64 size,
	     int noblock, int flags, int *address_length, int length)
{
	return count_call(sk, length, flags, false, true);
}

static __always_inline bool take_udp(const struct udp_key *key, struct udp_process *process,
				     struct net_delta *d)
{
	struct udp_sums *sums = &process->sums;

	if (sums->rx_packets == process->sent.rx_packets &&
	    sums->tx_packets == process->sent.tx_packets)
		return false;
	d->owner = process->owner;
	d->ask = 0;
	d->protocol = IPPROTO_UDP;
	d->family = key->family;
	d->pad = 0;
	d->rx_bytes = TAKE(process->sent.rx_bytes, sums->rx_bytes);
	d->tx_bytes = TAKE(process->sent.tx_bytes, sums->tx_bytes);
	d->rx_packets = TAKE(process->sent.rx_packets, sums->rx_packets);
	d->tx_packets = TAKE(process->sent.tx_packets, sums->tx_packets);
	return true;
}

static __always_inline void end_process(struct task_struct *leader, u32 family)
{
	struct udp_key key = {
		.start_time_ns = leader->start_boottime,
		.pid = leader->pid,
		.family = family,
	};
	struct udp_process *process = bpf_map_lookup_elem(&udp, &key);
	struct net_delta *d;

	if (!process)
		return;
	d = RESERVE(struct net_delta);
	if (d && take_udp(&key, process, d))
		submit_patient(d);
	else if (d)
		bpf_ringbuf_discard(d, BPF_RB_NO_WAKEUP);
	bpf_map_delete_elem(&udp, &key);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	if (task->signal->live.counter)
		return 0;
	end_process(leader, AF_INET);
	end_process(leader, AF_INET6);
	return 0;
}

SEC("iter/bpf_map_elem")
int walk_udp(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct udp_key *key = ctx->key;
	struct udp_process *process = ctx->value;
	struct net_delta delta = {};

	if (!key || !process || !take_udp(key, process, &delta))
		return 0;
	if (bpf_seq_write(ctx->meta->seq, &delta, sizeof(delta))) {
		/* no room: the kernel shows the process again */
		__sync_fetch_and_sub(&process->sent.rx_bytes, delta.rx_bytes);
		__sync_fetch_and_sub(&process->sent.tx_bytes, delta.tx_bytes);
		__sync_fetch_and_sub(&process->sent.rx_packets, delta.rx_packets);
		__sync_fetch_and_sub(&process->sent.tx_packets, delta.tx_packets);
	}
	return 0;
}
