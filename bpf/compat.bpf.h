/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Differences between kernels, each with the commit that made it. */
#ifndef KERNELSIGHT_COMPAT_BPF_H
#define KERNELSIGHT_COMPAT_BPF_H

/* task_struct.state became __state in 5.14 (2f064a59a11f). */
static __always_inline unsigned int task_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return BPF_CORE_READ(old, state);
}

/*
 * tcp_retransmit_skb was traced only when the segment was sent; with its third argument, err, it is
 * also when it could not be. ctx: of a tp_btf program.
 */
static __always_inline bool retransmit_failed(unsigned long long *ctx)
{
	return bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err) && (int)ctx[2];
}

/* A request knew its disk until 5.17 (f3fa33acca9f); its queue does since 5.15 (d152c682f03c). */
static __always_inline struct gendisk *request_disk(struct request *rq)
{
	struct request___rq_disk *old = (void *)rq;

	if (bpf_core_field_exists(rq->q->disk))
		return rq->q->disk;
	return old->rq_disk;
}

/* kernfs_node.parent became __parent in 6.15 (633488947ef6). */
static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___parent *old = (void *)node;

	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ(old, parent);
}

#endif
