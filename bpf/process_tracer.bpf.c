/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who the processes are: their program, arguments and cgroup, told when they change, as a process
 * may be gone before anybody could look. Programs and cgroups are told as the names on the way up
 * to their root: to write a path is user space's work. On a fork nothing of that is told, as a copy
 * has what its parent has.
 *
 * Which cgroup: where version 2 has the memory controller, that of version 2; else that of the
 * memory (or pids) controller of version 1, unless that is the root. On hybrid hosts version 2 is
 * often unused, or used by systemd alone.
 */
#define RING_BYTES (1 << 20)
#include "source.bpf.h"
#include "compat.bpf.h"
#include "process.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

#define DEPTH_MAX 48 /* names and mounts on the way up */

struct scratch {
	struct process_record r;
	char text[PROCESS_NAMES_MAX + PROCESS_NAME_MAX + PROCESS_ARGS_MAX + 8];
	/* How much of it is filled. In memory, and so unknown to the verifier, which else would try
	 * the loops with every length there can be. */
	volatile u32 at;
};

/* Too large for the stack. One for hooks, one for the walk, which a hook may interrupt. */
enum { SCRATCH_EXEC, SCRATCH_MOVE, SCRATCH_WALK, SCRATCHES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch(__u32 which)
{
	return bpf_map_lookup_elem(&scratches, &which);
}

static __always_inline void describe(struct process_record *r, struct task_struct *task, u8 change)
{
	r->bytes = sizeof(*r);
	r->pid = task->tgid;
	r->ts_ns = bpf_ktime_get_ns();
	r->start_time_ns = task->group_leader->start_boottime;
	r->from_start_time_ns = 0;
	r->from_pid = 0;
	r->change = change;
	r->flags = task->flags & PF_KTHREAD ? PROCESS_KERNEL : 0;
	r->exe_bytes = r->cgroup_bytes = r->args_bytes = 0;
	r->pad = 0;
	copy_comm(r->comm, task->group_leader);
}

/* --- cgroups --------------------------------------------------------------------------------- */

/* The cgroup of a controller of version 1; NULL if the controller is not there, or in version 2. */
static __always_inline struct cgroup *cgroup_v1(struct css_set *set, u32 controller)
{
	struct cgroup_subsys_state *css = NULL;
	struct cgroup *cgroup;

	bpf_probe_read_kernel(&css, sizeof(css), &set->subsys[controller & 15]);
	cgroup = BPF_CORE_READ(css, cgroup);
	return BPF_CORE_READ(cgroup, root) == BPF_CORE_READ(set, dfl_cgrp, root) ? NULL : cgroup;
}

static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *cgroup = NULL;

	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		cgroup = cgroup_v1(set, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (!cgroup && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		cgroup = cgroup_v1(set, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	if (!cgroup || !BPF_CORE_READ(cgroup, level))
		cgroup = BPF_CORE_READ(set, dfl_cgrp);
	return cgroup;
}

static __always_inline void *end_of_names(struct scratch *s)
{
	return &s->text[s->at & (PROCESS_NAMES_MAX - 1)];
}

static __always_inline void add_name(struct scratch *s, const void *name)
{
	long n = bpf_probe_read_kernel_str(end_of_names(s), PROCESS_NAME_MAX, name);

	if (n > 0)
		s->at += n;
}

static __always_inline void add_cgroup(struct scratch *s, struct cgroup *cgroup)
{
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);
	struct kernfs_node *parent = kernfs_parent(node);
	u32 from = s->at;

	s->r.flags |= PROCESS_HAS_CGROUP;
	for (int i = 0; i < DEPTH_MAX && parent && s->at < PROCESS_NAMES_MAX; i++) {
		add_name(s, BPF_CORE_READ(node, name));
		node = parent;
		parent = kernfs_parent(node);
	}
	if (parent)
		s->r.flags |= PROCESS_CGROUP_CUT;
	s->r.cgroup_bytes = s->at - from;
}

/* --- programs -------------------------------------------------------------------------------- */

static __always_inline struct mount *mount_of(struct vfsmount *mount)
{
	return (void *)mount - bpf_core_field_offset(struct mount, mnt);
}

/* Walks from the file up to the root of its tree of mounts, as /proc/PID/exe does. */
static __always_inline void add_exe(struct scratch *s, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct mount *mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
	bool whole = false;

	if (!BPF_CORE_READ(dentry, d_hash.pprev))
		s->r.flags |= PROCESS_EXE_DELETED;
	for (int i = 0; i < DEPTH_MAX && !whole && s->at < PROCESS_NAMES_MAX / 2; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) && mount != above) {
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			continue;
		}
		whole = dentry == parent;
		if (!whole || !s->at) /* its own root and no more: made by memfd_create(2) */
			add_name(s, BPF_CORE_READ(dentry, d_name.name));
		dentry = parent;
	}
	if (!whole)
		s->r.flags |= PROCESS_EXE_CUT;
	s->r.exe_bytes = s->at;
}

