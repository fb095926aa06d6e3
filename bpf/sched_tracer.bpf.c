/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each process did on the CPUs, from the numbers that the kernel keeps for every thread anyway:
 * nothing is attached to the scheduler, so a context switch costs what it always did. Once a second
 * user space runs the walk over all threads, which sends what has changed since the last one; a
 * thread that ends in between sends its rest from the exit hook. Threads that did nothing send
 * nothing, and a thread that spins without ever switching shows by its CPU time.
 */
#define RING_BYTES (1 << 19)
#include "source.bpf.h"
#include "compat.bpf.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* What has been sent of a thread's counters. */
struct mark {
	u64 voluntary_switches;
	u64 involuntary_switches;
	u64 wakeups;
	u64 cpu_time_ns;
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
	bool asleep = task_state(task) != 0 && !BPF_CORE_READ(task, on_cpu);
	u64 waits = BPF_CORE_READ(task, nvcsw);

	return asleep && waits ? waits - 1 : waits;
}

/*
 * The thread's mark. One that has none began after since_ns, and then everything it did counts, or
 * it is older and what it did before is none of ours: then *ret_known is false.
 */
static __always_inline struct mark *find_mark(struct task_struct *task, bool *ret_known)
{
	struct mark *mark = bpf_task_storage_get(&marks, task, NULL, 0);

	*ret_known = mark || (control.since_ns && task->start_boottime >= control.since_ns);
	if (!mark)
		mark = bpf_task_storage_get(&marks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!mark)
		COUNT(no_storage);
	return mark;
}

/*
 * Takes from the thread's counters what is beyond the mark. Each exchange gives a stretch of the
 * counter to exactly one taker, so the walk and the exit hook may meet. False if there is nothing.
 */
static __always_inline bool take(struct task_struct *task, struct mark *mark, struct sched_delta *d)
{
	u64 voluntary = BPF_CORE_READ(task, nvcsw);
	u64 involuntary = BPF_CORE_READ(task, nivcsw);
	u64 cpu_time_ns = BPF_CORE_READ(task, se.sum_exec_runtime);
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

static __always_inline void describe(struct task_struct *task, struct sched_delta *d)
{
	d->ts_ns = bpf_ktime_get_ns();
	d->pid = task->tgid;
	d->kernel_thread = !!(task->flags & PF_KTHREAD);
	BPF_CORE_READ_STR_INTO(&d->comm, task, group_leader, comm);
	FILL_PROCESS_CONTEXT(d, task);
}

SEC("iter/task")
int on_walk(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sched_delta delta = {};
	struct mark *mark;
	bool known;

	if (!task)
		return 0;
	mark = find_mark(task, &known);
	if (!mark)
		return 0;
	if (!take(task, mark, &delta) || !known) {
		COUNT(filtered);
		return 0;
	}
	describe(task, &delta);
	COUNT(emitted);
	bpf_seq_write(ctx->meta->seq, &delta, sizeof(delta));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct sched_delta *d;
	struct mark *mark;
	bool known;

	mark = find_mark(task, &known);
	if (!mark)
		return 0;
	d = RESERVE(struct sched_delta);
	if (!d)
		return 0;
	__builtin_memset(d, 0, sizeof(*d));
	if (!take(task, mark, d) || !known) {
		COUNT(filtered);
		bpf_ringbuf_discard(d, BPF_RB_NO_WAKEUP);
		return 0;
	}
	describe(task, d);
	d->exited = BPF_CORE_READ(task, signal, live.counter) == 0;
	submit_patient(d);
	return 0;
}
