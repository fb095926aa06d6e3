/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each process did on the CPUs and how long it waited for one, from the numbers that the kernel
 * keeps for every thread: nothing is attached to the scheduler for these, so a context switch costs
 * what it always did, and a thread that spins without ever switching shows by its CPU time.
 *
 * Only for the distribution of the waits, and for the states in which threads are off the CPU, a
 * program looks at each switch. It makes no stamp and reads no clock: the kernel has stamped when the
 * next thread became ready (sched_info.last_queued), in the clock of the run queue, which it has just
 * brought up to date. Most waits are short; for those the program only returns, since their number is
 * what is left of all arrivals. A wait that migration splits counts as its last piece, while the sum
 * (run_delay) has it whole.
 *
 * What is kept of a thread is written by one CPU at a time, since a thread is switched in and out
 * under the lock of its run queue, and memory for it is never asked for there: new threads get theirs
 * when they are made, older ones from the walk.
 */
#define RING_BYTES (1 << 20)
#include "source.bpf.h"
#include "compat.bpf.h"
#include "histogram.h"

#define WALK_COUNTS SCHED_COUNTS
#define WALK_ACTIVE SCHED_ASLEEP_NS

/* include/linux/sched.h */
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_NOLOAD	     0x0400 /* sleeps idly, though no signal wakes it */

enum off_cpu { OFF_NOT, OFF_PREEMPTED, OFF_UNINTERRUPTIBLE };

/* How a thread waited, since it was first looked at. */
struct waits {
	u64 longest_ns;	    /* since it was last taken */
	u64 sum, sum_taken; /* over all buckets */
	u32 buckets[WAIT_BUCKETS];
	u32 taken[WAIT_BUCKETS];

	/* of threads off the CPU */
	u32 off;       /* enum off_cpu */
	u32 off_epoch; /* control.states_epoch then */
	u64 off_ns;    /* clock of the run queue when it left */
	u64 off_run_delay;
	u64 uninterruptible_ns;
	u64 preempted_ns;

	/* where the kernel keeps no run-queue delays */
	u64 queued_ns; /* CLOCK_MONOTONIC; 0: not ready */
	u64 arrivals;
	u64 run_delay_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct waits);
} waits_of SEC(".maps");

static __always_inline struct waits *find_waits(struct task_struct *task)
{
	return bpf_task_storage_get(&waits_of, task, NULL, 0);
}

#include "task_walk.bpf.h"

/*
 * A thread that gives up its CPU to wait is woken once for it, so it was woken as often as it
 * waited, but for the wait that it is in. (The kernel counts wakeups only with SCHEDSTATS.)
 */
static __always_inline u64 wakeups(struct task_struct *task, u64 before)
{
	bool asleep = task_state(task) != 0 && !task->on_cpu;
	u64 waits = task->nvcsw;
	u64 woken = asleep && waits ? waits - 1 : waits;

	return (s64)(woken - before) < 0 ? before : woken;
}

static __always_inline u64 since(u64 now_ns, u64 then_ns)
{
	return (s64)(now_ns - then_ns) > 0 ? now_ns - then_ns : 0;
}

/*
 * The clock of the run queue that the thread is in, or was last; 0 without CONFIG_FAIR_GROUP_SCHED, where
 * the programs that cannot do without it are not loaded.
 */
static __always_inline u64 rq_clock(struct task_struct *task)
{
	return bpf_core_field_exists(task->se.cfs_rq) ? task->se.cfs_rq->rq->clock : 0;
}

/* With the wait that it is in, unless that ends just now. */
static __always_inline u64 run_delay_ns(struct task_struct *task)
{
	volatile struct sched_info *info = &task->sched_info;
	u64 queued_ns = info->last_queued;
	u64 waiting_ns = queued_ns ? since(rq_clock(task), queued_ns) : 0;
	u64 delay_ns = info->run_delay;

	return info->last_queued == queued_ns ? delay_ns + waiting_ns : delay_ns;
}

/* The next two are the sums so far, with the wait that lasts. */

