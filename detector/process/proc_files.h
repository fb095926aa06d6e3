/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc says of a process, for those that nobody told of. A command line is
 * not read while a thread of the process waits for a disk or a lock (state D), as that would wait too.
 */
#ifndef PROCESS_PROC_FILES_H
#define PROCESS_PROC_FILES_H

#include "process/process_cache.h"

/* Facts with the memory they lend from; `struct proc_facts f = {0};` is an empty one. */
struct proc_facts {
	struct process_facts facts;
	struct buf text;
};

/* Does the process that has this pid now have this start time? */
bool proc_is(struct process_name name);

/* Reads what there is of this very process, but for its command line; false, and nothing, if it has
 * ended. */
bool proc_read(struct process_name name, struct proc_facts *ret_facts);
/* Its command line; NULL if it cannot be read now. May block: see cmdline_reader.h. The caller frees
 * it. */
char *proc_read_cmdline(struct process_name name);

void proc_facts_fini(struct proc_facts *f);

/* The path that the text of /proc/PID/cgroup gives by the choice of bpf/process_tracer.bpf.c. Writes
 * into the text; lends from it. */
const char *proc_cgroup_path(char *text);

#endif
