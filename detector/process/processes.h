/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of this host, known from the kernel: bpf/process_tracer.bpf.c tells of each that is
 * forked, executes a program, moves, is renamed or ends, and a walk at the start of all that are
 * there. Whoever asks for the process of an event has everything read first that the kernel told
 * until then; so the answer does not depend on which ring is read first.
 *
 * /proc is read for a process that the kernel did not tell of (a record was lost, the object cannot be
 * loaded, or it was forgotten), and once a second for the command lines that events asked for, as
 * programs write over them.
 */
#ifndef PROCESS_PROCESSES_H
#define PROCESS_PROCESSES_H

#include <stdio.h>

#include "loop/loop.h"
#include "process/process_cache.h"
#include "source/source.h"

struct processes; /* opaque */

/* Always works: where the object cannot be loaded, from /proc alone. */
struct processes *processes_new(struct loop *loop);
/* NULL is fine. */
void processes_free(struct processes *p);

/* To be put into events. Lends. */
struct process_lookup *processes_lookup(struct processes *p);

/* Why the kernel does not tell, in one sentence; NULL if it does. Lends. */
const char *processes_problem(const struct processes *p);

/* Once a second. */
void processes_tick(struct processes *p, uint64_t now_ns);

/* The ledger in the terms of a source. lost_here: processes that were forgotten while they lived. */
void processes_stats(const struct processes *p, struct source_stats *ret_stats);
/* CPU time of the programs, while the kernel measured it: see source_measure(). */
uint64_t processes_run_time_ns(const struct processes *p);
/* Writes the ledger: what the kernel told, how many processes are known, and what was forgotten. */
void processes_print_ledger(const struct processes *p, FILE *out);
/* What the kernel charges for the maps and the ring. */
uint64_t processes_memory_bytes(const struct processes *p);

#endif