static __always_inline bool is_off(const struct waits *w, u32 how)
{
	return w->off == how && w->off_epoch == control.states_epoch;
}

static __always_inline u64 preempted_ns(struct waits *w, u64 run_delay)
{
	u64 waiting_ns = is_off(w, OFF_PREEMPTED) ? since(run_delay, w->off_run_delay) : 0;

	return w->preempted_ns + waiting_ns;
}

/* The clock of this CPU is at most a tick behind. */
static __always_inline u64 uninterruptible_ns(struct task_struct *task, struct waits *w)
{
	struct task_struct *self = bpf_get_current_task_btf();
	u64 queued_ns = task->sched_info.last_queued;
	u64 ns = w->uninterruptible_ns;

	if (!is_off(w, OFF_UNINTERRUPTIBLE))
		return ns;
	return ns + since(queued_ns ? queued_ns : rq_clock(self), w->off_ns);
}

static __always_inline void read_counts(struct task_struct *task, u64 now[WALK_COUNTS],
					const struct mark *mark)
{
	struct waits *w = find_waits(task);

	now[SCHED_VOLUNTARY] = task->nvcsw;
	now[SCHED_INVOLUNTARY] = task->nivcsw;
	now[SCHED_WAKEUPS] = wakeups(task, mark->sent[SCHED_WAKEUPS]);
	now[SCHED_CPU_NS] = task->se.sum_exec_runtime;
	if (bpf_core_field_exists(task->sched_info.pcount)) {
		now[SCHED_ARRIVALS] = task->sched_info.pcount;
		now[SCHED_RUNQ_NS] = run_delay_ns(task);
		now[SCHED_UNINTERRUPTIBLE_NS] = w ? uninterruptible_ns(task, w) : 0;
		now[SCHED_PREEMPTED_NS] = w ? preempted_ns(w, now[SCHED_RUNQ_NS]) : 0;
	} else {
		control.no_sched_info = 1;
		now[SCHED_ARRIVALS] = w ? w->arrivals : 0;
		now[SCHED_RUNQ_NS] = w ? w->run_delay_ns : 0;
		now[SCHED_UNINTERRUPTIBLE_NS] = 0;
		now[SCHED_PREEMPTED_NS] = 0;
	}
	/* a thread is always in one of these; what is left, it slept */
	now[SCHED_ASLEEP_NS] = bpf_ktime_get_ns() - task->start_time - now[SCHED_CPU_NS] -
			       now[SCHED_RUNQ_NS] - now[SCHED_UNINTERRUPTIBLE_NS];
}

/* --- the distribution of the waits --- */

/* Every thread made from now on has its waits. */
SEC("tp_btf/task_newtask")
int BPF_PROG(on_new_task, struct task_struct *task)
{
	MAKE_TASK_STORAGE(waits_of, task);
	return 0;
}

static __always_inline u64 wait_ns(struct task_struct *next)
{
	u64 queued_ns = next->sched_info.last_queued;

	return queued_ns ? since(next->se.cfs_rq->rq->clock, queued_ns) : 0;
}

static __always_inline void keep(struct waits *w, u64 ns)
{
	u32 bucket = histogram_bucket(ns, WAIT_BUCKETS);

	if (bucket < WAIT_BUCKETS)
		w->buckets[bucket]++;
	w->sum++;
	if (ns > w->longest_ns)
		w->longest_ns = ns;
}

/* Its memory is missing if there was none, which has been counted, or if the walk does not show it,
 * as that of a pid namespace does not show the threads outside. */
static __noinline int keep_of(struct task_struct *next, u64 ns)
{
	struct waits *w = find_waits(next);

	if (w)
		keep(w, ns);
	return 0;
}

/* Not in the counters of the ledger, for the price of that: the kernel's own count of arrivals says
 * how many switches there were, and what has no bucket was short. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch_waits, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u64 ns = wait_ns(next);

	return ns < HISTOGRAM_FROM_NS ? 0 : keep_of(next, ns);
}

/*
 * Takes what is beyond the last taking, as task_walk.bpf.h does. False if there is nothing. No branches
 * in loops over the buckets, here and below: the verifier of 6.1 follows each way through all of them.
 */
