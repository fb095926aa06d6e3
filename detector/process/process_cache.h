/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the processes are and were, from the records of bpf/process.h. A process is named by its pid and
 * the time it started, so one that gets the pid of another is another one. What has ended is kept for
 * a while, as events and alerts come after the end. Bounded in number and bytes: what ended first goes
 * first, then what nobody has asked for or changed for longest; what had to go early is counted.
 *
 * Pure: knows no clock, no file and no kernel. Times in ns, CLOCK_MONOTONIC; start times
 * CLOCK_BOOTTIME, as events have them.
 */
#ifndef PROCESS_PROCESS_CACHE_H
#define PROCESS_PROCESS_CACHE_H

#include "event/event.h"

#include "../bpf/process.h"

struct process_cache; /* opaque */

struct process_cache_limits {
	unsigned processes;
	size_t bytes;
	uint64_t keep_ended_ns;
};

struct process_cache_stats {
	unsigned processes; /* now, those that have ended included */
	unsigned ended;
	size_t bytes;
	uint64_t evicted_ended; /* forgotten before their time, for want of room ... */
	uint64_t evicted;	/* ... and others that had not ended */
};

struct process_name {
	uint32_t pid;
	uint64_t start_time_ns;
};

/* What was found out about a process elsewhere. NULL: nothing. */
struct process_facts {
	const char *comm;
	const char *exe;
	const char *cgroup;
	bool ended;
};

struct process_cache *process_cache_new(const struct process_cache_limits *limits);
/* NULL is fine. */
void process_cache_free(struct process_cache *c);

/* Takes a record of `size` bytes; one that is not whole is left out. */
void process_cache_take(struct process_cache *c, const void *record, size_t size);
/* Takes what was read elsewhere of a process at a time. */
void process_cache_learn(struct process_cache *c, struct process_name name, uint64_t at_ns,
			 const struct process_facts *facts);
/* Takes the command line that a process had at a time, if it is known and runs that program still. */
void process_cache_learn_cmdline(struct process_cache *c, struct process_name name, uint64_t at_ns,
				 const char *cmdline);

/*
 * The texts of a process as they were at a time: all but parent_comm and user, which are "". What is
 * not known is "". False if it does not know the process at all. Lends until the cache changes.
 */
bool process_cache_find(struct process_cache *c, struct process_name name, uint64_t at_ns,
			struct process *ret);
/*
 * The name of the youngest process of that pid that started no later than then: that of a parent, if
 * `start_time_ns` is of its child, which cannot be older. "" if unknown.
 */
const char *process_cache_comm(const struct process_cache *c, uint32_t pid, uint64_t start_time_ns);

/*
 * Processes that somebody found, that have not ended, and whose command line is not known or was taken
 * before `before_ns`: programs write over it, and the kernel does not tell. Writes at most max;
 * returns how many. Each is named again only when somebody has found it again.
 */
unsigned process_cache_outdated(struct process_cache *c, uint64_t before_ns,
				struct process_name *ret_names, unsigned max);

/* Those of user space that have not ended and whose command line is not known; *ret_names is the
 * caller's to free. Returns how many. */
unsigned process_cache_without_cmdline(const struct process_cache *c,
				       struct process_name **ret_names);

/*
 * Around the records of a walk over all processes: what had started by began_ns (CLOCK_BOOTTIME) and
 * was not seen in it has ended, at_ns at the latest, unless lives() says that it is there: some kernels
 * do not show every process.
 */
void process_cache_walk_begins(struct process_cache *c);
void process_cache_walk_ended(struct process_cache *c, uint64_t began_ns, uint64_t at_ns,
			      bool (*lives)(struct process_name name));

/* Forgets what ended long ago. Once a second. */
void process_cache_expire(struct process_cache *c, uint64_t now_ns);

void process_cache_stats(const struct process_cache *c, struct process_cache_stats *ret_stats);

#endif
