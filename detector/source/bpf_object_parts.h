/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of bpf_object.h, the only ones that use libbpf; of no use to others. */
#ifndef SOURCE_BPF_OBJECT_PARTS_H
#define SOURCE_BPF_OBJECT_PARTS_H

#include "source/bpf_object.h"

#define PROGRAMS_MAX 32

struct bpf_link;
struct bpf_object;
struct bpf_program;
struct ring_buffer;

struct bpf_object_handle {
	struct bpf_object *object;
	struct attached {
		const struct bpf_program *program;
		struct bpf_link *link;	   /* NULL for a program on perf events, which has ... */
		struct bpf_link **per_cpu; /* ... one for each possible CPU; NULL: not online */
	} attached[PROGRAMS_MAX];	   /* in order of attachment */
	unsigned n_attached;
	struct source_control *control;
	struct ring_buffer *ring;
	int ring_fd;
	const unsigned long *positions; /* consumer's page, then producer's */
	int counters_fd;
	unsigned n_cpus;
	struct source_counters *per_cpu;
	uint64_t walk_ns; /* CPU time of all walks so far */
	/* of the drain in progress */
	unsigned budget;
	unsigned drained;
	record_fn *fn;
	void *ctx;
};

/* bpf_object.c: forgets what libbpf has said so far. */
void forget_messages(void);
/* A sentence on a step ("load") that failed with an errno, with what libbpf said of it; the caller
 * frees it. */
char *explain_failure(const char *stem, const char *step, int err);
/* Is the program in a list of names, separated by spaces? */
bool program_named(const char *list, const struct bpf_program *p);
bool program_is_iterator(const struct bpf_program *p);
/* Is it one that make_trampoline() changes? */
bool program_is_trampoline(const struct bpf_program *p);
/* A part of a map, or of its ring, in memory; NULL with errno. */
void *map_page(int fd, size_t len, int prot, size_t offset);

/* bpf_object_attach.c: NULL if no program of that name is attached. */
const struct attached *find_attached(const struct bpf_object_handle *o, const char *name);
/* Detaches the latest, until n are left. */
void detach_down_to(struct bpf_object_handle *o, unsigned n);

/* bpf_object_records.c: the ring of a loaded object; false with errno. */
bool ring_open(struct bpf_object_handle *o);
/* Also of one that was not opened. */
void ring_close(struct bpf_object_handle *o);

#endif
