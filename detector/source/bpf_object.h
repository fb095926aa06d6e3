/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One loaded BPF object: bpf_object*.c are the only users of libbpf. Knows the maps that
 * bpf/source.bpf.h gives to every object (ring, counters, control), and nothing about events or rules.
 */
#ifndef SOURCE_BPF_OBJECT_H
#define SOURCE_BPF_OBJECT_H

#include "util/buf.h"

#include "../bpf/source.h"

struct bpf_object_handle; /* opaque */

/* One record from the ring or from a walk; lends. */
typedef void record_fn(void *ctx, const void *record, size_t size);

/*
 * May this process load programs that trace, and has the kernel what they need? If not, false with
 * one sentence in *ret_error that says what is missing and what to do; the caller frees it.
 */
bool bpf_object_possible(char **ret_error);

/*
 * Has the kernel measure the CPU time of all BPF programs until the descriptor is closed; that makes
 * each run some 50 ns dearer. -1 if this process may not (it takes CAP_SYS_ADMIN).
 */
int bpf_object_measure(void);

/*
 * Lists of programs are names of their functions, separated by spaces; a list may name programs that
 * are not there.
 */

/*
 * Does this kernel load and attach these programs of an object? Tries it and takes them away again.
 * If not, false with a sentence in *ret_error as above.
 */
bool bpf_object_try(const char *stem, const char *programs, char **ret_error);

/* Appends the hooks of an object's programs that are (not) in the list, without loading them. */
void bpf_object_list_hooks(const char *stem, const char *programs, bool listed, struct buf *out);

/*
 * Loads the embedded object of that stem without the programs left out; nothing is attached yet.
 * NULL on failure, with a sentence in *ret_error as above.
 */
struct bpf_object_handle *bpf_object_new(const char *stem, const char *left_out, char **ret_error);
/* Detaches and unloads. NULL is fine. */
void bpf_object_free(struct bpf_object_handle *o);

/*
 * Attaches these programs, or all but these, in the order of the object; those that are attached
 * already stay as they are. False on failure, with a sentence in *ret_error as above; then of these
 * programs none is attached.
 */
bool bpf_object_attach(struct bpf_object_handle *o, const char *programs, char **ret_error);
bool bpf_object_attach_but(struct bpf_object_handle *o, const char *programs, char **ret_error);
/* Detaches these programs in reverse order; NULL: all but iterators, so that nothing is added to the
 * ring any more. */
void bpf_object_detach(struct bpf_object_handle *o, const char *programs);
/* Programs on perf events are attached on each CPU that is online; this follows those that have come or
 * gone since. Returns on how many that are online they are not. */
unsigned bpf_object_follow_cpus(struct bpf_object_handle *o);
/* Appends what is attached: "tp_btf/sys_enter, tp_btf/sys_exit". */
void bpf_object_hooks(const struct bpf_object_handle *o, struct buf *out);

/* The control block, shared with the running programs. Lends. */
struct source_control *bpf_object_control(struct bpf_object_handle *o);
/* The counters of each possible CPU, bpf_object_cpus() of them; as they were before where the kernel does
 * not tell. Lends until the next call. */
const struct source_counters *bpf_object_counters(const struct bpf_object_handle *o);
unsigned bpf_object_cpus(const struct bpf_object_handle *o);
/* How often the kernel left out a program of the object because it was running on that CPU already
 * (recursion_misses of bpf_prog_info). */
uint64_t bpf_object_not_run(const struct bpf_object_handle *o);
/* CPU time that these programs of the object took while the kernel measured it (bpf_object_measure),
 * since they were loaded; NULL: all but iterators, which run in walks. */
uint64_t bpf_object_run_time_ns(const struct bpf_object_handle *o, const char *programs);
/* CPU time that the walks took, which is always measured and part of that of the process. */
uint64_t bpf_object_walk_time_ns(const struct bpf_object_handle *o);
/* What the kernel charges for all maps, in bytes (memlock in fdinfo); 0 if it does not say. */
uint64_t bpf_object_memory_bytes(const struct bpf_object_handle *o);
/* Descriptor of a map of the object; -1 if there is none of that name. */
int bpf_object_map(const struct bpf_object_handle *o, const char *name);
/* Reads element `index` of an array map, of bpf_object_cpus() values if it is one per CPU. */
bool bpf_object_read(int map, unsigned index, void *ret_value);
/* Removes every element of a hash map of the object. */
void bpf_object_clear(const struct bpf_object_handle *o, const char *map);

/* Descriptor of the ring for epoll: readable after a program has woken the reader. */
int bpf_object_ring_fd(const struct bpf_object_handle *o);
/* Is there a record in the ring, or one on its way into it? */
bool bpf_object_ring_pending(const struct bpf_object_handle *o);
/* Hands at most `budget` records to fn; returns how many there were. */
unsigned bpf_object_drain(struct bpf_object_handle *o, unsigned budget, record_fn *fn, void *ctx);

/* Runs an attached iterator program once; fn, which may be NULL, gets what it wrote in records of
 * `size` bytes. If that is 0, each record begins with its own size, a __u32 and not 0. Returns 0 or -errno. */
int bpf_object_walk(struct bpf_object_handle *o, const char *program, size_t size, record_fn *fn,
		    void *ctx);

#endif
