/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One rule at work: what is judged when, and the life of its alerts. The keys and windows are in its
 * stream (stream.c), what a key needs beyond them in series.c; when a condition is met and how an
 * alert lives are condition.c and lifecycle.c. All changes go to changes_take().
 *
 * A rule with a window knows every key that it saw lately. It is judged
 *
 *	on arrival   of a rule whose values only grow as events come, on each event; and at the tick
 *	             for keys near the limit, pending or firing
 *	at the tick  of all others: keys with an event in the window, pending or firing; all keys,
 *	             where the value can pass a limit without an event ("change", "absent")
 *	in turns     keys with nothing in the window whose baselines learn just that
 *
 * A rule without a window judges each event, and knows a key only while its alert is pending or
 * firing.
 */
#ifndef ENGINE_TRACKER_H
#define ENGINE_TRACKER_H

#include "engine/condition.h"
#include "engine/lifecycle.h"
#include "engine/near.h"
#include "engine/stream.h"

/* Numbers of entries, in no order. */
struct tracker_list {
	uint32_t *entries;
	uint32_t n, cap;
};

struct tracker {
	struct engine_shared *shared;	       /* borrowed */
	const struct rule *rule;	       /* borrowed; of kind RULE_EVENTS */
	struct stream *stream;		       /* borrowed */
	unsigned place;			       /* among the rules of the stream */
	unsigned cells[LEAVES_MAX][TERMS_MAX]; /* of the stream, for each term */
	double near[LEAVES_MAX]; /* judged on arrival: of keys that no leaf takes beyond this
				    nothing is kept */
	/* Judged on arrival: up to calm, and until then, tracker_take() need not be called for a key of
	 * which the rule keeps no series. After a change: stream_look_again(). */
	double calm[LEAVES_MAX];
	uint64_t calm_until_ns;
	bool on_arrival;    /* windowed, and a crossing can be seen when an event arrives */
	bool lasting;	    /* values change without events: judged while the key is known */
	bool learns;	    /* has a baseline */
	bool windowed;	    /* not judged by single events */
	uint64_t forget_ns; /* a key that was silent for this long; UINT64_MAX: never */
	struct engine_rule_stats stats;
	struct lifecycle_conf life;
	struct window *losses; /* of the rule's sources, over all its windows */
	struct near_misses misses;
	uint64_t evaluated_ns; /* when a key was judged last */
	uint64_t n_known;      /* keys */
	uint64_t tick_cost_ns; /* CPU time of all ticks */
	/* of rules before, whose state was taken over */
	uint64_t matched_before, last_match_before_ns, cost_before_ns;

	/* Keys that are judged at each tick, and those that only learn that nothing happens, in
	 * turns. All others stand still until their next event. */
	struct tracker_list busy, idle;
	uint32_t turn;
};

void tracker_init(struct tracker *t, const struct rule *rule, struct engine_shared *shared);
void tracker_fini(struct tracker *t);

static inline struct mark *tracker_mark(const struct tracker *t, const struct keyed *k)
{
	return (struct mark *)(keytable_apart(&t->stream->keys, k->number) + 1) + t->place;
}

/* For the stream: an event was put into the windows of k. */
void tracker_take(struct tracker *t, struct keyed *k, unsigned source, const struct event *ev,
		  const struct moment *m);
/* Without a window: does the event meet the condition? Then takes it in. */
bool tracker_minds(struct tracker *t, const struct event *ev);
void tracker_take_point(struct tracker *t, struct keyed *k, const struct event *ev,
			const struct moment *m);

void tracker_tick(struct tracker *t, uint64_t now_ns, int64_t wall_offset_ns);
void tracker_loss(struct tracker *t, uint64_t lost, uint64_t now_ns);

/* Was the key silent for so long that the rule can forget it? */
bool tracker_can_forget(const struct tracker *t, struct keyed *k, uint64_t now_ns);
/* Forgets what it knows of the key; says nothing. The entry stays. */
void tracker_forget(struct tracker *t, struct keyed *k);

/* Is what one of the rules keeps of a key of use to the other? Beyond rule.identity, which must be
 * equal: are the same parts there? */
bool tracker_alike(const struct rule *a, const struct rule *b);
/*
 * Takes over all keys from the tracker of an alike rule in another engine, which is only fit to be
 * freed afterwards; but nothing of it is said to have ended. Streams must have been started.
 */
void tracker_adopt(struct tracker *t, struct tracker *old, uint64_t now_ns);

/* How a key stands with a rule at one moment. */
struct inspection {
	struct reading reading;
	unsigned held; /* bit i: leaf i holds */
	bool holds;
	const struct series *series; /* NULL: nothing but its windows is kept of the key */
	uint64_t last_ns;	     /* latest event */
};

/* False if the rule does not know the key, packed as by key_pack(). */
bool tracker_inspect(struct tracker *t, const unsigned char *key, size_t len, uint64_t now_ns,
		     struct inspection *ret);
/* Calls fn for each key that the rule knows, packed, until it returns false. */
typedef bool tracker_key_fn(void *ctx, const unsigned char *key, size_t len);
void tracker_each_key(struct tracker *t, tracker_key_fn *fn, void *ctx);

/*
 * Writes the transition that would be said of the key now, but for state, repeat, ids and ended_ns;
 * ret_key is for its key. False if the rule has no alert for the key that is pending or firing. All
 * lends until the engine's next call.
 */
bool tracker_describe(struct tracker *t, const unsigned char *key, size_t len,
		      const struct moment *m, struct transition *ret,
		      struct value ret_key[RULE_BY_MAX]);

#endif
