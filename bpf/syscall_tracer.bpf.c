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
 *
 * Where the time went is told from the kernel's own sums for the thread, read at both ends: on a CPU,
 * waiting for one, and the rest: blocked.
 *
 * Rules that only ask for how long a call was blocked need no look at calls at all: a thread that
 * blocks leaves its CPU, and what it waits in is written in its registers. For these on_wait is
 * attached to context switches instead, and reports each wait.
 */
#define RING_BYTES (1 << 21)
#include "source.bpf.h"
#include "arch.bpf.h"
#include "compat.bpf.h"

#define EINTR	       4
#define RESTART_GAP_NS 50000000 /* a restart by the kernel takes microseconds, unless preempted */

#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h: the process is about to end */

/* include/linux/sched.h; together with others in one state, such as TASK_FREEZABLE */
#define TASK_INTERRUPTIBLE   0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_DEAD	     0x0080
#define PF_KTHREAD	     0x00200000

/* First what is written at every entry, side by side; from ip on only calls that took long get. */
struct call {
	u64 start_ns;  /* 0: not in a call that is looked at */
	u64 tick;      /* se.exec_start at entry */
	u64 broken_ns; /* when it returned -ERESTART*; 0 if it did not */
	u32 nr;
	u32 compat;
	u64 ran_ns, delay_ns, migrations; /* the thread's own, at entry */
	u64 lag_ns;			  /* clock_lag_ns() at entry */
	u32 epoch;			  /* control.calls_epoch at entry */
	u32 pad;
	u64 ip, sp;		/* where it returned to when broken off */
	u64 argument;		/* the first */
	u64 on_cpu_ns, runq_ns; /* at the end */
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

static __always_inline bool is_dying(struct task_struct *task)
{
	return task->signal->flags & SIGNAL_GROUP_EXIT;
}

/* Not by its own exit, which may come soon after a wait. */
static __always_inline bool is_killed(struct task_struct *task)
{
	return is_dying(task) && task->signal->group_exit_code & 0x7f;
}

static __always_inline u64 run_delay_ns(struct task_struct *task)
{
	return bpf_core_field_exists(task->sched_info.run_delay) ? task->sched_info.run_delay : 0;
}

/* How far the clock of this CPU by which threads are charged is behind the time: it stands still in
 * interrupts and while the host runs others. */
static __always_inline u64 clock_lag_ns(struct task_struct *task)
{
	struct rq *rq;

	if (!bpf_core_field_exists(task->se.cfs_rq))
		return 0;
	rq = task->se.cfs_rq->rq;
	return rq->clock - rq->clock_task;
}

/*
 * Where the time from entry to now went. The kernel brings the thread's sum up to date only now and
 * then, and exec_start says when, in the clock of the thread's CPU by which it is charged; so what it
 * ran since then is the difference of clocks that both stand still while it does not run. Another CPU
 * has another clock: then it is the sum alone, which is right to a tick at each end.
 */
static __always_inline void split(struct task_struct *task, struct call *call, u64 now_ns)
{
	s64 took_ns = now_ns - call->start_ns;
	s64 on_cpu_ns = task->se.sum_exec_runtime - call->ran_ns;
	s64 runq_ns = run_delay_ns(task) - call->delay_ns;

	if (task->se.nr_migrations == call->migrations)
		on_cpu_ns += took_ns - (s64)(task->se.exec_start - call->tick) -
			     (s64)(clock_lag_ns(task) - call->lag_ns);
	on_cpu_ns = on_cpu_ns < 0 ? 0 : on_cpu_ns > took_ns ? took_ns : on_cpu_ns;
	call->on_cpu_ns = on_cpu_ns;
	call->runq_ns = runq_ns < took_ns - on_cpu_ns ? runq_ns : took_ns - on_cpu_ns;
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

/* What calls and waits have in common. */
static __always_inline void describe(struct task_struct *task, struct ev_syscall *e, u32 nr,
				     bool compat, u64 argument)
{
	e->pid = task->tgid;
	e->tid = task->pid;
	e->syscall = nr;
	e->compat = compat;
	copy_comm(e->comm, task);
	e->file_mode = 0;
	e->file_system_type[0] = '\0';
	if (has_flag(SYSCALL_TAKES_FD, nr, compat))
		describe_file(task, argument, e);
	FILL_PROCESS_CONTEXT(e, task);
}

static __noinline int report(struct task_struct *task, struct call *call, u64 end_ns, long ret)
{
	u64 took_ns = end_ns - call->start_ns;
	struct ev_syscall *e;

	if (took_ns < control.floor_ns || (u32)task->tgid == control.self_tgid) {
		COUNT(filtered);
		return 0;
	}
	e = RESERVE_POINT(struct ev_syscall, end_ns);
	if (!e)
		return 0;
	e->ts_ns = end_ns;
	e->latency_ns = took_ns;
	e->on_cpu_ns = call->on_cpu_ns;
	e->runq_ns = call->runq_ns;
	e->blocked_ns = took_ns - call->on_cpu_ns - call->runq_ns;
	if (!bpf_core_field_exists(task->sched_info.run_delay))
		e->runq_ns = e->blocked_ns = NOT_MEASURED;
	e->ret = ret;
	e->is_wait = 0;
	describe(task, e, call->nr, call->compat, call->argument);
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

	if (!call || !call->start_ns || call->broken_ns || call->epoch != control.calls_epoch)
		return 0;
	if (was_short(task, call, ret) || !is_end_of(call, regs) ||
	    (ret == -EINTR && is_dying(task))) {
		COUNT(filtered);
		call->start_ns = 0;
		return 0;
	}
	now_ns = bpf_ktime_get_ns();
	split(task, call, now_ns);
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
	if (call->broken_ns && call->epoch == control.calls_epoch &&
	    continues(task, call, regs, nr, compat))
		return 0;
	call->broken_ns = 0;
	if (is_restart_syscall(nr, compat) || is_sigreturn(nr, compat))
		return 0;
	call->nr = nr;
	call->compat = compat;
	call->epoch = control.calls_epoch;
	call->tick = task->se.exec_start;
	call->ran_ns = task->se.sum_exec_runtime;
	call->migrations = task->se.nr_migrations;
	call->delay_ns = run_delay_ns(task);
	call->lag_ns = clock_lag_ns(task);
	call->start_ns = bpf_ktime_get_ns();
	return 0;
}

/*
 * --- waits in calls, from context switches ---
 *
 * Some kernels now and then do not show a switch from the idle task. The scheduler's own stamp of the
 * last arrival does tell that the thread was back, and when: such a wait is reported when the thread
 * leaves its CPU again.
 */

/* Of a thread off the CPU. Memory for it is never asked for under the lock of a run queue: new
 * threads get theirs when they are made, older ones from a walk. */
struct wait {
	u64 off_ns; /* when it left its CPU, in the clock of the run queue; 0: not to wait in a call */
	u64 off_delay_ns; /* its run_delay then */
	u64 argument;	  /* the first of the call */
	u32 nr;
	u32 epoch; /* control.waits_epoch then */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wait);
} waits SEC(".maps");

SEC("tp_btf/task_newtask")
int BPF_PROG(on_new_task, struct task_struct *task)
{
	MAKE_TASK_STORAGE(waits, task);
	return 0;
}

SEC("iter/task")
int on_walk_threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		MAKE_TASK_STORAGE(waits, task);
	return 0;
}

