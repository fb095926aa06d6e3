/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a source does beyond handing records on. Private to detector/source: one struct literal per
 * object that needs it, found by source.c in its table.
 */
#ifndef SOURCE_SOURCE_OPS_H
#define SOURCE_SOURCE_OPS_H

#include "source/bpf_object.h"
#include "source/source.h"

struct source {
	struct source_conf conf;
	struct demand demand;
	const struct source_ops *ops;
	struct bpf_object_handle *object;
	struct watch *watch;
	struct timer *poll; /* armed while records keep coming */
	bool polling;
	int64_t wall_offset_ns;
	uint64_t lost_here; /* in user space: a table had no room, or a walk failed */
	void *state;	    /* of the ops */
};

/* Each may be NULL. */
struct source_ops {
	const char *object; /* stem of the .bpf.c */
	/* Before the programs are attached: sets the control block, makes the state. */
	void (*prepare)(struct source *s);
	/* After they are. */
	void (*started)(struct source *s);
	/* A record of the ring; without it, records are events of the source's type. */
	record_fn *on_record;
	void (*tick)(struct source *s, uint64_t now_ns);
	void (*fini)(struct source *s);
};

extern const struct source_ops syscall_source_ops;
extern const struct source_ops sched_source_ops;
extern const struct source_ops tcp_source_ops;

/* Hands a record of the source's type on as an event. */
void source_emit(struct source *s, const void *record);

#endif
