/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adds up what the threads of each process did in one second (bpf/task_walk.bpf.h). The walk and the
 * exits give deltas per thread; one table per second, emptied at each tick, gives one sum per process.
 */
#ifndef SOURCE_PROCESS_TABLE_H
#define SOURCE_PROCESS_TABLE_H

#include "source/source_ops.h"

#define PROCESS_COUNTS_MAX 12
#define PROCESSES_MAX	   (1 << 16) /* active in one second; more are counted as lost */

struct process_sums {
	struct task_delta who;		    /* as of the last delta; pid 0: a free place */
	int64_t counts[PROCESS_COUNTS_MAX]; /* below 0 where a walk met an exit */
	void *more;			    /* of the owner, who frees it when the sums are given */
};

struct process_table; /* opaque */

/* With n_counts counts in each delta. */
struct process_table *process_table_new(unsigned n_counts);
/* Frees what `more` points to as well. NULL is fine. */
void process_table_free(struct process_table *t);

/* Adds a delta with its counts behind it. False if the table is full. */
bool process_table_add(struct process_table *t, const struct task_delta *delta);
/* The sums of a process, made if it has none; NULL if the table is full. They hold still until the
 * next call. */
struct process_sums *process_table_at(struct process_table *t, uint32_t pid,
				      uint64_t start_time_ns);

typedef void process_sums_fn(void *ctx, struct process_sums *sums);
/* Gives the sums of each process, in no order, and empties the table. Processes of which no delta
 * came (who.ts_ns is 0) are given too. */
void process_table_flush(struct process_table *t, process_sums_fn *fn, void *ctx);

/* A sum that may be a little below zero, as a count. */
static inline uint64_t process_count(int64_t sum)
{
	return sum < 0 ? 0 : (uint64_t)sum;
}

#endif
