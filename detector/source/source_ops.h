/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a source does beyond handing records on. Private to detector/source: one struct literal per
 * object that needs it, found by source.c in its table.
 */
#ifndef SOURCE_SOURCE_OPS_H
#define SOURCE_SOURCE_OPS_H

#include "source/bpf_object.h"
#include "source/source.h"

#define SOURCE_TYPES_MAX 4
#define SOURCE_PARTS_MAX 8
#define SOURCE_WAYS_MAX	 3
#define SOURCE_SIGNS_MAX 3

/* One way to do a part. */
struct source_way {
	const char *programs; /* names of its BPF functions, separated by spaces */
	const char *detail;   /* for people: what this way costs or leaves out; NULL: nothing */
};

/*
 * An optional piece of a source. Programs that no part names are always attached.
 */
struct source_part {
	const char *name; /* for people: "run-queue latency" */
	/* Attached while a rule reads one of these, "sched.runq_p99_us", or wants one of these
	 * types, "io_request"; separated by spaces. */
	const char *reads;
	/* The first that this kernel loads and attaches is taken. */
	struct source_way ways[SOURCE_WAYS_MAX];
	/* In the order in which parts are given up when kernelsight costs too much: 1 first; 0: it
	 * is never given up. */
	unsigned shed_order;
	/* The part that then does most of its job: where this kernel does not offer that, it is not
	 * given up. 0: none. */
	unsigned stand_in;
};

/* How a part stands. */
struct part_state {
	const struct source_way *way; /* NULL: this kernel offers none ... */
	char *error;		      /* ... for this reason */
	bool attached;
	bool shed; /* given up for its cost, until it is taken back */
};

/*
 * A sign of life: what happened, beside what the source has seen of it. Both are sums that only grow,
 * and need not be of the same kind: if something happened, something must have been seen.
 */
struct source_sign {
	const char *name; /* of the path, for people: "UDP" */
	/* False if nothing can be told now: that part is not attached, or the kernel does not count. */
	bool (*happened)(const struct source *s, uint64_t *ret);
	uint64_t (*seen)(const struct source *s);
};

/* How it stands in the current window. */
struct sign_state {
	bool told; /* happened_before is valid */
	bool happened;
	uint64_t happened_before;
	uint64_t seen_before;
	unsigned missed; /* windows in a row in which something happened and nothing was seen */
};

struct canary {
	bool open;
	uint64_t ends_ns;
	uint64_t pokes;
	struct sign_state signs[SOURCE_SIGNS_MAX];
};

struct source {
	struct source_conf conf;
	const struct source_ops *ops;
	const struct event_type *types[SOURCE_TYPES_MAX];
	struct demand demands[SOURCE_TYPES_MAX];
	unsigned n_types;
	struct part_state parts[SOURCE_PARTS_MAX];
	struct bpf_object_handle *object;
	struct watch *watch;
	struct timer *poll; /* armed while records keep coming */
	bool polling;
	bool stopping; /* this tick is the last */
	int64_t wall_offset_ns;
	struct process_lookup *processes; /* given to each event; may be NULL */
	uint64_t lost_here;		  /* in user space: a table had no room, or a walk failed */
	struct canary canary;
	struct buf route;
	void *state; /* of the ops */
};

/* Each may be NULL. */
struct source_ops {
	const char *object; /* stem of the .bpf.c */
	const struct source_part *parts;
	unsigned n_parts;
	const char *read_here; /* the type whose events come from files, without a program */
	/* Makes the state, before the programs are attached. */
	void (*prepare)(struct source *s);
	/* Pushes the demands into the control block: before the programs are attached, and whenever
	 * the demands have changed or a part is given up or taken back. */
	void (*push)(struct source *s);
	/* Is that part needed for the demands? Instead of what `reads` says. */
	bool (*part_wanted)(const struct source *s, unsigned part);
	/* Does that part stay for a moment though it is no longer needed, or given up, to report what
	 * began under it? */
	bool (*part_lingers)(const struct source *s, unsigned part);
	/* After the programs are attached. */
	void (*started)(struct source *s);
	/* After each push, when parts may have been attached or detached. */
	void (*adjusted)(struct source *s);
	/* A record of the ring; without it, records are events of the source's only type. */
	record_fn *on_record;
	void (*tick)(struct source *s, uint64_t now_ns);
	/* Does something harmless that the programs must see. False if there is nothing of the kind for
	 * the demands as they are. */
	bool (*poke)(struct source *s);
	/* At most SOURCE_SIGNS_MAX; after the last one that has a name comes one without. */
	const struct source_sign *signs;
	void (*fini)(struct source *s);
};

extern const struct source_ops syscall_source_ops;
extern const struct source_ops sched_source_ops;
extern const struct source_ops fault_source_ops;
extern const struct source_ops net_source_ops;
extern const struct source_ops tcp_source_ops;
extern const struct source_ops io_source_ops;

/* The ops of an object; those of one that needs none are empty. */
const struct source_ops *source_find_ops(const char *object);

/* Hands a record of that type on as an event, if somebody wants the type. */
void source_emit(struct source *s, const struct event_type *type, const void *record);

/* The event type of that name, which is one of the source's; and what is asked of it. */
const struct event_type *source_type(const struct source *s, const char *name);
const struct demand *source_demand(const struct source *s, const char *name);

/* The first character of a file in which the kernel tells of a setting; EOF if there is none. */
int source_kernel_setting(const char *path);

/* --- source_canary.c --- */

/* Once a second, around all that fetches what was seen. */
void source_canary_before(struct source *s, uint64_t now_ns);
void source_canary_after(struct source *s, uint64_t now_ns);
/* What is attached has changed: begins anew. */
void source_canary_forget(struct source *s);
/* For signs: how often the source was poked, and all that its programs have counted. */
bool source_canary_poked(const struct source *s, uint64_t *ret);
uint64_t source_canary_seen(const struct source *s);

/* --- source_parts.c --- */

/* Finds for each part the way this kernel offers, by loading and attaching it for a moment. */
void source_parts_probe(struct source *s);
/* Attaches the parts that the demands need and detaches the others. */
void source_parts_apply(struct source *s);
/* The same, with all that the ops have to do before and after. */
void source_parts_renew(struct source *s);
void source_parts_fini(struct source *s);
/* The programs that must not be loaded: those of ways not taken. The caller frees it. */
char *source_parts_left_out(const struct source *s);
/* Does a rule read what the part fills? */
bool source_part_read(const struct source *s, unsigned part);
/* Is the part attached? Else its fields are missing. */
static inline bool source_part_attached(const struct source *s, unsigned part)
{
	return s->parts[part].attached;
}
/* Appends which parts cannot be had here. */
void source_parts_describe(const struct source *s, struct buf *out);

#endif
