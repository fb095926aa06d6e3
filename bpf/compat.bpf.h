/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Differences between kernels, each with the commit that made it. */
#ifndef KERNELSIGHT_COMPAT_BPF_H
#define KERNELSIGHT_COMPAT_BPF_H

/* task_struct.state became __state in 5.14 (2f064a59a11f). */
static __always_inline unsigned int task_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ(old, state);
}

#endif
