/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each process did on the CPUs, from the numbers that the kernel keeps for every thread anyway:
 * nothing is attached to the scheduler, so a context switch costs what it always did. Once a second
 * user space runs the walk over all threads, which sends what has changed since the last one; a
 * thread that ends in between sends its rest from the exit hook, and what it does on its way out when
 * it is freed. Threads that did nothing send
 * nothing, and a thread that spins without ever switching shows by its CPU time.
 */
#define RING_BYTES (1 << 20)
#include "source.bpf.h"
#include "compat.bpf.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* What has been sent of a thread's counters, and who it was when it ended. */
struct mark {
	u64 voluntary_switches;
	u64 involuntary_switches;
	u64 wakeups;
	u64 cpu_time_ns;
	struct sched_delta last;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mark);
} marks SEC(".maps");

/*
 * A thread that gives up its CPU to wait is woken once for it, so it was woken as often as it
 * waited, but for the wait that it is in. (The kernel counts wakeups only with SCHEDSTATS.)
 */
static __always_inline u64 wakeups(struct task_struct *task)
{
	bool asleep = task_state(task) != 0 && !task->on_cpu;
	u64 waits = task->nvcsw;

	return asleep && waits ? waits - 1 : waits;
}

/*
 * The thread's mark. A new one is empty if the thread began after since_ns, and everything it did
 * counts; if it is older, what it did so far is none of ours. NULL if there is no memory just now.
 */
static __always_inline struct mark *find_mark(struct task_struct *task)
{
	struct mark *mark = bpf_task_storage_get(&marks, task, NULL, 0);

	if (mark)
		return mark;
	mark = bpf_task_storage_get(&marks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!mark)
		return NULL;
	if (control.since_ns && task->start_boottime >= control.since_ns)
		return mark;
	mark->voluntary_switches = task->nvcsw;
	mark->involuntary_switches = task->nivcsw;
	mark->wakeups = wakeups(task);
	mark->cpu_time_ns = task->se.sum_exec_runtime;
	return mark;
}

/*
 * Takes from the thread's counters what is beyond the mark. Each exchange gives a stretch of the
 * counter to exactly one taker, so the walk and the thread's end may meet. False if there is nothing.
 */
static __always_inline bool take(struct task_struct *task, struct mark *mark, struct sched_delta *d)
{
	u64 voluntary = task->nvcsw;
	u64 involuntary = task->nivcsw;
	u64 cpu_time_ns = task->se.sum_exec_runtime;
	u64 woken = wakeups(task);

	if (voluntary == mark->voluntary_switches && involuntary == mark->involuntary_switches &&
	    cpu_time_ns == mark->cpu_time_ns && woken == mark->wakeups)
		return false;
	if ((s64)(woken - mark->wakeups) < 0)
		woken = mark->wakeups;
	d->voluntary_switches =
		voluntary - __sync_lock_test_and_set(&mark->voluntary_switches, voluntary);
	d->involuntary_switches =
		involuntary - __sync_lock_test_and_set(&mark->involuntary_switches, involuntary);
	d->wakeups = woken - __sync_lock_test_and_set(&mark->wakeups, woken);
	d->cpu_time_ns = cpu_time_ns - __sync_lock_test_and_set(&mark->cpu_time_ns, cpu_time_ns);
	return true;
}

static __always_inline void give_back(struct mark *mark, const struct sched_delta *d)
{
	__sync_fetch_and_sub(&mark->voluntary_switches, d->voluntary_switches);
	__sync_fetch_and_sub(&mark->involuntary_switches, d->involuntary_switches);
	__sync_fetch_and_sub(&mark->wakeups, d->wakeups);
	__sync_fetch_and_sub(&mark->cpu_time_ns, d->cpu_time_ns);
}

static __always_inline void describe(struct task_struct *task, struct sched_delta *d)
{
	d->ts_ns = bpf_ktime_get_ns();
	d->pid = task->tgid;
	d->kernel_thread = !!(task->flags & PF_KTHREAD);
	copy_comm(d->comm, task->group_leader);
	FILL_PROCESS_CONTEXT(d, task);
}

/* Sends what is beyond the mark, in the name of `last`; with `always` even if that is nothing. */
static __noinline int send_last(struct task_struct *task, struct mark *mark, bool always)
{
	struct sched_delta *d = RESERVE(struct sched_delta);

	if (!d)
		return 0;
	*d = mark->last;
	if (!take(task, mark, d) && !always) {
		COUNT(filtered);
		bpf_ringbuf_discard(d, BPF_RB_NO_WAKEUP);
		return 0;
	}
	submit_patient(d);
	return 0;
}

SEC("iter/task")
int on_walk(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sched_delta delta = {};
	struct mark *mark;

	mark = task ? find_mark(task) : NULL;
	if (!mark)
		return 0; /* the next walk will find it, or its exit */
	if (!take(task, mark, &delta)) {
		COUNT(filtered);
		return 0;
	}
	describe(task, &delta);
	if (bpf_seq_write(ctx->meta->seq, &delta, sizeof(delta)))
		give_back(mark, &delta); /* no room: the kernel shows the thread again */
	else
		COUNT(emitted);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct mark *mark = find_mark(task);

	if (!mark) {
		COUNT(no_storage);
		return 0;
	}
	describe(task, &mark->last);
	mark->last.exited = task->signal->live.counter == 0;
	send_last(task, mark, true);
	mark->last.exited = 0; /* a process ends once */
	return 0;
}

/*
 * The counters are complete only now: what a thread ran since the last tick is added when it leaves
 * its CPU. Whose thread it was is known from its exit, for the process may be gone.
 */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
	struct mark *mark = bpf_task_storage_get(&marks, task, NULL, 0);

	return mark && mark->last.pid ? send_last(task, mark, false) : 0;
}
