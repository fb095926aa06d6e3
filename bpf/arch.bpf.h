/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What differs between processors: how a 32-bit call is told and where a call returns to. */
#ifndef KERNELSIGHT_ARCH_BPF_H
#define KERNELSIGHT_ARCH_BPF_H

#if defined(__TARGET_ARCH_x86)

#define NR_RT_SIGRETURN	   15
#define NR_RESTART_SYSCALL 219

#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h: in a 32-bit system call */

static __always_inline bool task_in_compat_call(struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}

static __always_inline u32 regs_syscall_number(struct pt_regs *regs)
{
	return regs->orig_ax;
}

/* The kernel leaves the arguments in place while a call runs. */
static __always_inline u64 regs_first_argument(struct pt_regs *regs, bool compat)
{
	return compat ? BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di);
}

static __always_inline u64 regs_ip(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, ip);
}

static __always_inline u64 regs_sp(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, sp);
}

#elif defined(__TARGET_ARCH_arm64)

#define NR_RT_SIGRETURN	   139
#define NR_RESTART_SYSCALL 128

#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */

static __always_inline bool task_in_compat_call(struct task_struct *task)
{
	return task->thread_info.flags >> TIF_32BIT & 1;
}

static __always_inline u32 regs_syscall_number(struct pt_regs *regs)
{
	return regs->syscallno;
}

/* x0 holds the first argument until the result overwrites it; the kernel keeps the original. */
static __always_inline u64 regs_first_argument(struct pt_regs *regs, bool compat)
{
	return BPF_CORE_READ(regs, orig_x0);
}

static __always_inline u64 regs_ip(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, user_regs.pc);
}

static __always_inline u64 regs_sp(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, user_regs.sp);
}

#else
#error "no description of this processor in bpf/arch.bpf.h"
#endif

/* the same for i386 and 32-bit ARM */
#define NR_COMPAT_RESTART_SYSCALL 0
#define NR_COMPAT_SIGRETURN	  119
#define NR_COMPAT_RT_SIGRETURN	  173

static __always_inline bool is_restart_syscall(u32 nr, bool compat)
{
	return nr == (compat ? NR_COMPAT_RESTART_SYSCALL : NR_RESTART_SYSCALL);
}

/* How a signal handler ends. */
static __always_inline bool is_sigreturn(u32 nr, bool compat)
{
	if (compat)
		return nr == NR_COMPAT_SIGRETURN || nr == NR_COMPAT_RT_SIGRETURN;
	return nr == NR_RT_SIGRETURN;
}

#endif
