/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one way out of the engine: all changes of all alerts come through here, in the order in which
 * they happened, from the trackers of single rules (tracker.c). What depends on more than one rule
 * or one change (who is inhibited, what flaps, what is made of several alerts) is decided behind
 * changes_take(); what is said gets its id here, and only that.
 *
 * Between its CHANGE_FIRED and its CHANGE_RESOLVED an alert, named by rule and key, is firing; in
 * between come any number of CHANGE_REPEATED and CHANGE_SEVERITY. Every one ends, but for those
 * that fire when the engine is freed.
 */
#ifndef ENGINE_CHANGES_H
#define ENGINE_CHANGES_H

#include "engine/engine.h"
#include "engine/lifecycle.h"

/* What all rules of an engine have in common. */
struct engine_shared {
	struct engine_conf conf;
	struct engine_stats stats;
	struct ulid_source ids;
};

/* A change of one alert. All lends for the call. */
struct alert_change {
	enum change change; /* not CHANGE_NONE */
	unsigned rule;	    /* index into rule_set.rules */
	/* as key_pack() packs it, and its hash; what tells one alert of the rule from another */
	const unsigned char *packed_key;
	unsigned packed_len;
	uint64_t hash;
	uint64_t now_ns; /* of the event or tick that made it change */
	/* Room for the id of the incident: of the alert, zeroed when it fires, kept until it has
	 * resolved. Not for the reader of the transition. */
	char *incident;
	/* All that there is to say, but id and incident, which are empty. */
	struct transition *transition;
};

/* Takes in a change, and says it. */
void changes_take(struct engine_shared *shared, const struct alert_change *change);

/* After each tick, when all rules have had theirs. */
void changes_tick(struct engine_shared *shared, uint64_t now_ns, int64_t wall_offset_ns);

#endif
