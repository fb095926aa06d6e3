/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that is kept of one key of one rule: its samples or baseline, the state of its alert, and the
 * event to show. One allocation, and one or two more for a window; a key of a rule without a window
 * exists only while its alert is pending or firing.
 */
#ifndef ENGINE_SERIES_H
#define ENGINE_SERIES_H

#include "engine/condition.h"
#include "engine/keytable.h"
#include "engine/lifecycle.h"

/* An event that may be shown; its record is in the allocation of its series. */
struct shown {
	struct event event;
	double value;
	bool set;
};

struct series {
	struct keyed keyed; /* first: a keyed of the engine's tables is a series */
	struct lifecycle life;
	uint64_t usual_since_ns; /* known, and not firing, since then */
	uint64_t first_ns;	 /* from when on it is known */
	uint64_t last_ns;	 /* latest event */
	uint64_t samples;	 /* without a window: matching events in this incident */
	double value;		 /* without a window: of the latest matching event */
	struct shown worst[2];	 /* of this half-window, and of the one before it ... */
	unsigned half;		 /* ... index of the former; without a window always 0 */
	uint64_t half_began_ns;
	struct window *window;	   /* NULL without one */
	struct baseline *baseline; /* NULL without one; in the same allocation */
};

/* What of the event the rule measures; without a field, 1: each event counts. */
double series_measure(const struct rule *rule, const struct event *ev);

/* A series without samples, for the key of an event; copies the key. */
struct series *series_new(const struct rule *rule, const struct event *ev, const unsigned char *key,
			  size_t len, uint64_t hash);
void series_free(struct series *s);

/* Takes in an event that the rule measures as value. */
void series_add(struct series *s, const struct rule *rule, const struct event *ev, double value);

/*
 * Settles, when the alert fires, which event worst[half] shows until it resolves: the latest, with a
 * window the worst of at least its newer half. What a quantile or a sum has to say is best said by
 * its worst part.
 */
void series_choose(struct series *s, const struct rule *rule, uint64_t now_ns);

/* What there is to judge at now. */
struct reading series_read(const struct series *s, bool degraded, uint64_t now_ns);

#endif
