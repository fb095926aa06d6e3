/* SPDX-License-Identifier: BSD-2-Clause */
/* All sources that are wanted, one for each BPF object, as one thing. */
#ifndef DAEMON_SOURCES_H
#define DAEMON_SOURCES_H

#include "process/processes.h"
#include "source/source.h"

struct sources; /* opaque */

/* Says how an event type stands: error NULL and the hooks its source is attached to, or why it is
 * not. */
typedef void source_report_fn(void *ctx, const struct event_type *type, const char *route,
			      const char *error);
/* `lost` more events of the type were lost since the last tick. */
typedef void source_loss_fn(void *ctx, const struct event_type *type, uint64_t lost);

struct sources_conf {
	struct loop *loop;
	const struct demand *demands; /* one for each of event_types() */
	double cpu_budget;    /* share of all CPUs that all may cost (governor.h); 0: no limit */
	uint32_t event_limit; /* single events of each source per CPU and second; 0: no limit */
	source_event_fn *on_event;
	source_loss_fn *on_loss;
	source_report_fn *on_report;
	void *ctx;
};

/*
 * Attaches what is wanted; one that cannot run is reported and left out. NULL if none can run here,
 * with one sentence in *ret_error; the caller frees it.
 */
struct sources *sources_new(const struct sources_conf *conf, char **ret_error);
void sources_free(struct sources *s);

/*
 * From now on these demands count: attaches what is wanted now, detaches what is no longer, and leaves
 * the rest attached. Reports every type that is wanted.
 */
void sources_adjust(struct sources *s, const struct demand *demands);

/* Why the texts of processes come from /proc alone, which knows only those that still run; NULL if they
 * come from the kernel. Lends. */
const char *sources_problem(const struct sources *s);

/* What knows the processes of the events; NULL while there was no source. Lends. */
const struct processes *sources_processes(const struct sources *s);

/* How many are attached. */
unsigned sources_count(const struct sources *s);
/* The i-th of them, for its statistics. Lends. */
struct source *sources_at(const struct sources *s, unsigned i);

/* Once a second. */
void sources_tick(struct sources *s, uint64_t now_ns, int64_t wall_offset_ns);
/* At the end: see source_stop(). */
void sources_stop(struct sources *s, uint64_t now_ns, int64_t wall_offset_ns);

#endif