static __always_inline bool take_waits(struct task_struct *task, struct waits *w,
				       struct waits_delta *d)
{
	u64 sum = w->sum;

	if (sum == w->sum_taken)
		return false;
	w->sum_taken = sum;
	d->pid = task->tgid;
	d->pad = 0;
	d->start_time_ns = task->group_leader->start_boottime;
	d->longest_ns = __sync_lock_test_and_set(&w->longest_ns, 0);
	for (int i = 0; i < WAIT_BUCKETS; i++) {
		u32 now = w->buckets[i];

		d->buckets[i] = now - __sync_lock_test_and_set(&w->taken[i], now);
	}
	return true;
}

static __always_inline void give_back_waits(struct waits *w, const struct waits_delta *d)
{
	w->sum_taken--;
	for (int i = 0; i < WAIT_BUCKETS; i++)
		__sync_fetch_and_sub(&w->taken[i], d->buckets[i]);
	if (d->longest_ns > w->longest_ns)
		w->longest_ns = d->longest_ns;
}

/* Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sched_walked);
} walked SEC(".maps");

/* The waits first: each is noted before the kernel counts the arrival that ends it. False if there are
 * none, or no arrival that they could belong to. */
static __noinline bool take_once(struct task_struct *task, struct mark *mark, struct waits *w,
				 struct sched_walked *r)
{
	r->waits.pid = 0;
	if (w && !take_waits(task, w, &r->waits))
		w = NULL;
	if (take(task, mark, r->counts))
		return true;
	if (w)
		give_back_waits(w, &r->waits);
	return false;
}

/* A wait that ends between the two readings would be counted and not be among the waits: then both are
 * read again. */
static __always_inline bool take_both(struct task_struct *task, struct mark *mark, struct waits *w,
				      struct sched_walked *r)
{
	if (!take_once(task, mark, w, r))
		return false;
	if (!w || w->sum == w->sum_taken)
		return true;
	give_back(mark, r->counts);
	if (r->waits.pid)
		give_back_waits(w, &r->waits);
	return take_once(task, mark, w, r);
}

/* In the place of on_walk: gives every thread its waits, and sends what each has had. */
SEC("iter/task")
int on_walk_waits(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 zero = 0;
	struct sched_walked *r = bpf_map_lookup_elem(&walked, &zero);
	struct mark *mark = task ? find_mark(task) : NULL;
	struct waits *w;

	if (!task || !mark || !r)
		return 0;
	w = MAKE_TASK_STORAGE(waits_of, task);
	if (!take_both(task, mark, w, r)) {
		COUNT(filtered);
		return 0;
	}
	describe(task, &r->who);
	if (!bpf_seq_write(ctx->meta->seq, r, sizeof(*r))) {
		COUNT(emitted);
		return 0;
	}
	give_back(mark, r->counts); /* no room: the kernel shows the thread again */
	if (w && r->waits.pid)
		give_back_waits(w, &r->waits);
	return 0;
}

/* Makes what one thread has had and not sent what the other has: less is then taken of that. */
static __always_inline void hand_over(struct waits *from, struct waits *to)
{
	for (int i = 0; i < WAIT_BUCKETS; i++) {
		u32 now = from->buckets[i];

		__sync_fetch_and_sub(&to->taken[i],
				     now - __sync_lock_test_and_set(&from->taken[i], now));
	}
	__sync_fetch_and_sub(&to->sum_taken, from->sum - from->sum_taken);
	from->sum_taken = from->sum;
	if (from->longest_ns > to->longest_ns)
		to->longest_ns = from->longest_ns;
}

static __noinline int send_waits(struct task_struct *task, struct waits *w)
{
	struct waits_delta *d = RESERVE(struct waits_delta);

	if (!d)
		return 0;
	if (take_waits(task, w, d))
		submit_patient(d);
	else
		bpf_ringbuf_discard(d, BPF_RB_NO_WAKEUP);
	return 0;
}