/* Reported by the end of the call, which is being looked at too? */
static __always_inline bool is_call(struct task_struct *task)
{
	struct call *call;

	if (!control.calls_attached)
		return false;
	call = bpf_task_storage_get(&calls, task, NULL, 0);
	return call && call->start_ns && call->epoch == control.calls_epoch;
}

static __noinline int report_wait(struct task_struct *task, struct wait *w, u64 waited_ns,
				  u64 ready_ns)
{
	struct ev_syscall *e;
	u64 now_ns;

	if (waited_ns < control.floor_ns || (u32)task->tgid == control.self_tgid ||
	    is_killed(task) || is_call(task)) {
		COUNT(filtered);
		return 0;
	}
	now_ns = bpf_ktime_get_ns();
	e = RESERVE_POINT(struct ev_syscall, now_ns);
	if (!e)
		return 0;
	e->ts_ns = now_ns;
	e->latency_ns = waited_ns + ready_ns;
	e->on_cpu_ns = NOT_MEASURED;
	e->runq_ns = ready_ns;
	e->blocked_ns = waited_ns;
	e->ret = NOT_MEASURED_SIGNED;
	e->is_wait = 1;
	describe(task, e, w->nr, task_in_compat_call(task), w->argument);
	submit_urgent(e);
	return 0;
}

