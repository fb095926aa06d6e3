/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What process_tracer tells user space of processes: one record for each change. */
#ifndef KERNELSIGHT_PROCESS_RECORDS_H
#define KERNELSIGHT_PROCESS_RECORDS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum process_change {
	PROCESS_SEEN,	/* by the walk over all: exe, cgroup */
	PROCESS_FORKED, /* from_*: of whom it is a copy; cgroup if it is not that one's */
	PROCESS_EXECED, /* exe, cgroup, args */
	PROCESS_RENAMED,
	PROCESS_MOVED, /* to another cgroup */
	PROCESS_ENDED,
};

enum process_flags {
	PROCESS_EXE_CUT = 1, /* the first directories are missing */
	PROCESS_EXE_DELETED = 2,
	PROCESS_CGROUP_CUT = 4,
	PROCESS_ARGS_CUT = 8,
	PROCESS_KERNEL = 16, /* a thread of the kernel: has neither exe nor args */
	PROCESS_HAS_CGROUP = 32,
	PROCESS_IS_ZOMBIE = 64, /* has ended, and nobody has waited for it */
};

#define PROCESS_NAMES_MAX 4096 /* bytes of the names in exe and cgroup together */
#define PROCESS_NAME_MAX  256  /* of one, with its NUL */
#define PROCESS_ARGS_MAX  4096

/*
 * Behind it: exe_bytes of names of the path to the program, the last one first, each with a NUL;
 * cgroup_bytes of names in the same way; args_bytes of arguments as they stand in the process's
 * memory. Then zero to seven bytes more.
 */
struct process_record {
	__u32 bytes; /* all of it; a multiple of 8 */
	__u32 pid;
	__u64 ts_ns; /* CLOCK_MONOTONIC */
	__u64 start_time_ns;
	__u64 from_start_time_ns;
	__u32 from_pid;
	__u8 change;
	__u8 flags;
	__u16 exe_bytes;
	__u16 cgroup_bytes;
	__u16 args_bytes;
	__u32 pad;
	char comm[16];
};

#endif
