/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule keeps of a key beyond its windows: baselines, the state of its alert, and the event to
 * show. One allocation. A rule that is judged on arrival has it only for keys that come near the
 * limit, and one without a window only while its alert is pending or firing.
 */
#ifndef ENGINE_SERIES_H
#define ENGINE_SERIES_H

#include "engine/condition.h"
#include "engine/lifecycle.h"
#include "stats/history.h"

/* An event that may be shown; its record is in the allocation of its series. */
struct shown {
	struct event event;
	double value;
	bool set;
};

struct series {
	struct lifecycle life;
	uint64_t known_ns;	 /* from when on the key is known */
	uint64_t usual_since_ns; /* known, and not firing, since then */
	uint64_t last_ns;	 /* latest event of rule->on */
	uint64_t samples;	 /* without a window: matching events in this incident */
	double value;		 /* without a window: of the latest matching event */
	bool came;		 /* without a window: there was one since the last tick */

	struct shown worst[2]; /* of this half-window, and of the one before it ... */
	unsigned half;	       /* ... index of the former; without a window always 0 */
	uint64_t half_began_ns;

	/* PHASE_FIRING */
	enum severity severity;
	bool easing;		   /* the value is milder than that severity ... */
	enum severity eased;	   /* ... and was never worse than this ... */
	uint64_t easing_ns;	   /* ... since then */
	unsigned leaf;		   /* the one that is shown */
	int64_t started_offset_ns; /* wall_offset_ns when it began */

	struct baseline *baselines; /* one a leaf; NULL if no leaf has one; in the allocation */
	struct history *histories;  /* the same */
};

/* Nothing is known but that the key exists. */
struct series *series_new(const struct rule *rule, uint64_t now_ns);
/* NULL is fine. */
void series_free(struct series *s);

/* Takes in an event of rule->on that may have to be shown. */
void series_show(struct series *s, const struct rule *rule, const struct event *ev);

/*
 * Settles, when the alert fires, which event worst[half] shows until it resolves: the latest, with a
 * window the worst of at least its newer half. What a quantile or a sum has to say is best said by
 * its worst part.
 */
void series_choose(struct series *s, const struct rule *rule, uint64_t now_ns);

/* The longest window of the rule; 0 without. */
uint64_t rule_window_ns(const struct rule *rule);
/* Does it judge what came over some time, or the lack of it, and not single events? */
bool rule_is_windowed(const struct rule *rule);

#endif
