/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Page faults of each process, minor and major, as the kernel counts them for every thread: nothing
 * is attached to the path of a fault for these, and a fault that the kernel has to try again is one.
 * Optional programs tell apart who faulted, time the faults, and report each major fault with its
 * address.
 */
#define RING_BYTES (1 << 19)
#include "source.bpf.h"
#include "compat.bpf.h"

#define WALK_COUNTS FAULT_COUNTS
#define WALK_ACTIVE FAULT_COUNTS

#define VM_FAULT_RETRY 0x0400 /* include/linux/mm_types.h */

/* What the optional programs know of one thread. */
struct faults {
	u64 user;
	u64 kernel;
	u64 began_ns; /* 0: not in a fault */
	u64 timed;
	u64 timed_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct faults);
} faults_of SEC(".maps");

#include "task_walk.bpf.h"

/* What delay accounting, if it is on, has for memory: 0 if it is off for this thread. */
static __always_inline u64 delay_ns(struct task_struct *task)
{
	struct task_delay_info *delays = task->delays;
	u64 ns = 0;

	if (!bpf_core_field_exists(task->delays) || !delays)
		return 0;
	ns += delays->swapin_delay + delays->freepages_delay;
	if (bpf_core_field_exists(delays->thrashing_delay))
		ns += delays->thrashing_delay;
	if (bpf_core_field_exists(delays->compact_delay))
		ns += delays->compact_delay;
	if (bpf_core_field_exists(delays->wpcopy_delay))
		ns += delays->wpcopy_delay;
	return ns;
}

static __always_inline void read_counts(struct task_struct *task, u64 now[WALK_COUNTS],
					const struct mark *mark)
{
	struct faults *f = bpf_task_storage_get(&faults_of, task, NULL, 0);

	now[FAULT_MINOR] = task->min_flt;
	now[FAULT_MAJOR] = task->maj_flt;
	now[FAULT_USER] = f ? f->user : 0;
	now[FAULT_KERNEL] = f ? f->kernel : 0;
	now[FAULT_TIMED] = f ? f->timed : 0;
	now[FAULT_TIMED_NS] = f ? f->timed_ns : 0;
	now[FAULT_DELAY_NS] = delay_ns(task);
}

static __always_inline struct faults *own_faults(void)
{
	struct faults *f = bpf_task_storage_get(&faults_of, bpf_get_current_task_btf(), NULL,
						BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (f)
		COUNT(aggregated);
	else
		COUNT(no_storage);
	return f;
}

/* --- who faulted, where the processor's fault handler tells (x86) --- */

SEC("tp_btf/page_fault_user")
int BPF_PROG(on_user_fault, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	struct faults *f = own_faults();

	if (f)
		f->user++;
	return 0;
}

/* A fault in an interrupt is charged to the thread that it interrupts. */
SEC("tp_btf/page_fault_kernel")
int BPF_PROG(on_kernel_fault, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	struct faults *f = own_faults();

	if (f)
		__sync_fetch_and_add(&f->kernel, 1);
	return 0;
}

/* --- how long faults take; loaded as fentry and fexit (bpf_object.c) --- */

SEC("kprobe/handle_mm_fault")
int BPF_PROG(fentry_fault)
{
	struct faults *f = own_faults();

	if (f)
		f->began_ns = bpf_ktime_get_ns();
	return 0;
}

/* A fault that is tried again has taken all its tries, and counts when the last one is over. */
SEC("kprobe/handle_mm_fault")
int BPF_PROG(fexit_fault, struct vm_area_struct *vma, unsigned long address, unsigned int flags,
	     struct pt_regs *regs, unsigned int result)
{
	struct faults *f = bpf_task_storage_get(&faults_of, bpf_get_current_task_btf(), NULL, 0);

	if (!f || !f->began_ns)
		return 0;
	f->timed_ns += bpf_ktime_get_ns() - f->began_ns;
	f->timed += !(result & VM_FAULT_RETRY);
	f->began_ns = 0;
	return 0;
}

/* --- each major fault, from a software event on every CPU --- */

SEC("perf_event")
int on_major_fault(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 now_ns = bpf_ktime_get_ns();
	struct ev_major_fault *e = RESERVE_POINT(struct ev_major_fault, now_ns);

	if (!e)
		return 0;
	e->ts_ns = now_ns;
	e->pid = task->tgid;
	e->tid = task->pid;
	e->address = ctx->addr;
	copy_comm(e->comm, task);
	FILL_PROCESS_CONTEXT(e, task);
	submit_urgent(e);
	return 0;
}
