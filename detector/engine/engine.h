/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events in, transitions out: evaluates rules per key and runs the life cycle of their alerts,
 *
 *	inactive --condition--> pending --held for `for`--> firing --cleared--> inactive
 *
 * Reads no clock, no file, knows no thread: time comes with each call, in ns of CLOCK_MONOTONIC,
 * and ids from a seed, so the same calls always give the same transitions. Rules without a window
 * are evaluated when an event arrives; those whose values only grow (count, rate, sum and max above a
 * limit) too, so a crossing is seen at once; everything else, and "hits", at the tick. Memory is
 * bounded: at most max_keys keys a rule; for a new one, one that has been quiet for long is forgotten,
 * never one that is pending or firing. Rules that see the same events under the same keys share the
 * table of keys, and are at its bound together.
 *
 * A rule without a window judges single events, by "above", "below" and "outside" only: its alert is
 * pending from the first matching event, fires with the first that comes `for` later or more (a gap
 * of `keep` starts over), and resolves when nothing matched for `keep`. For the jitter of ticks,
 * `for`, "clear" and "repeat" are over up to 50 ms early.
 *
 * A key without events in the window has the count, rate, sum and distinct 0: that can be below a
 * limit, and is normal or not for a baseline. A key is known by its first event, with "with" of
 * either source; one that has been silent for the window, at least for 10 min, is forgotten within a
 * minute; one with a baseline when it has been silent for 1 h and for six half-lives, after which the
 * baseline says little but 0. Rules with "below", "outside", a "change" downwards or "absent" forget
 * none: silence is what they watch. One with "absent" and without "by" knows its one key from the
 * first tick on.
 *
 * What is not measured (NaN) is no sample. A formula that divides by 0, or has a part without a
 * value, has none, and is beyond no limit.
 *
 * Where "by" holds pid or tid, and events tell when their process began, a process that gets the id
 * of another one has a key of its own, although it reads the same.
 *
 * A baseline learns at each tick, but not while its alert is pending, nor from windows that a firing
 * alert or a loss reaches into, nor before the key was known for a whole window: until then counts
 * rise as it fills. "change" compares with a value that was taken at a tick, at most ago / 60 before
 * the time it asks for, from a full window that no loss reached into.
 *
 * The severity of a firing alert rises with the escalations that the value passes at once, and falls
 * when it was milder for the time of "clear"; without a window it does not fall.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/silence.h"
#include "rule/rule.h"
#include "util/ulid.h"

enum alert_state { ALERT_FIRING, ALERT_RESOLVED };

enum quality {
	QUALITY_COMPLETE,
	QUALITY_DEGRADED, /* events were lost in the window: the value is a lower bound */
};

/* How one leaf of the rule's condition stood. */
struct condition_seen {
	const struct leaf *leaf;
	double value; /* NaN: it has none */
	double limit; /* of leaf_limit(); NaN: none or not known */
	bool held;
};

/* What a rule made of others fired on: an alert of one of its members. */
struct transition_member {
	const struct rule *rule;
	uint64_t began_ns; /* CLOCK_MONOTONIC: when the member's alert began */
};

/*
 * An alert fires, repeats, changes its severity or resolves. All pointers lend for the duration of
 * the callback; transition_keep() copies what they lend.
 */
