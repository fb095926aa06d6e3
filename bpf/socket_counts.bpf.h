/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel has counted of each TCP socket, sent when a walk over all sockets finds it changed and
 * once more when the socket goes. The includer says what is counted: it defines SOCKET_DELTA, a struct
 * that begins with the owner and has `ask`, and before this file
 *
 *	is_idle()	nothing has been counted since it was last taken
 *	take()		fills a delta with what has, and marks it as taken
 *	give_back()	takes the marks of a delta that could not be sent back
 *	send_rest()	sends what is left of a socket
 */
#ifndef KERNELSIGHT_SOCKET_COUNTS_BPF_H
#define KERNELSIGHT_SOCKET_COUNTS_BPF_H

#include "socket_owner.bpf.h"

/*
 * A socket that its process had not closed before is closed now, so that is current; unless no byte
 * went over it, for one that never came as far as being accepted is destroyed by anybody.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct socket_state *state = find_socket(sk);

	if (!tp || !state)
		return 0;
	COUNT(socket_ends);
	if (tp->bytes_received || tp->bytes_sent)
		owner_closes(&state->owner);
	return send_rest(sk, state);
}

SEC("iter/bpf_sk_storage_map")
int walk_sockets(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct socket_state *state = ctx->value;
	struct sock *sk = ctx->sk;
	SOCKET_DELTA delta = {};
	struct tcp_sock *tp;

	if (!sk || !state)
		return 0;
	if (control.baseline) {
		set_baseline(sk, state);
		return 0;
	}
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || is_idle(sk, tp, state)) {
		COUNT(filtered);
		return 0;
	}
	if (seek_owner(&state->owner)) {
		delta.ask = SOCKET_OWNER_SOUGHT;
		bpf_seq_write(ctx->meta->seq, &delta, sizeof(delta));
		return 0;
	}
	take(sk, tp, state, &delta);
	if (bpf_seq_write(ctx->meta->seq, &delta, sizeof(delta)))
		give_back(state, &delta); /* no room: the kernel shows the socket again */
	else
		COUNT(emitted);
	return 0;
}

#endif
