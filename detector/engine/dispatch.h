/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which streams an event may concern: those on its type whose condition it may satisfy. What a
 * condition demands of one field ("comm == 'nginx'") is looked up in a table, so that rules which
 * cannot match cost nothing; conditions that demand nothing of the kind are tried for each event.
 */
#ifndef ENGINE_DISPATCH_H
#define ENGINE_DISPATCH_H

#include "rule/rule.h"

struct key_group;
struct stream;

/* One way for events into a stream. */
struct feed {
	struct stream *stream;
	struct key_group *group; /* of the stream's keys; NULL: it judges single events */
	unsigned source;
	const struct expr *where; /* NULL: all events of the type */
	struct expr_quick *quick; /* the same, prepared */
	unsigned number;	  /* of its dispatch: in which place it was added */
	uint64_t matched;	  /* events that satisfied it ... */
	uint64_t last_ns;	  /* ... and the time of the latest */
	uint64_t cost_ns;	  /* CPU time that they took in the stream, estimated */
};

/* The feeds on one event type. */
struct dispatch;

/* Feeds are found in the order in which they were added; borrowed. */
struct dispatch *dispatch_new(void);
void dispatch_free(struct dispatch *d);
void dispatch_add(struct dispatch *d, struct feed *feed);
/* All were added. */
void dispatch_ready(struct dispatch *d);

/* Equal for conditions that are looked up by the same value (NULL: none), which an event satisfies
 * together or not at all. */
uint64_t dispatch_class(const struct expr *where);

/*
 * Those that the event may satisfy, in order; *ret_n of them. Valid until the next call. What is
 * left out, it does not satisfy.
 */
struct feed *const *dispatch_find(struct dispatch *d, const struct event *ev, unsigned *ret_n);

#endif
