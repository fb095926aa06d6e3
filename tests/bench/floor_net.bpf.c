/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two programs that do nothing: what they cost is the price of looking at messages at all. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sock_send_length")
int on_send(void *ctx)
{
	return 0;
}

SEC("tp_btf/sock_recv_length")
int on_receive(void *ctx)
{
	return 0;
}