struct transition {
	char id[ULID_LEN + 1];
	char incident[ULID_LEN + 1]; /* id of the transition that began the incident */
	enum alert_state state;
	bool repeat;		/* firing again because of "repeat" */
	enum severity severity; /* now: that of the rule, or of the worst escalation it passes */
	const struct rule *rule;
	const struct value *key; /* rule->n_by values */
	/* The leaf that the alert shows: the first, or the one that made it fire without that; so do
	 * value, threshold, samples and baseline. */
	const struct leaf *leaf; /* NULL for a rule made of others */
	double value; /* now; NaN for an empty window; without one, of the latest matching event */
	double threshold; /* leaf_limit(), or the limit of the escalation that gives the severity */
	uint64_t samples; /* in the window; without one, matching events in this incident */
	const struct baseline *baseline;	      /* NULL if the leaf has none */
	struct condition_seen conditions[LEAVES_MAX]; /* all leaves */
	unsigned n_conditions;
	enum quality quality;
	uint64_t lost;	     /* events of the rule's source in the window, or in `keep` */
	uint64_t started_ns; /* CLOCK_MONOTONIC: the first event or tick that met the condition */
	uint64_t ended_ns;   /* when it was decided that it is over; 0 while firing */
	int64_t wall_offset_ns;
	uint64_t
		flapping; /* changes so far, while it is said to fire though it comes and goes; or 0 */
	/* Not NULL: no hook may be told of this, and why. What hooks were told to fire they are told
	 * to be over all the same. */
	const struct silence *silence;
	const char *reason; /* why it ended, if not because it is over; static, NULL: it is over */
	struct transition_member members[RULE_MEMBERS_MAX];
	unsigned n_members; /* 0 for a rule on events */
	/*
	 * The one that fired it; when resolved, still that one. Of a window one of the worst in it:
	 * no milder than any in the newer half, and of equally bad ones the newer; of a count or a
	 * sum that is judged on arrival, among those that came since it passed half of its limit.
	 * Without a type if there was none: the alert is that nothing came. Its wall_offset_ns is that of
	 * the start in any case.
	 */
	struct event event;
};

/* Must not call back into the engine. */
typedef void transition_fn(void *ctx, const struct transition *t);

struct engine_conf {
	const struct rule_set *rules; /* borrowed; must outlive the engine */
	uint64_t seed;		      /* for ids, which show it to everybody */
	uint64_t hash_seed;	      /* for the tables of keys: independent of seed, and secret */
	unsigned max_keys;	      /* per rule; 0: ENGINE_MAX_KEYS */
	/* CPU time of the thread in ns, by which samples of the work are measured; NULL: none are. */
	uint64_t (*cost_clock)(void);
	transition_fn *on_transition;
	silence_fn *on_silence_over; /* its time is over; NULL is fine */
	void *ctx;
};

#define ENGINE_MAX_KEYS 10000

struct engine_stats {
	uint64_t events;
	uint64_t matched; /* an event matched the "where" of a rule; counted per rule */
	uint64_t fired;	  /* said, as all of these but held */
	uint64_t resolved;
	uint64_t
		held; /* alerts of which nothing was said: inhibited, or of a rule that says nothing */
	uint64_t silenced;	   /* now: alerts that fire, of which no hook knows for a silence */
	uint64_t unsent;	   /* changes that no hook was told of for a silence */
	uint64_t alerts_forgotten; /* that flapped or had fired lately, because of max_keys */
	uint64_t keys;		   /* now */
	uint64_t firing;	   /* now, also what is not said */
	uint64_t evicted;	   /* keys forgotten because of max_keys */
	uint64_t refused; /* events of keys that found no place: all others pending or firing */
};

/* What the bound on keys cost one rule; parts of the sums above. */
struct engine_rule_stats {
	uint64_t evicted;
	uint64_t refused;
};

struct engine; /* opaque */

struct engine *engine_new(const struct engine_conf *conf);
void engine_free(struct engine *e);

/* Evaluates one event. Its time may lie a little before that of earlier ones. */
void engine_feed(struct engine *e, const struct event *ev);

/* The same for many, in order, with the same result; faster, since it knows what comes next. */
void engine_feed_batch(struct engine *e, const struct event *events, size_t n);

/* Once a second: slides windows, learns baselines, ends pending and firing alerts. */
void engine_tick(struct engine *e, uint64_t now_ns, int64_t wall_offset_ns);

/* Says that `lost` events of a type were not delivered up to now: what is quiet within a window of
 * that (or `keep`, at least 1 s) is not taken for healthy: nothing resolves, nothing is learnt from
 * it and no value is below a limit. */
void engine_loss(struct engine *e, const struct event_type *type, uint64_t lost, uint64_t now_ns);

/*
 * The silences, to be added to and removed from. While one matches an alert, its changes are said with
 * `silence` set. When none does any more and the alert still fires, hooks are due the change that they
 * were not told of: it is said again at the next tick, with the same id.
 */
struct silences *engine_silences(struct engine *e);
/* How many alerts that fire now the silence matches, whether hooks know of them or not. */
unsigned engine_silenced_alerts(const struct engine *e, const struct silence *s);

const struct engine_stats *engine_stats(const struct engine *e);
/* Of the rule at that index of the rule set. */
const struct engine_rule_stats *engine_rule_stats(const struct engine *e, unsigned rule);

#endif
