/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests to block devices, at their completion. A request carries the times at which it was made
 * and given to the device, if the kernel stamped it: then this one hook is all, without a map of
 * requests. For a disk whose requests come without (queue/iostats is 0), user space attaches the
 * programs that make the stamps, kept by the address of the request.
 *
 * What counts as one operation:
 * - A request may be completed in parts, each with its own call of the hook: it is done when the part
 *   reaches the end of what was left.
 * - One that was merged into another never completes; the other has its bytes.
 * - A write that asks for flushes (fsync, a journal's commit) is done by the kernel in steps, and
 *   completed once more, empty, at the end: the data is the write, the flush that goes to the device
 *   is the flush. The kernel makes one flush for all that wait for one.
 * - Of one that was given back and sent again, the time on the device is that of the last try, and
 *   of a disk without stamps all times are.
 */
#define RING_BYTES (1 << 19)
#include "source.bpf.h"
#include "compat.bpf.h"
#include "io_latency.h"

#define REQUESTS 8192 /* in flight at a time, of those that maps hold */

/* include/linux/blk_types.h */
#define REQ_OP_MASK	   0xff
#define REQ_OP_READ	   0
#define REQ_OP_WRITE	   1
#define REQ_OP_FLUSH	   2
#define REQ_OP_DISCARD	   3
#define REQ_OP_ZONE_APPEND 7
#define REQ_SYNC	   (1 << 11)

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

volatile struct io_slot slots[IO_SLOTS] SEC(".data.slots") = {};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IO_SLOTS);
	__type(key, __u32);
	__type(value, struct io_cell);
} cells SEC(".maps");

/* Who issued a request. */
struct issuer {
	u64 request_ns; /* its start_time_ns, which tells it from a later one at the same address */
	u64 start_time_ns;
	u32 pid;
	u32 ppid;
	u32 uid;
	u32 kind; /* enum io_issuer */
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REQUESTS);
	__type(key, u64); /* address of the request */
	__type(value, struct issuer);
} issuers SEC(".maps");

/* The times of a request that the kernel did not stamp. */
struct stamps {
	u64 start_ns;
	u64 issue_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REQUESTS);
	__type(key, u64); /* address of the request */
	__type(value, struct stamps);
} stamps SEC(".maps");

static const char op_names[][16] __attribute__((aligned(8))) = {
	[IO_READ] = "read",	  [IO_WRITE] = "write", [IO_FLUSH] = "flush",
	[IO_DISCARD] = "discard", [IO_OTHER] = "other",
};

static __always_inline u32 request_op(struct request *rq)
{
	switch (rq->cmd_flags & REQ_OP_MASK) {
	case REQ_OP_READ:
		return IO_READ;
	case REQ_OP_WRITE:
	case REQ_OP_ZONE_APPEND:
		return IO_WRITE;
	case REQ_OP_FLUSH:
		return IO_FLUSH;
	case REQ_OP_DISCARD:
		return IO_DISCARD;
	default:
		return IO_OTHER;
	}
}

#define SLOT_NONE  -1
#define SLOT_TAKEN 0x10000 /* in what slot_of gives: by this call, and it has no name yet */

/*
 * The index of the slot of that key; SLOT_NONE if it has none, and with `take` no more fit. Not
 * static, so that the verifier looks at it by itself and not once for each path that leads here.
 */
__noinline int slot_of(u64 key, u32 take)
{
	u32 first = key * 0x9e3779b97f4a7c15ull >> 56;

	_Static_assert(IO_SLOTS == 1 << (64 - 56), "the hash fills the table");
	for (u32 i = 0; i < IO_PLACES; i++) {
		u32 index = (first + i) & (IO_SLOTS - 1);
		u64 there = slots[index].key;

		if (there == key)
			return index;
		if (there)
			continue;
		if (!take)
			return SLOT_NONE;
		there = __sync_val_compare_and_swap(&slots[index].key, 0, key);
		if (!there)
			return index | SLOT_TAKEN;
		if (there == key)
			return index;
	}
	return SLOT_NONE;
}