/* The wait of a thread that arrived on a CPU at arrived_ns, having been ready for ready_ns of it. */
static __always_inline void end_wait(struct task_struct *task, struct wait *w, u64 arrived_ns,
				     u64 ready_ns)
{
	s64 waited_ns = arrived_ns - w->off_ns - ready_ns;

	w->off_ns = 0;
	if (w->epoch == control.waits_epoch && waited_ns > 0)
		report_wait(task, w, waited_ns, ready_ns);
}

/* The thread leaves its CPU to wait, or for good. Is it in a call that is looked at? */
static __always_inline void leave(struct task_struct *prev, bool preempt, u32 state)
{
	struct pt_regs *regs;
	struct wait *w;
	bool compat;
	u32 nr;

	if (preempt || !(state & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_DEAD)) ||
	    prev->flags & PF_KTHREAD)
		return;
	regs = (struct pt_regs *)bpf_task_pt_regs(prev);
	nr = regs_syscall_number(regs);
	compat = task_in_compat_call(prev);
	if ((int)nr < 0 || (!has_flag(SYSCALL_LOOKED_AT, nr, compat) && !(state & TASK_DEAD)))
		return;
	w = bpf_task_storage_get(&waits, prev, NULL, 0);
	if (!w)
		return; /* counted when it was not to be had; or not shown by the walk */
	if (w->off_ns)
		end_wait(prev, w, prev->sched_info.last_arrival,
			 prev->sched_info.run_delay - w->off_delay_ns);
	if (state & TASK_DEAD)
		return;
	if (!is_restart_syscall(nr, compat) || w->epoch != control.waits_epoch)
		w->nr = nr; /* else what is restarted is what it last waited in */
	w->argument = regs_first_argument(regs, compat);
	w->epoch = control.waits_epoch;
	w->off_delay_ns = prev->sched_info.run_delay;
	w->off_ns = prev->se.cfs_rq->rq->clock;
}

/* The kernel adds the last piece of the wait for a CPU to run_delay in a moment. */
static __always_inline void come_back(struct task_struct *next)
{
	struct wait *w =
		next->flags & PF_KTHREAD ? NULL : bpf_task_storage_get(&waits, next, NULL, 0);
	u64 now_ns, ready_ns;

	if (!w || !w->off_ns)
		return;
	now_ns = next->se.cfs_rq->rq->clock;
	ready_ns = next->sched_info.run_delay - w->off_delay_ns;
	if (next->sched_info.last_arrival > w->off_ns) {
		end_wait(next, w, next->sched_info.last_arrival, ready_ns);
		return;
	}
	if (next->sched_info.last_queued)
		ready_ns += now_ns - next->sched_info.last_queued;
	end_wait(next, w, now_ns, ready_ns);
}

/* prev_state is told from 5.18 on (fa2c3254d7cf). */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_wait, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	leave(prev, preempt, prev_state);
	come_back(next);
	return 0;
}

/* A waker that is at work on prev may have changed its state, and then the wait is short. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_wait_old, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	leave(prev, preempt, task_state(prev));
	come_back(next);
	return 0;
}

/* Run once by user space, which may see itself under another number in a namespace of its own. */
SEC("iter/task")
int on_introduction(struct bpf_iter__task *ctx)
{
	control.self_tgid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}
