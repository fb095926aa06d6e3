/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two programs that do nothing: what they cost is the price of looking at system calls at all. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sys_enter")
int on_sys_enter(void *ctx)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int on_sys_exit(void *ctx)
{
	return 0;
}
