/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One loaded BPF object: the only user of libbpf. Knows the maps that bpf/source.bpf.h gives to
 * every object (ring, counters, control), and nothing about events or rules.
 */
#ifndef SOURCE_BPF_OBJECT_H
#define SOURCE_BPF_OBJECT_H

#include "util/base.h"

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
 * Loads the embedded object of that stem; nothing is attached yet. NULL on failure, with a sentence
 * in *ret_error as above.
 */
struct bpf_object_handle *bpf_object_new(const char *stem, char **ret_error);
/* Detaches and unloads. NULL is fine. */
void bpf_object_free(struct bpf_object_handle *o);

/* Attaches every program. False on failure, with a sentence in *ret_error as above. */
bool bpf_object_attach(struct bpf_object_handle *o, char **ret_error);
/* Detaches everything but the iterator: nothing is added to the ring any more. */
void bpf_object_detach(struct bpf_object_handle *o);
/* Names what is attached: "tp_btf/sys_enter, tp_btf/sys_exit". Lends. */
const char *bpf_object_hooks(const struct bpf_object_handle *o);

/* The control block, shared with the running programs. Lends. */
struct source_control *bpf_object_control(struct bpf_object_handle *o);
/* Adds up the counters of all CPUs. */
void bpf_object_counters(const struct bpf_object_handle *o, struct source_counters *ret_sum);

/* Descriptor of the ring for epoll: readable after a program has woken the reader. */
int bpf_object_ring_fd(const struct bpf_object_handle *o);
/* Is there a record in the ring, or one on its way into it? */
bool bpf_object_ring_pending(const struct bpf_object_handle *o);
/* Hands at most `budget` records to fn; returns how many there were. */
unsigned bpf_object_drain(struct bpf_object_handle *o, unsigned budget, record_fn *fn, void *ctx);

/* Runs the object's iterator program once; fn gets what it wrote in records of `size` bytes.
 * Returns 0 or -errno. */
int bpf_object_walk(struct bpf_object_handle *o, size_t size, record_fn *fn, void *ctx);

#endif