/* A thread leaves its waits to the first one of its process, which is there until all have ended. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_waits, struct task_struct *task)
{
	struct waits *w = find_waits(task);
	struct waits *first = w;

	if (task->pid != task->tgid)
		first = find_waits(task->group_leader);
	if (!w || !first)
		return 0;
	if (first != w && w->sum != w->sum_taken)
		hand_over(w, first);
	if (task->signal->live.counter == 0 && first->sum != first->sum_taken)
		send_waits(task, first);
	return 0;
}

/* --- the same where the kernel makes no stamps: at the cost of a clock and a second hook --- */

static __always_inline void stamp(struct task_struct *task)
{
	struct waits *w = find_waits(task);

	if (w)
		w->queued_ns = bpf_ktime_get_ns();
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	stamp(task);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	stamp(task);
	return 0;
}

/* A waker that is at work on prev has made its state TASK_WAKING by now, but not yet 0. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch_stamped, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u64 now_ns = bpf_ktime_get_ns();
	struct waits *w = prev->pid ? find_waits(prev) : NULL;

	if (w)
		w->queued_ns = preempt || !task_state(prev) ? now_ns : 0;
	w = next->pid ? find_waits(next) : NULL;
	if (!w)
		return 0;
	w->arrivals++;
	if (w->queued_ns) {
		u64 ns = since(now_ns, w->queued_ns);

		w->run_delay_ns += ns;
		w->queued_ns = 0;
		if (ns >= HISTOGRAM_FROM_NS)
			keep(w, ns);
	}
	return 0;
}

/* --- the states in which threads are off the CPU; keeps the distribution as well --- */

static __always_inline u64 ready_ns(struct task_struct *task, struct waits *w)
{
	return since(task->sched_info.run_delay, w->off_run_delay);
}

/* The thread was back on a CPU at arrived_ns, having been ready for the last ready_ns. */
static __always_inline void come_back(struct waits *w, u64 arrived_ns, u64 ready_ns)
{
	if (is_off(w, OFF_PREEMPTED))
		w->preempted_ns += ready_ns;
	else if (is_off(w, OFF_UNINTERRUPTIBLE))
		w->uninterruptible_ns += since(arrived_ns, w->off_ns + ready_ns);
	w->off = OFF_NOT;
}

static __always_inline void leave(struct task_struct *prev, bool preempt, u32 state)
{
	struct waits *w;
	u32 off;

	if (preempt || !state)
		off = OFF_PREEMPTED;
	else if ((state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE)
		off = OFF_UNINTERRUPTIBLE;
	else
		return;
	w = prev->pid ? find_waits(prev) : NULL;
	if (!w)
		return;
	if (w->off != OFF_NOT)
		come_back(w, prev->sched_info.last_arrival, ready_ns(prev, w));
	w->off_run_delay = prev->sched_info.run_delay;
	w->off_ns = prev->se.cfs_rq->rq->clock;
	w->off_epoch = control.states_epoch;
	w->off = off;
}

/*
 * Some kernels now and then do not show a switch from the idle task. The scheduler's own stamp of the
 * last arrival, which is older than the switch being looked at, tells that such a thread was back.
 */
static __always_inline void arrive(struct task_struct *next)
{
	struct waits *w = next->pid ? find_waits(next) : NULL;
	u64 ns;

	if (!w)
		return;
	ns = wait_ns(next);
	if (ns >= HISTOGRAM_FROM_NS)
		keep(w, ns);
	if (w->off == OFF_NOT)
		return;
	if (next->sched_info.last_arrival > w->off_ns)
		come_back(w, next->sched_info.last_arrival, ready_ns(next, w));
	else /* the kernel adds this piece to run_delay in a moment */
		come_back(w, next->se.cfs_rq->rq->clock, ready_ns(next, w) + ns);
}

/* prev_state is told from 5.18 on (fa2c3254d7cf). */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch_states, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	leave(prev, preempt, prev_state);
	arrive(next);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch_states_old, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	leave(prev, preempt, task_state(prev));
	arrive(next);
	return 0;
}
