/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A source: one BPF object at work, delivering events of the types that name it in bpf/events.def.
 * Reads its ring at once when the kernel rings the bell (bpf/source.h), then every millisecond while
 * records keep coming, so that one event is seen without delay and a flood costs no wake-ups.
 *
 * A source may have parts (source_ops.h) that are attached only while somebody reads the fields they
 * fill; the fields of a part that is not attached are missing (NOT_MEASURED).
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "event/event.h"
#include "loop/loop.h"
#include "rule/rule_load.h"

#include "../bpf/source.h"

typedef void source_event_fn(void *ctx, const struct event *ev);

struct source_conf {
	struct loop *loop;
	const char *object;	      /* stem of the .bpf.c */
	const struct demand *demands; /* one for each of event_types(); copied */
	uint32_t event_limit;	      /* single events per CPU and second; 0: no limit */
	int64_t wall_offset_ns;	      /* until the first tick */
	source_event_fn *on_event;
	void *ctx;
};

/* The ledger: what the programs saw is the sum of the counters. */
struct source_stats {
	struct source_counters counters;
	uint64_t not_run;   /* times the kernel left out a program, as one ran there already */
	uint64_t lost_here; /* in user space: a table had no room, or a walk failed */
};

struct source; /* opaque */

/* Can sources run here at all? If not, false with one sentence in *ret_error; the caller frees it. */
bool source_possible(char **ret_error);

/*
 * Writes for people what the events of a type are taken from, a line for the hooks that are always
 * attached and one for each part that fills its fields. With `probe`, which source_possible() must
 * allow, each way is tried: then it is the route that this kernel gives, or why there is none.
 */
void source_describe(const struct event_type *type, bool probe, struct buf *out);

/* Loads; nothing is attached yet. NULL on failure, with one sentence in *ret_error; the caller frees it. */
struct source *source_new(const struct source_conf *conf, char **ret_error);
/*
 * Attaches. From now on the ring fills, and source_catch_up() or the loop has to empty it. Each event is
 * given `processes`, which is borrowed and may be NULL. False as above; then the source is only good
 * for source_free().
 */
bool source_start(struct source *s, struct process_lookup *processes, char **ret_error);
/* Detaches. NULL is fine. */
void source_free(struct source *s);

/*
 * From now on these demands count, one for each of event_types(): pushes floors and filters into the
 * running programs, attaches the parts that are read now and detaches those no longer read. What
 * stays is not touched. If one of the object's types is no longer wanted its events stop.
 */
void source_adjust(struct source *s, const struct demand *demands);

/* The stem of its object, and the name by which people know it: that of its first event type. */
const char *source_object(const struct source *s);
const char *source_name(const struct source *s);
/* Does it deliver events of this type now? */
bool source_delivers(const struct source *s, const struct event_type *type);
/* The hooks it is attached to, and which parts cannot be had here and why, for people. Lends. */
const char *source_route(const struct source *s);

/*
 * Why this kernel does not deliver events of the type, or does not fill one of these fields (bit i:
 * field i); NULL if all is well, also for a type of another source. Lends.
 */
const char *source_lacks(const struct source *s, const struct event_type *type, uint64_t fields);

/* Adds up all CPUs. */
void source_stats(const struct source *s, struct source_stats *ret_stats);
/* Of each possible CPU, source_cpus() of them. Lends until the next call. */
const struct source_counters *source_stats_per_cpu(const struct source *s);
unsigned source_cpus(const struct source *s);
uint64_t source_seen(const struct source_counters *c);
uint64_t source_lost(const struct source_stats *stats);
/*
 * Of these, what may be missing of one of its types: of one with single events, those that found no room
 * in the ring or were over the limit; of one that adds up, all else. What a program was not run for may
 * be of either.
 */
uint64_t source_lost_of(const struct source *s, const struct event_type *type,
			const struct source_stats *stats);
/* Kernel memory of its maps and ring, in bytes, as the kernel accounts for it; 0 if not known. */
uint64_t source_memory_bytes(const struct source *s);

/* How a part stands, for the governor of costs. */
struct source_part_info {
	const char *name;
	unsigned shed_order; /* 0: is never given up; 1 goes first */
	bool attached;
	bool shed;
	uint64_t run_time_ns; /* of its programs, while the kernel measured it */
};

unsigned source_parts_count(const struct source *s);
void source_part_info(const struct source *s, unsigned part, struct source_part_info *ret_info);
/* Gives a part up, or takes it back. */
void source_part_shed(struct source *s, unsigned part, bool shed);
/* CPU time of all its programs but those of walks, while the kernel measured it. */
uint64_t source_run_time_ns(const struct source *s);
/* CPU time of its walks; always measured, and part of that of the process. */
uint64_t source_walk_time_ns(const struct source *s);
/* Has the kernel measure until the descriptor is closed, which makes each run some 50 ns dearer; -1 if
 * this process may not. */
int source_measure(void);

/* What the source no longer sees though it happens, for people; NULL: nothing. Lends. */
const char *source_silent(const struct source *s);

/*
 * Once a second: reads what has to be fetched and whatever waits in the ring. wall_offset_ns is
 * given to the events from now on.
 */
void source_tick(struct source *s, uint64_t now_ns, int64_t wall_offset_ns);

/* Hands on what waits in the ring, while the loop does not run. */
void source_catch_up(struct source *s);

/* Detaches the programs, so that nothing is added to the ring any more. */
void source_detach(struct source *s);

/*
 * The same, and hands on all that they have sent: afterwards the events delivered and
 * the statistics agree to the last one.
 */
void source_stop(struct source *s, uint64_t now_ns, int64_t wall_offset_ns);

/* Before the loop sleeps: sets the bell. False if a record is waiting, so the loop must not sleep. */
bool source_prepare_sleep(struct source *s);

#endif
