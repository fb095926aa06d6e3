/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose a TCP socket is. Packets are handled in timers and interrupts, where the current task is a
 * stranger, so the owner is remembered with the socket:
 *
 *	connect, listen		the process is current
 *	accept			gives the socket the listener's owner, marked so (TCP_OWNER_LISTENER)
 *	close, shutdown		the process is current again, if only now
 *	on_walk			looks into all open files, for what was open before and what was accepted
 *
 * The storage map of sockets is also a list of all of them, in every network namespace, which
 * iter/tcp is not. The includer defines struct socket_state, what is kept of a socket, which begins
 * with `struct socket_owner owner`, and set_baseline().
 */
#ifndef KERNELSIGHT_SOCKET_OWNER_BPF_H
#define KERNELSIGHT_SOCKET_OWNER_BPF_H

#define AF_INET	    2
#define AF_INET6    10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define PF_KTHREAD  0x00200000 /* include/linux/sched.h */

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT	2
#define TCP_SYN_RECV	3
#define TCP_FIN_WAIT1	4
#define TCP_CLOSE	7
#define TCP_CLOSE_WAIT	8
#define TCP_LAST_ACK	9
#define TCP_LISTEN	10

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

/* What the socket did before this moment is not to be counted. */
static __always_inline void set_baseline(struct sock *sk, struct socket_state *state);

static __always_inline bool is_tcp(struct sock *sk)
{
	u16 family = sk->__sk_common.skc_family;

	return sk->sk_protocol == IPPROTO_TCP && (family == AF_INET || family == AF_INET6);
}

/* AF_INET for the packets of a socket of either family, if its peer is known. */
static __always_inline u32 family_of(struct sock *sk)
{
	struct in6_addr peer;
	const u32 *words = (const u32 *)&peer;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		return AF_INET;
	BPF_CORE_READ_INTO(&peer, sk, __sk_common.skc_v6_daddr);
	return !words[0] && !words[1] && words[2] == __builtin_bswap32(0xffff) ? AF_INET : AF_INET6;
}

static __always_inline void set_owner(struct socket_owner *owner, struct task_struct *task,
				      u32 kind)
{
	owner->kind = kind;
	owner->pid = task->tgid;
	copy_comm(owner->comm, task->group_leader);
	FILL_PROCESS_CONTEXT(owner, task);
}

static __always_inline struct socket_state *find_socket(struct sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, NULL, 0);
}

/* The state of a socket that may be new: all it did counts. NULL if there is no memory. */
static __always_inline struct socket_state *make_socket(struct sock *sk)
{
	struct socket_state *state =
		bpf_sk_storage_get(&sockets, sk, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	/* of two that make it at once, one is refused */
	return state ? state : find_socket(sk);
}

/* The same of one that was there before the programs if it has no state yet. */
static __always_inline struct socket_state *make_old_socket(struct sock *sk)
{
	struct socket_state *state = find_socket(sk);

	if (state)
		return state;
	state = make_socket(sk);
	if (state)
		set_baseline(sk, state);
	return state;
}

/* Who closes the socket is its owner, unless that is known better; threads of the kernel tidy up. */
static __always_inline void owner_closes(struct socket_owner *owner)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bool known = owner->kind == TCP_OWNER_EXACT && owner->pid != (u32)task->tgid;

	if (!known && !(task->flags & PF_KTHREAD))
		set_owner(owner, task, TCP_OWNER_EXACT);
}

/*
 * Is this a step that the process itself makes? Only close and shutdown lead to FIN-WAIT-1 and
 * LAST-ACK. A connection that is cut off goes straight to CLOSE: with sk_err set if the peer, a timer
 * or an administrator does it, without if the process does.
 */
static __always_inline bool process_closes(struct sock *sk, int old_state, int new_state)
{
	if (new_state == TCP_FIN_WAIT1 || new_state == TCP_LAST_ACK)
		return true;
	return new_state == TCP_CLOSE && !sk->sk_err &&
	       (old_state == TCP_ESTABLISHED || old_state == TCP_CLOSE_WAIT);
}

/* To be called when a TCP socket changes its state; what is kept of the socket, or NULL. */
static __always_inline struct socket_state *follow_owner(struct sock *sk, int old_state,
							 int new_state)
{
	bool begins = new_state == TCP_SYN_SENT || new_state == TCP_LISTEN ||
		      new_state == TCP_ESTABLISHED;
	struct socket_state *state = begins ? make_socket(sk) : find_socket(sk);

	if (!state) {
		if (begins)
			COUNT(no_storage);
		return NULL;
	}
	if (new_state == TCP_SYN_SENT)
		set_owner(&state->owner, bpf_get_current_task_btf(), TCP_OWNER_EXACT);
	else if (new_state == TCP_LISTEN)
		set_owner(&state->owner, bpf_get_current_task_btf(), TCP_OWNER_LISTENER);
	else if (process_closes(sk, old_state, new_state))
		owner_closes(&state->owner);
	return state;
}

/* Takes what a counter is beyond its mark: each stretch goes to one taker. A counter that is
 * below its mark just now has nothing to give. */
#define TAKE(mark, now)                                                                            \
	({                                                                                         \
		typeof(mark) now_ = (now), zero_ = 0;                                              \
		now_ - (mark) > (typeof(mark))~zero_ / 2                                           \
			? 0                                                                        \
			: now_ - __sync_lock_test_and_set(&(mark), now_);                          \
	})

/*
 * Has the owner to be sought before what the socket did is charged to somebody? Once some walks
 * have been over all files since it was first asked for, the one known so far has to do: a
 * connection that nobody accepts is the listener's.
 */
static __always_inline bool seek_owner(struct socket_owner *owner)
{
	if (owner->kind == TCP_OWNER_EXACT)
		return false;
	if (!owner->sought_in)
		owner->sought_in = control.walk + 1;
	return (s32)(control.walk - owner->sought_in) < SOCKET_OWNER_WALKS - 1;
}

/*
 * The body of on_walk for one open file: the state of the TCP socket that it is, or NULL. Of several
 * processes that hold a socket the youngest is taken for its owner: the child that was forked to
 * serve a connection, not the parent that accepted it.
 */
static __always_inline struct socket_state *visit_file(struct task_struct *task, struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);
	struct sock *sk = socket ? socket->sk : NULL;
	struct socket_state *state;
	struct socket_owner *owner;

	if (!sk || !is_tcp(sk) || sk->__sk_common.skc_state == TCP_CLOSE)
		return NULL;
	state = make_old_socket(sk);
	if (!state) {
		COUNT(no_storage);
		return NULL;
	}
	owner = &state->owner;
	if (sk->__sk_common.skc_state == TCP_LISTEN) {
		if (!owner->pid)
			set_owner(owner, task, TCP_OWNER_LISTENER);
		return NULL;
	}
	if (owner->pid == (u32)task->tgid)
		copy_comm(owner->comm, task->group_leader); /* exec may have changed it */
	if (owner->kind != TCP_OWNER_EXACT ||
	    (owner->walk == control.walk && owner->start_time_ns <= task->start_boottime)) {
		set_owner(owner, task, TCP_OWNER_EXACT);
		owner->walk = control.walk;
		owner->socket = (u64)sk;
	}
	return state;
}

#endif
