/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP segments that are sent again, each with the process that owns the socket. A retransmit runs
 * in a timer or in the reception of an acknowledgement, where the current task is a stranger, so
 * the owner is remembered with the socket: at connect and listen, when its process is current, and
 * from a walk over all open files for sockets that were there before. A socket that was accepted
 * has its listener's owner until a walk finds the process that holds it; an event that had to go
 * with less than the exact owner marks the socket, and user space runs the walk.
 */
#define RING_BYTES (1 << 18)
#include "source.bpf.h"
#include "compat.bpf.h"

#define AF_INET	    2
#define AF_INET6    10
#define IPPROTO_TCP 6

#define TCP_SYN_SENT 2 /* include/net/tcp_states.h */
#define TCP_LISTEN   10

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_owner);
} owners SEC(".maps");

static __always_inline void set_owner(struct socket_owner *owner, struct task_struct *task,
				      u32 kind)
{
	owner->kind = kind;
	owner->pid = task->tgid;
	copy_comm(owner->comm, task->group_leader);
	FILL_PROCESS_CONTEXT(owner, task);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old_state, int new_state)
{
	struct socket_owner *owner;

	if ((new_state != TCP_SYN_SENT && new_state != TCP_LISTEN) ||
	    sk->sk_protocol != IPPROTO_TCP)
		return 0;
	owner = bpf_sk_storage_get(&owners, sk, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (owner)
		set_owner(owner, bpf_get_current_task_btf(),
			  new_state == TCP_LISTEN ? TCP_OWNER_LISTENER : TCP_OWNER_EXACT);
	return 0;
}

static __always_inline void set_ipv4(__u8 to[16], __be32 from)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &from, 4);
}

static __always_inline void set_addresses(struct ev_tcp_retransmit *e, struct sock_common *socket)
{
	if (BPF_CORE_READ(socket, skc_family) == AF_INET) {
		set_ipv4(e->saddr, BPF_CORE_READ(socket, skc_rcv_saddr));
		set_ipv4(e->daddr, BPF_CORE_READ(socket, skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&e->saddr, socket, skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&e->daddr, socket, skc_v6_daddr.in6_u.u6_addr8);
	}
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

/* holder: the socket with the storage; socket: the one with the addresses */
static __always_inline int report(struct sock *holder, struct sock_common *socket, u32 state)
{
	struct socket_owner *owner =
		bpf_sk_storage_get(&owners, holder, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct ev_tcp_retransmit *e = RESERVE(struct ev_tcp_retransmit);

	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->ts_ns = bpf_ktime_get_ns();
	e->tcp_state = state;
	set_addresses(e, socket);
	if (owner) {
		set_process(e, owner);
		if (can_be_found(holder, owner)) {
			owner->asked = 1;
			e->socket = (u64)holder;
		}
	}
	submit_urgent(e);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(on_retransmit, struct sock *sk, struct sk_buff *skb)
{
	if (retransmit_failed(ctx)) {
		COUNT(filtered);
		return 0;
	}
	return report(sk, &sk->__sk_common, sk->__sk_common.skc_state);
}

/* A listener sends its answer to a connection request again. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(on_retransmit_synack, struct sock *sk, struct request_sock *request)
{
	return report(sk, &request->__req_common, TCP_STATE_NEW_SYN_RECV);
}

/*
 * Visits every open file. Of several processes that hold a socket the youngest is taken for its
 * owner: the child that was forked to serve a connection, not the parent that accepted it.
 */
SEC("iter/task_file")
int on_walk(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_owner *owner;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	sk = socket ? socket->sk : NULL;
	if (!sk || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	owner = bpf_sk_storage_get(&owners, sk, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!owner)
		return 0;
	if (sk->__sk_common.skc_state == TCP_LISTEN) {
		if (!owner->pid)
			set_owner(owner, task, TCP_OWNER_LISTENER);
		return 0;
	}
	if (owner->kind != TCP_OWNER_EXACT ||
	    (owner->walk == control.walk && owner->start_time_ns <= task->start_boottime)) {
		set_owner(owner, task, TCP_OWNER_EXACT);
		owner->walk = control.walk;
		owner->socket = (u64)sk;
	}
	if (owner->asked)
		bpf_seq_write(ctx->meta->seq, owner, sizeof(*owner));
	return 0;
}
