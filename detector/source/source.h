/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A source: one BPF object at work, delivering events of one type. Reads its ring at once when the
 * kernel rings the bell (bpf/source.h), then every millisecond while records keep coming, so that
 * one event is seen without delay and a flood costs no wake-ups.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "event/event.h"
#include "loop/loop.h"
#include "rule/rule_load.h"

typedef void source_event_fn(void *ctx, const struct event *ev);

struct source_conf {
	struct loop *loop;
	const struct event_type *type;
	const struct demand *demand; /* copied */
	int64_t wall_offset_ns;	     /* until the first tick */
	source_event_fn *on_event;
	void *ctx;
};

/* The ledger: what the programs saw is filtered + emitted + lost_ring_full + lost_no_storage. */
struct source_stats {
	uint64_t filtered;
	uint64_t emitted;
	uint64_t lost_ring_full;
	uint64_t lost_no_storage;
	uint64_t lost_here; /* in user space: a table had no room, or a walk failed */
};

struct source; /* opaque */

/* Can sources run here at all? If not, false with one sentence in *ret_error; the caller frees it. */
bool source_possible(char **ret_error);

/* Loads and attaches. NULL on failure, with one sentence in *ret_error; the caller frees it. */
struct source *source_new(const struct source_conf *conf, char **ret_error);
/* Detaches. NULL is fine. */
void source_free(struct source *s);

const struct event_type *source_type(const struct source *s);
/* The hooks it is attached to, for people. Lends. */
const char *source_route(const struct source *s);
void source_stats(const struct source *s, struct source_stats *ret_stats);
uint64_t source_lost(const struct source_stats *stats);

/*
 * Once a second: reads what has to be fetched and whatever waits in the ring. wall_offset_ns is
 * given to the events from now on.
 */
void source_tick(struct source *s, uint64_t now_ns, int64_t wall_offset_ns);

/*
 * Detaches the programs and hands on all that they have sent: afterwards the events delivered and
 * the statistics agree to the last one.
 */
void source_stop(struct source *s, uint64_t now_ns, int64_t wall_offset_ns);

/* Before the loop sleeps: sets the bell. False if a record is waiting, so the loop must not sleep. */
bool source_prepare_sleep(struct source *s);

#endif