static __always_inline int find_slot(struct request *rq, u32 op, bool take)
{
	struct gendisk *disk = request_disk(rq);
	int slot = slot_of(io_slot_key(disk->major, disk->first_minor, op), take);

	if (slot >= 0 && slot & SLOT_TAKEN) {
		slot &= IO_SLOTS - 1;
		bpf_probe_read_kernel_str((char *)slots[slot].name, IO_DEVICE_NAME,
					  disk->disk_name);
	}
	return slot;
}

struct times {
	u64 ns[IO_TIMES]; /* NOT_MEASURED if the stamps for it are missing */
	bool stamped;	  /* by the kernel */
};

static __always_inline u64 since(u64 stamp_ns, u64 now_ns)
{
	if (!stamp_ns)
		return NOT_MEASURED;
	return now_ns > stamp_ns ? now_ns - stamp_ns : 0;
}

/*
 * The kernel's own stamps; 0 for what it did not stamp. Since 6.9 the stamp of the start is not set
 * back, but stands there from an earlier use of the same memory. It is of this request if that is
 * accounted for (then it has a `part`), or is a flush, which is made anew each time.
 */
static __always_inline void kernel_stamps(struct request *rq, u32 op, struct stamps *s)
{
	s->start_ns = rq->part || op == IO_FLUSH ? rq->start_time_ns : 0;
	s->issue_ns = rq->io_start_time_ns;
	if (s->issue_ns < s->start_ns)
		s->issue_ns = 0;
}

/* Fills in what the kernel did not stamp, and forgets the request. */
static __always_inline void take_stamps(struct request *rq, struct stamps *s)
{
	u64 key = (u64)rq;
	struct stamps *made = bpf_map_lookup_elem(&stamps, &key);

	if (!made)
		return;
	s->start_ns = s->start_ns ?: made->start_ns;
	s->issue_ns = s->issue_ns ?: made->issue_ns;
	bpf_map_delete_elem(&stamps, &key);
}

static __always_inline void take_times(struct request *rq, u32 op, u64 now_ns, struct times *t)
{
	struct stamps s;

	kernel_stamps(rq, op, &s);
	t->stamped = s.start_ns && s.issue_ns;
	if (control.io_stamped)
		take_stamps(rq, &s);
	t->ns[IO_TOTAL] = since(s.start_ns, now_ns);
	t->ns[IO_DEVICE] = since(s.issue_ns, now_ns);
	t->ns[IO_QUEUE] = s.start_ns && s.issue_ns ? since(s.start_ns, s.issue_ns) : NOT_MEASURED;
}

/* Not static for the same reason as slot_of. */
__noinline u32 bucket_of(u64 ns)
{
	return io_bucket(ns);
}

static __always_inline void add_time(struct io_cell *cell, struct io_longest *longest,
				     struct times *t, u32 which)
{
	u64 ns = t->ns[which];
	u32 bucket;

	if (ns == NOT_MEASURED)
		return;
	bucket = bucket_of(ns);
	if (bucket < IO_BUCKETS)
		cell->buckets[which][bucket]++;
	if (ns > longest->ns[which])
		longest->ns[which] = ns;
}

/* Plain additions: on one CPU the program does not run into itself (else it is counted as not run). */
static __always_inline void add_times(struct io_cell *cell, struct times *t)
{
	u64 interval = control.io_interval;
	struct io_longest *longest = &cell->longest[interval & 1];

	if (longest->interval != interval) {
		longest->interval = interval;
		longest->ns[IO_QUEUE] = longest->ns[IO_DEVICE] = longest->ns[IO_TOTAL] = 0;
	}
	add_time(cell, longest, t, IO_QUEUE);
	add_time(cell, longest, t, IO_DEVICE);
	add_time(cell, longest, t, IO_TOTAL);
	cell->ops++;
	if (t->ns[IO_QUEUE] == NOT_MEASURED)
		cell->untimed++;
}

/* Returns false if there is no room for the device. */
static __always_inline bool add_up(struct request *rq, u32 op, int status, u32 bytes,
				   struct times *t)
{
	int index = find_slot(rq, op, true);
	u32 key = index & (IO_SLOTS - 1);
	struct io_cell *cell = index < 0 ? NULL : bpf_map_lookup_elem(&cells, &key);

	if (!cell)
		return false;
	cell->bytes += bytes;
	if (status)
		cell->errors++;
	if (t)
		add_times(cell, t);
	return true;
}

