/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every BPF object has: the ring to user space, the control block, the counters, and the one
 * way to send a record. Included once by each .bpf.c, after RING_BYTES is defined.
 */
#ifndef KERNELSIGHT_SOURCE_BPF_H
#define KERNELSIGHT_SOURCE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "source.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct source_counters);
} counters SEC(".maps");

/* Point records of this CPU in one second, which begins at second_ns. */
struct point_count {
	__u64 second_ns;
	__u64 n;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct point_count);
} points SEC(".maps");

volatile struct source_control control SEC(".data.control") = { .floor_ns = 10000000 };

/* Adds one to a counter of this CPU. Atomic, because an interrupt may count in between. */
#define COUNT(name)                                                                                \
	do {                                                                                       \
		__u32 zero_ = 0;                                                                   \
		struct source_counters *c_ = bpf_map_lookup_elem(&counters, &zero_);               \
		if (c_)                                                                            \
			__sync_fetch_and_add(&c_->name, 1);                                        \
	} while (0)

/* Room for a record in the ring, or NULL, counted. */
#define RESERVE(type)                                                                              \
	({                                                                                         \
		type *r_ = bpf_ringbuf_reserve(&ring, sizeof(type), 0);                            \
		if (!r_)                                                                           \
			COUNT(ring_full);                                                          \
		r_;                                                                                \
	})

#define SECOND_NS 1000000000ULL

/*
 * Does a point record with this time keep within the limit? Counted if not. Seconds only go forward:
 * what is reported late counts in the second that has been reached, or it would begin it anew.
 */
static __always_inline bool within_limit(__u64 ts_ns)
{
	__u32 limit = control.limit_per_s;
	__u32 zero = 0;
	struct point_count *c;

	if (!limit)
		return true;
	c = bpf_map_lookup_elem(&points, &zero);
	if (!c)
		return true;
	if (ts_ns >= c->second_ns + SECOND_NS) {
		c->second_ns = ts_ns - ts_ns % SECOND_NS;
		c->n = 0;
	}
	if (__sync_fetch_and_add(&c->n, 1) < limit)
		return true;
	COUNT(rate_limited);
	return false;
}

/* The same for a record of a POINT type, which is sent for each event: within the limit. */
#define RESERVE_POINT(type, ts_ns)                                                                 \
	({                                                                                         \
		bool may_ = within_limit(ts_ns);                                                   \
		type *p_ = may_ ? RESERVE(type) : NULL;                                            \
		if (may_ && !p_)                                                                   \
			COUNT(points_full);                                                        \
		p_;                                                                                \
	})

/*
 * Counts a record that is in the ring. An atomic whose result is used is a full memory barrier on
 * every processor: what follows is ordered behind the producer's position that reserve has moved.
 */
static __always_inline void count_emitted(void)
{
	__u32 zero = 0;
	struct source_counters *c = bpf_map_lookup_elem(&counters, &zero);
	__u64 before;

	if (!c)
		return;
	before = __sync_fetch_and_add(&c->emitted, 1);
	asm volatile("" : : "r"(before));
}

/*
 * Sends a record and wakes the reader if it sleeps. Without the barrier in between, this side could
 * see a reader awake that does not see the record yet and goes to sleep. The plain read before the
 * exchange keeps a flood from fighting over the line.
 */
static __always_inline void submit_urgent(void *record)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	count_emitted();
	if (control.reader_sleeps && __sync_lock_test_and_set(&control.reader_sleeps, 0))
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(record, flags);
}

/* For a record that may wait for the reader's next look, unless the ring is half full by now. */
static __always_inline __u64 patient_flags(void)
{
	__u64 half = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE) / 2;

	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= half ? BPF_RB_FORCE_WAKEUP
								   : BPF_RB_NO_WAKEUP;
}

static __always_inline void submit_patient(void *record)
{
	COUNT(emitted);
	bpf_ringbuf_submit(record, patient_flags());
}

/*
 * What the map keeps of a task, made if it is not there; NULL, counted, if there is no memory. Of two that
 * make it at once, as a walk and the birth of a thread may, one is refused.
 */
#define MAKE_TASK_STORAGE(map, task)                                                               \
	({                                                                                         \
		void *s_ =                                                                         \
			bpf_task_storage_get(&(map), task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);  \
		if (!s_)                                                                           \
			s_ = bpf_task_storage_get(&(map), task, NULL, 0);                          \
		if (!s_)                                                                           \
			COUNT(no_storage);                                                         \
		s_;                                                                                \
	})

/* Copies a task's name in two loads; the helper for it and a byte-wise copy cost several times that. */
static __always_inline void copy_comm(char to[16], struct task_struct *task)
{
	const __u64 *from = (const __u64 *)task->comm;

	((__u64 *)to)[0] = from[0];
	((__u64 *)to)[1] = from[1];
}

/* Fills the fields that PROCESS_CONTEXT in events.def gives to a record. */
#define FILL_PROCESS_CONTEXT(record, task)                                                         \
	do {                                                                                       \
		(record)->ppid = (task)->real_parent->tgid;                                        \
		(record)->uid = (task)->cred->uid.val;                                             \
		(record)->start_time_ns = (task)->group_leader->start_boottime;                    \
	} while (0)

#endif
