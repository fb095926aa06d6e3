/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each thread did, from numbers that the kernel counts for it anyway. Once a second user space
 * runs the walk over all threads, which sends what has changed since the last one; a thread that
 * ends in between sends its rest when it is freed, the last one of a process also from the exit hook.
 * Threads that did nothing send nothing.
 *
 * Included by an object after it has defined
 *
 *	WALK_COUNTS	how many counts there are, the last ones of which ...
 *	WALK_ACTIVE	... from this one on are no reason to send a record
 *
 * It then defines read_counts(): what the thread has done so far.
 */
#ifndef KERNELSIGHT_TASK_WALK_BPF_H
#define KERNELSIGHT_TASK_WALK_BPF_H

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* What has been sent of a thread's counts, and who it was when it ended. */
struct mark {
	u64 sent[WALK_COUNTS];
	struct task_delta last;
	u32 over; /* it has ended, and only its last switch is to come ... */
	u64 at_end[WALK_COUNTS - WALK_ACTIVE]; /* ... in which these stand still */
};

struct walk_record {
	struct task_delta who;
	s64 counts[WALK_COUNTS];
};

static __always_inline void read_counts(struct task_struct *task, u64 now[WALK_COUNTS],
					const struct mark *mark);

static __always_inline void read_now(struct task_struct *task, u64 now[WALK_COUNTS],
				     const struct mark *mark)
{
	read_counts(task, now, mark);
#pragma unroll
	for (int i = WALK_ACTIVE; i < WALK_COUNTS; i++)
		if (mark->over)
			now[i] = mark->at_end[i - WALK_ACTIVE];
}

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mark);
} marks SEC(".maps");

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
	if (!mark) /* the walk and the thread's end may meet: one of them is refused */
		return bpf_task_storage_get(&marks, task, NULL, 0);
	if (!(control.since_ns && task->start_boottime >= control.since_ns))
		read_counts(task, mark->sent, mark);
	return mark;
}

/*
 * Takes from the thread's counts what is beyond the mark. Each exchange gives a stretch of a count to
 * exactly one taker, so the walk and the thread's end may meet. False if there is nothing: counts
 * from WALK_ACTIVE on only go along with the others, and what they were meanwhile is let go.
 */
static __always_inline bool take(struct task_struct *task, struct mark *mark, s64 counts[])
{
	u64 now[WALK_COUNTS];
	bool changed = false;

	read_now(task, now, mark);
#pragma unroll
	for (int i = 0; i < WALK_ACTIVE; i++)
		changed |= now[i] != mark->sent[i];
#pragma unroll
	for (int i = 0; i < WALK_COUNTS; i++)
		if (changed || i >= WALK_ACTIVE)
			counts[i] = now[i] - __sync_lock_test_and_set(&mark->sent[i], now[i]);
	return changed;
}

static __always_inline void give_back(struct mark *mark, const s64 counts[])
{
#pragma unroll
	for (int i = 0; i < WALK_COUNTS; i++)
		__sync_fetch_and_sub(&mark->sent[i], counts[i]);
}

static __always_inline void describe(struct task_struct *task, struct task_delta *who)
{
	who->ts_ns = bpf_ktime_get_ns();
	who->pid = task->tgid;
	who->kernel_thread = !!(task->flags & PF_KTHREAD);
	copy_comm(who->comm, task->group_leader);
	FILL_PROCESS_CONTEXT(who, task);
}

/* Sends what is beyond the mark, in the name of `last`; with `always` even if that is nothing. */
static __noinline int send_last(struct task_struct *task, struct mark *mark, bool always)
{
	struct walk_record *r = RESERVE(struct walk_record);

	if (!r)
		return 0;
	r->who = mark->last;
	__builtin_memset(r->counts, 0, sizeof(r->counts));
	if (!take(task, mark, r->counts) && !always) {
		COUNT(filtered);
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	submit_patient(r);
	return 0;
}

SEC("iter/task")
int on_walk(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct walk_record record = {};
	struct mark *mark;

	mark = task ? find_mark(task) : NULL;
	if (!mark)
		return 0; /* the next walk will find it, or its exit */
	if (!take(task, mark, record.counts)) {
		COUNT(filtered);
		return 0;
	}
	describe(task, &record.who);
	if (bpf_seq_write(ctx->meta->seq, &record, sizeof(record)))
		give_back(mark, record.counts); /* no room: the kernel shows the thread again */
	else
		COUNT(emitted);
	return 0;
}

/* A thread leaves its counts to the first one of its process, which is there until all have ended. */
static __always_inline void hand_down(struct task_struct *task, struct mark *mark,
				      struct mark *first)
{
	s64 counts[WALK_COUNTS];

	if (!take(task, mark, counts))
		return;
#pragma unroll
	for (int i = 0; i < WALK_COUNTS; i++)
		__sync_fetch_and_sub(&first->sent[i], counts[i]);
}

static __always_inline void end(struct task_struct *task, struct mark *mark)
{
	u64 now[WALK_COUNTS];

	describe(task, &mark->last);
	read_counts(task, now, mark);
#pragma unroll
	for (int i = WALK_ACTIVE; i < WALK_COUNTS; i++)
		mark->at_end[i - WALK_ACTIVE] = now[i];
	mark->over = 1;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct mark *mark = find_mark(task);
	struct mark *first = task->pid == task->tgid ? mark : find_mark(task->group_leader);

	if (!mark || !first) {
		COUNT(no_storage);
		return 0;
	}
	end(task, mark);
	if (first != mark)
		hand_down(task, mark, first);
	if (task->signal->live.counter)
		return 0;
	first->last = mark->last;
	first->last.exited = 1;
	send_last(task->group_leader, first, true);
	first->last.exited = 0; /* a process ends once */
	return 0;
}

/*
 * The counts are complete only now: what a thread ran since the last tick is added when it leaves its
 * CPU. Whose thread it was is known from its exit, for the process may be gone.
 */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
	struct mark *mark = bpf_task_storage_get(&marks, task, NULL, 0);

	return mark && mark->over ? send_last(task, mark, false) : 0;
}

#endif
