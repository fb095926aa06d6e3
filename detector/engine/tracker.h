/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One rule at work: the series of its keys, and what is evaluated when. What a series holds, when a
 * condition is met and how an alert lives are series.c, condition.c and lifecycle.c.
 */
#ifndef ENGINE_TRACKER_H
#define ENGINE_TRACKER_H

#include "engine/changes.h"
#include "engine/engine.h"
#include "engine/keytable.h"
#include "engine/lifecycle.h"

struct tracker {
	struct engine_shared *shared; /* borrowed */
	const struct rule *rule;      /* borrowed */
	bool on_arrival; /* windowed, and a crossing can be seen when an event arrives */
	const struct field *start_time; /* see key_start_time() */
	uint64_t forget_ns;		/* a key that was silent for this long; UINT64_MAX: never */
	struct engine_rule_stats stats;
	struct lifecycle_conf life;
	struct window *losses; /* of the rule's source, over the rule's window */
	struct keytable keys;  /* of series */
};

void tracker_init(struct tracker *t, const struct rule *rule, struct engine_shared *shared);
void tracker_fini(struct tracker *t);

/* Takes in an event of the rule's type. */
void tracker_feed(struct tracker *t, const struct event *ev);
void tracker_tick(struct tracker *t, uint64_t now_ns, int64_t wall_offset_ns);
void tracker_loss(struct tracker *t, uint64_t lost, uint64_t now_ns);

#endif
