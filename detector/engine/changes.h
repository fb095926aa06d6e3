/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one way out of the engine: all changes of all alerts come through here, in the order in which
 * they happened, from the trackers of single rules (tracker.c). What depends on more than one rule
 * or one change is decided here:
 *
 *	tracker --> flap.c: comes and goes? --> inhibition.c, composites.c: what follows for others?
 *	        --> inhibition.c, silence.c: what holds it back? --> said, said later, said to no hook,
 *	            or not at all --> on_transition
 *
 * Between its CHANGE_FIRED and its CHANGE_RESOLVED an alert, named by rule and key, is firing; in
 * between come any number of CHANGE_REPEATED and CHANGE_SEVERITY. Every one ends, but for those
 * that fire when the engine is freed.
 *
 * Whatever happens in between, of each alert that is said to fire it is said once that it has
 * resolved, and of none other:
 *
 * - One that flaps goes on firing for everybody behind here until it has not changed for the rule's
 *   flap window; then it resolves, or fires as any other.
 * - One whose rule can be inhibited waits for the first tick that begins after it fired, so that
 *   what starts together is seen together. While an inhibitor fires then, nothing is said; when it
 *   has ended, the alert is said as soon as its condition is met. What is only kept up, by "keep",
 *   "clear" or as it flaps, ends unsaid. One that was said already is not taken back, but it is not
 *   repeated.
 * - One in a silence is said as it comes, but marked (transition.silence), for no hook to be told. When
 *   it still fires and no silence has it any more, hooks are told at the next tick: what they do not
 *   know is said again, unmarked, with its id. What they know to fire, they are told to have resolved,
 *   whatever is silenced; what they do not know, they are not.
 * - Inhibitors and members count whether or not they are said themselves.
 *
 * What is said gets its id here, and only that.
 */
#ifndef ENGINE_CHANGES_H
#define ENGINE_CHANGES_H

#include "engine/engine.h"
#include "engine/lifecycle.h"

struct changes; /* opaque */

/* What all rules of an engine have in common. */
struct engine_shared {
	struct engine_conf conf;
	struct engine_stats stats;
	struct ulid_source ids;
	struct changes *changes;
	uint64_t *began_ns; /* of each rule: the first event or tick with it; 0: none yet */
};

/* Of an event or a tick. */
struct moment {
	uint64_t now_ns;
	int64_t wall_offset_ns;
};

/* A change of one alert. All lends for the call. */
struct alert_change {
	enum change change; /* not CHANGE_NONE */
	unsigned rule;	    /* index into rule_set.rules */
	/* as key_pack() packs it; what tells one alert of the rule from another */
	const unsigned char *packed_key;
	unsigned packed_len;
	uint64_t now_ns; /* of the event or tick that made it change */
	/* All that there is to say, but id and incident, which are empty. */
	struct transition *transition;
};

/* shared->conf must be set. At most conf.max_keys alerts a rule are known. */
struct changes *changes_new(struct engine_shared *shared);
void changes_free(struct changes *ch);

/* Takes in a change, and says what is to be said. */
void changes_take(struct engine_shared *shared, const struct alert_change *change);

/* At each tick for each firing alert of a rule that can be inhibited, before changes_tick(): is the
 * condition met, or was it by an event since the last tick? */
void changes_met(struct engine_shared *shared, unsigned rule, const unsigned char *packed,
		 size_t len, bool met);

/* After each tick, when all rules have had theirs. */
void changes_tick(struct engine_shared *shared, uint64_t now_ns, int64_t wall_offset_ns);

/* All alerts of the rule that were said end now, and say why; the others are forgotten. */
void changes_end_rule(struct engine_shared *shared, unsigned rule, const char *reason,
		      uint64_t now_ns, int64_t wall_offset_ns);

/* No rule of the set. */
#define NO_RULE UINT32_MAX

/*
 * Takes over what `from` knows of the alerts of its rules, each for the rule of that index in
 * heirs[], unless that is NO_RULE: then none of its alerts may be left. Says nothing.
 */
void changes_adopt(struct engine_shared *to, struct engine_shared *from, const unsigned *heirs);

/* What keeps an alert from being told now. */
struct hold {
	bool quiet;			 /* the rule says nothing: "notify" is false */
	const struct rule *inhibited_by; /* NULL: none; with these two, nothing is said at all */
	struct silence *silence;	 /* NULL: none; with it, it is said, but no hook is told */
};

/* How one alert stands behind its rule. */
struct alert_view {
	bool up;   /* it fires, or flaps */
	bool said; /* it was said that it fires, and not yet that it has resolved */
	bool flaps;
	unsigned recent_changes; /* within the rule's flap window */
	struct hold hold;
	const struct silence *silenced_by; /* said, but hooks do not know: for this; or NULL */
};

/* key: the values of packed. */
void changes_view(const struct engine_shared *shared, unsigned rule, const unsigned char *packed,
		  size_t len, const struct value *key, uint64_t now_ns, struct alert_view *ret);

/* What became of the alerts of a rule. */
struct rule_alert_stats {
	uint64_t fired; /* said */
	uint64_t resolved;
	uint64_t held;	   /* nothing of them was said */
	uint64_t up;	   /* now */
	uint64_t silenced; /* now; no hook knows of them */
	uint64_t unsent;   /* changes that no hook was told of for a silence */
	uint64_t last_fired_ns;
};

const struct rule_alert_stats *changes_stats(const struct engine_shared *shared, unsigned rule);

struct silences *changes_silences(const struct engine_shared *shared);
/* How many alerts that fire it matches. */
unsigned changes_silenced(const struct engine_shared *shared, const struct silence *silence);
struct composites *changes_composites(const struct engine_shared *shared);

/* Has the rule not been at work for its "grace" yet? Then nothing of it fires. */
bool engine_in_grace(const struct engine_shared *shared, unsigned rule, uint64_t now_ns);

#endif