/* The pages are there, as the kernel has just written them. Of the current task only. */
static __always_inline void add_args(struct scratch *s, struct mm_struct *mm)
{
	u64 start = mm->arg_start;
	u64 n = mm->arg_end - start;

	if (n > PROCESS_ARGS_MAX) {
		n = PROCESS_ARGS_MAX;
		s->r.flags |= PROCESS_ARGS_CUT;
	}
	if (s->at >= PROCESS_NAMES_MAX || bpf_probe_read_user(end_of_names(s), n, (void *)start))
		return;
	s->r.args_bytes = n;
	s->at += n;
}

/* The length of the record. */
static __always_inline u32 finish(struct scratch *s)
{
	u32 bytes = (sizeof(s->r) + s->at + 7) & ~7u;

	if (bytes > sizeof(*s))
		bytes = sizeof(*s);
	s->r.bytes = bytes;
	return bytes;
}

/* --- hooks ----------------------------------------------------------------------------------- */

static __always_inline int send(struct scratch *s)
{
	u32 bytes = finish(s);

	if (bpf_ringbuf_output(&ring, s, bytes, patient_flags()))
		COUNT(ring_full);
	else
		COUNT(emitted);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct scratch *s = scratch(SCRATCH_EXEC);

	if (!s)
		return 0;
	describe(&s->r, task, PROCESS_EXECED);
	s->at = 0;
	add_exe(s, task->mm->exe_file);
	add_cgroup(s, cgroup_of(task));
	add_args(s, task->mm);
	return send(s);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_record *r;

	if (child->pid != child->tgid) {
		COUNT(filtered);
		return 0;
	}
	if (child->cgroups != parent->group_leader->cgroups) {
		struct scratch *s = scratch(SCRATCH_MOVE);

		if (!s)
			return 0;
		describe(&s->r, child, PROCESS_FORKED);
		s->r.from_pid = parent->tgid;
		s->r.from_start_time_ns = parent->group_leader->start_boottime;
		s->at = 0;
		add_cgroup(s, cgroup_of(child));
		return send(s);
	}
	r = RESERVE(struct process_record);
	if (!r)
		return 0;
	describe(r, child, PROCESS_FORKED);
	r->from_pid = parent->tgid;
	r->from_start_time_ns = parent->group_leader->start_boottime;
	submit_patient(r);
	return 0;
}

static __always_inline int tell(struct task_struct *task, bool worth_it, u8 change)
{
	struct process_record *r;

	if (!worth_it) {
		COUNT(filtered);
		return 0;
	}
	r = RESERVE(struct process_record);
	if (!r)
		return 0;
	describe(r, task, change);
	submit_patient(r);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	return tell(task, task->signal->live.counter == 0, PROCESS_ENDED);
}

/* Runs before the name is changed. */
SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *comm)
{
	struct process_record *r;

	if (task->pid != task->tgid) {
		COUNT(filtered);
		return 0;
	}
	r = RESERVE(struct process_record);
	if (!r)
		return 0;
	describe(r, task, PROCESS_RENAMED);
	bpf_probe_read_kernel_str(r->comm, sizeof(r->comm), comm);
	submit_patient(r);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_move, struct cgroup *to, const char *path, struct task_struct *task)
{
	struct scratch *s = scratch(SCRATCH_MOVE);

	if (!s)
		return 0;
	if (task->pid != task->tgid) {
		COUNT(filtered);
		return 0;
	}
	describe(&s->r, task, PROCESS_MOVED);
	s->at = 0;
	add_cgroup(s, cgroup_of(task));
	return send(s);
}

SEC("iter/task")
int on_walk(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct scratch *s = scratch(SCRATCH_WALK);
	struct mm_struct *mm;

	if (!task || !s || task->pid != task->tgid)
		return 0;
	describe(&s->r, task, PROCESS_SEEN);
	if (task->signal->live.counter == 0)
		s->r.flags |= PROCESS_IS_ZOMBIE;
	s->at = 0;
	mm = task->mm;
	if (mm && !(task->flags & PF_KTHREAD))
		add_exe(s, mm->exe_file);
	add_cgroup(s, cgroup_of(task));
	bpf_seq_write(ctx->meta->seq, s, finish(s));
	return 0;
}
