/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls that take longer than the floor. The state of a call lives in the storage of its
 * task and goes with the task: calls that never return (exit, a kill) leave nothing behind, a
 * reused thread id finds nothing stale, and an execve that takes over another thread's id is still
 * the same task.
 *
 * Cheap where it matters: a call of 10 ms or more has been through a scheduler tick or a switch, and
 * either moves se.exec_start. While that stands where it stood at entry, the call was short and no
 * clock is read. Where ticks may stop under a running task (nohz_full) user space sets `precise`.
 *
 * Interrupted calls. A call that a signal breaks off returns -ERESTART* here. If no handler runs,
 * the kernel enters it again from the same place: as restart_syscall, or at once as the same call.
 * That is one call, measured from its first entry. If anything else comes first, a handler ran, or
 * the task was stopped and it cannot be told from one that made the call anew; the call ended when
 * it was broken off and is reported with -EINTR. A call that the death of its process breaks off has
 * no end and is not reported.
 */
#define RING_BYTES (1 << 21)
#include "source.bpf.h"
#include "arch.bpf.h"

#define EINTR	       4
#define RESTART_GAP_NS 50000000 /* a restart by the kernel takes microseconds, unless preempted */

#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h: the process is about to end */

struct call {
	u64 start_ns;  /* 0: not in a call that is looked at */
	u64 tick;      /* se.exec_start at entry */
	u64 broken_ns; /* when it returned -ERESTART*; 0 if it did not */
	u64 ip, sp;    /* where it returned to then */
	u64 argument;  /* the first */
	u32 nr;
	u32 compat;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

/* The flags are those of the native table; a 32-bit call has them all. */
static __always_inline bool has_flag(u32 flag, u32 nr, bool compat)
{
	return compat || control.syscalls[nr % SOURCE_SYSCALLS] & flag;
}

/* ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK: include/linux/errno.h */
static __always_inline bool broken_off(long ret)
{
	return ret == -512 || ret == -513 || ret == -514 || ret == -516;
}

/* Short, as no tick and no switch came since it was entered. What was broken off may yet go on. */
static __always_inline bool was_short(struct task_struct *task, struct call *call, long ret)
{
	return call->tick == task->se.exec_start && !control.precise && !broken_off(ret);
}

static __always_inline bool broken_off_by_death(struct task_struct *task, long ret)
{
	return ret == -EINTR && task->signal->flags & SIGNAL_GROUP_EXIT;
}

/* What the call's first argument, a descriptor, is open on. */
static __noinline int describe_file(struct task_struct *task, u32 fd, struct ev_syscall *e)
{
	struct fdtable *table = task->files->fdt;
	struct file *file = NULL;
	struct inode *inode;

	if (fd >= table->max_fds || bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd))
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	e->file_mode = BPF_CORE_READ(inode, i_mode);
	bpf_probe_read_kernel_str(e->file_system_type, sizeof(e->file_system_type),
				  BPF_CORE_READ(inode, i_sb, s_type, name));
	return 0;
}

static __noinline int report(struct task_struct *task, struct call *call, u64 end_ns, long ret)
{
	struct ev_syscall *e;

	if (end_ns - call->start_ns < control.floor_ns || (u32)task->tgid == control.self_tgid) {
		COUNT(filtered);
		return 0;
	}
	e = RESERVE(struct ev_syscall);
	if (!e)
		return 0;
	e->ts_ns = end_ns;
	e->pid = task->tgid;
	e->tid = task->pid;
	e->syscall = call->nr;
	e->compat = call->compat;
	e->latency_ns = end_ns - call->start_ns;
	e->ret = ret;
	copy_comm(e->comm, task);
	e->file_mode = 0;
	e->file_system_type[0] = '\0';
	if (has_flag(SYSCALL_TAKES_FD, call->nr, call->compat))
		describe_file(task, call->argument, e);
	FILL_PROCESS_CONTEXT(e, task);
	submit_urgent(e);
	return 0;
}

/* A call is entered after one that was broken off. Is it that one again? If not, that one is over. */
static __noinline bool continues(struct task_struct *task, struct call *call, struct pt_regs *regs,
				 u32 nr, bool compat)
{
	u64 broken_ns = call->broken_ns;

	call->broken_ns = 0;
	if (compat == call->compat && regs_ip(regs) == call->ip && regs_sp(regs) == call->sp &&
	    (is_restart_syscall(nr, compat) ||
	     (nr == call->nr && bpf_ktime_get_ns() - broken_ns < RESTART_GAP_NS)))
		return true;
	report(task, call, broken_ns, -EINTR);
	call->start_ns = 0;
	return false;
}

/* The end of a call can be missed; then the stamp must not be taken for that of a later one. */
static __always_inline bool is_end_of(struct call *call, struct pt_regs *regs)
{
	u32 nr = regs_syscall_number(regs);

	return nr == call->nr || is_restart_syscall(nr, call->compat);
}

/* Before on_sys_enter, as programs are attached in this order: every stamp has its end seen. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call *call = bpf_task_storage_get(&calls, task, NULL, 0);
	u64 now_ns;

	if (!call || !call->start_ns || call->broken_ns)
		return 0;
	if (was_short(task, call, ret) || !is_end_of(call, regs) ||
	    broken_off_by_death(task, ret)) {
		COUNT(filtered);
		call->start_ns = 0;
		return 0;
	}
	now_ns = bpf_ktime_get_ns();
	call->argument = regs_first_argument(regs, call->compat);
	if (broken_off(ret)) {
		call->ip = regs_ip(regs);
		call->sp = regs_sp(regs);
		call->broken_ns = now_ns;
		return 0;
	}
	report(task, call, now_ns, ret);
	call->start_ns = 0;
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bool compat = task_in_compat_call(task);
	struct call *call;
	u32 nr = id;

	if (!has_flag(SYSCALL_LOOKED_AT, nr, compat))
		return 0;
	call = bpf_task_storage_get(&calls, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		COUNT(no_storage);
		return 0;
	}
	if (call->broken_ns && continues(task, call, regs, nr, compat))
		return 0;
	if (is_restart_syscall(nr, compat) || is_sigreturn(nr, compat))
		return 0;
	call->nr = nr;
	call->compat = compat;
	call->tick = task->se.exec_start;
	call->start_ns = bpf_ktime_get_ns();
	return 0;
}

/* Run once by user space, which may see itself under another number in a namespace of its own. */
SEC("iter/task")
int on_introduction(struct bpf_iter__task *ctx)
{
	control.self_tgid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}