static __always_inline bool is_slow(struct times *t)
{
	u64 floor_ns = control.floor_ns;

	return (t->ns[IO_TOTAL] != NOT_MEASURED && t->ns[IO_TOTAL] >= floor_ns) ||
	       (t->ns[IO_DEVICE] != NOT_MEASURED && t->ns[IO_DEVICE] >= floor_ns);
}

static __always_inline void set_issuer(struct ev_io_request *e, struct issuer *from, u32 op)
{
	__builtin_memset(e->comm, 0, sizeof(e->comm));
	e->pid = e->ppid = e->uid = 0;
	e->start_time_ns = 0;
	/* flushes have no issuer: the kernel makes one for all that wait for it */
	e->issuer_kind = op == IO_FLUSH ? IO_ISSUER_KERNEL : IO_ISSUER_UNKNOWN;
	if (!from)
		return;
	e->issuer_kind = from->kind;
	e->pid = from->pid;
	e->ppid = from->ppid;
	e->uid = from->uid;
	e->start_time_ns = from->start_time_ns;
	__builtin_memcpy(e->comm, from->comm, sizeof(e->comm));
}

static __always_inline void report(struct request *rq, u32 op, int status, u32 bytes, u64 now_ns,
				   struct times *t)
{
	struct ev_io_request *e = RESERVE_POINT(struct ev_io_request, now_ns);
	struct gendisk *disk;
	u64 key = (u64)rq;

	if (!e)
		return;
	disk = request_disk(rq);
	e->ts_ns = now_ns;
	e->latency_ns = t->ns[IO_TOTAL];
	e->queue_ns = t->ns[IO_QUEUE];
	e->device_ns = t->ns[IO_DEVICE];
	e->bytes = bytes;
	e->sector = rq->__sector;
	e->status = status;
	__builtin_memcpy(e->op, op_names[op < IO_OTHER ? op : IO_OTHER], sizeof(e->op));
	__builtin_memset(e->device, 0, sizeof(e->device));
	bpf_probe_read_kernel_str(e->device, sizeof(e->device), disk->disk_name);
	set_issuer(e, control.io_issuers ? bpf_map_lookup_elem(&issuers, &key) : NULL, op);
	submit_urgent(e);
}

static __always_inline void forget_issuer(struct request *rq)
{
	u64 key = (u64)rq;

	if (control.io_issuers)
		bpf_map_delete_elem(&issuers, &key);
}

/* Commands to the device itself are never stamped; it is not worth a map to time them. */
static __always_inline void note_no_stamps(struct request *rq, u32 op)
{
	int index = op == IO_OTHER ? -1 : find_slot(rq, op, true);

	if (index >= 0)
		slots[index & (IO_SLOTS - 1)].no_stamps = control.io_interval;
}

/* One of a device that has no room among the samples is reported all the same; then it counts twice. */
static __always_inline void complete(struct request *rq, u32 op, int status, u32 bytes)
{
	u64 now_ns = bpf_ktime_get_ns();
	bool sampled = control.io_sampled, added;
	struct times t;

	take_times(rq, op, now_ns, &t);
	if (!t.stamped)
		note_no_stamps(rq, op);
	added = sampled && add_up(rq, op, status, bytes, &t);
	if (sampled && !added)
		COUNT(map_full);
	if (control.io_requested && (status || is_slow(&t)))
		report(rq, op, status, bytes, now_ns, &t);
	else if (added)
		COUNT(aggregated);
	else if (!sampled)
		COUNT(filtered);
}

static __always_inline void complete_part(struct request *rq, u32 op, int status, u32 bytes)
{
	if (!control.io_sampled)
		COUNT(filtered);
	else if (add_up(rq, op, status, bytes, NULL))
		COUNT(aggregated);
	else
		COUNT(map_full);
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *rq, int status, unsigned int bytes)
{
	u32 op = request_op(rq);

	/* a request to a controller, before it has a disk; the end of a write with flushes */
	if (!request_disk(rq) || (op == IO_WRITE && bytes == 0)) {
		COUNT(filtered);
	} else if (bytes < rq->__data_len) {
		complete_part(rq, op, status, bytes);
		return 0;
	} else {
		complete(rq, op, status, bytes);
	}
	forget_issuer(rq);
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(on_requeue, struct request *rq)
{
	int index = request_disk(rq) ? find_slot(rq, request_op(rq), true) : -1;
	u32 key = index & (IO_SLOTS - 1);
	struct io_cell *cell = index < 0 ? NULL : bpf_map_lookup_elem(&cells, &key);

	if (!cell) {
		COUNT(map_full);
		return 0;
	}
	__sync_fetch_and_add(&cell->requeues, 1);
	COUNT(aggregated);
	return 0;
}

/* --- who issued a request --- */

/*
 * Pages that were written to the page cache are written out by threads of the kernel, in the
 * background (not REQ_SYNC); who filled them is not known any more.
 */
static __always_inline u32 issuer_kind(struct task_struct *task, struct request *rq)
{
	if (!(task->flags & PF_KTHREAD))
		return IO_ISSUER_EXACT;
	return request_op(rq) == IO_WRITE && !(rq->cmd_flags & REQ_SYNC) ? IO_ISSUER_WRITEBACK
									 : IO_ISSUER_KERNEL;
}

static __always_inline void remember_issuer(struct request *rq)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct issuer issuer = { .request_ns = rq->start_time_ns, .pid = task->tgid };
	u64 key = (u64)rq;

	issuer.kind = issuer_kind(task, rq);
	copy_comm(issuer.comm, task->group_leader);
	FILL_PROCESS_CONTEXT(&issuer, task);
	bpf_map_update_elem(&issuers, &key, &issuer, BPF_ANY);
}

/* Since 6.5 (5a80bd075f3b): the process asks for it. */
SEC("tp_btf/block_io_start")
int BPF_PROG(issuer_at_start, struct request *rq)
{
	remember_issuer(rq);
	return 0;
}

/* Who comes first with a request; it may come again, when it was given back. */
static __always_inline void remember_first(struct request *rq)
{
	u64 key = (u64)rq;
	struct issuer *issuer = bpf_map_lookup_elem(&issuers, &key);

	if (!issuer || issuer->request_ns != rq->start_time_ns)
		remember_issuer(rq);
}

/* Before: it is put into the queue or, past it, sent; mostly by the process too. */
SEC("tp_btf/block_rq_insert")
int BPF_PROG(issuer_at_insert, struct request *rq)
{
	remember_first(rq);
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(issuer_at_issue, struct request *rq)
{
	remember_first(rq);
	return 0;
}

SEC("tp_btf/block_rq_merge")
int BPF_PROG(issuer_merged, struct request *rq)
{
	forget_issuer(rq);
	return 0;
}

/* --- stamps for requests that the kernel does not stamp --- */

static __always_inline bool lacks_stamps(struct request *rq)
{
	int index = request_disk(rq) ? find_slot(rq, request_op(rq), false) : -1;

	return index >= 0 && slots[index & (IO_SLOTS - 1)].no_stamps;
}

static __always_inline void make_stamps(struct request *rq, bool issued)
{
	struct stamps s = {};
	u64 key = (u64)rq;

	if (!lacks_stamps(rq))
		return;
	s.start_ns = bpf_ktime_get_ns();
	s.issue_ns = issued ? s.start_ns : 0;
	bpf_map_update_elem(&stamps, &key, &s, BPF_ANY);
}

SEC("tp_btf/block_io_start")
int BPF_PROG(stamp_at_start, struct request *rq)
{
	make_stamps(rq, false);
	return 0;
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(stamp_at_insert, struct request *rq)
{
	make_stamps(rq, false);
	return 0;
}

/*
 * A request that went past the queue, or is sent again, starts here. (That it is sent again cannot be
 * told from an earlier one at the same address whose end was not seen.)
 */
SEC("tp_btf/block_rq_issue")
int BPF_PROG(stamp_at_issue, struct request *rq)
{
	u64 key = (u64)rq;
	struct stamps *s = bpf_map_lookup_elem(&stamps, &key);

	if (s && !s->issue_ns)
		s->issue_ns = bpf_ktime_get_ns();
	else
		make_stamps(rq, true);
	return 0;
}

SEC("tp_btf/block_rq_merge")
int BPF_PROG(stamp_merged, struct request *rq)
{
	u64 key = (u64)rq;

	bpf_map_delete_elem(&stamps, &key);
	return 0;
}
