/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why does a rule not fire, or why does it? Every gate between an event and what is said, one by
 * one, with its value now and whether it lets the alert pass. Works on any engine, live or fed from
 * a capture; changes nothing in it. docs/explain.md says what the gates mean.
 */
#ifndef ENGINE_EXPLAIN_H
#define ENGINE_EXPLAIN_H

#include "engine/engine.h"

/* What the engine cannot know. */
struct explain_conf {
	uint64_t now_ns;
	int64_t wall_offset_ns;
	/* How the source that a rule reads stands, one phrase ("syscall is attached"), and whether events
	 * can come from it. */
	bool (*source_stands)(void *ctx, const struct event_type *type, struct buf *ret_phrase);
	/* Does the hook, by its index in the rule set, take what it is given? If not, adds why, with a
	 * blank before it. NULL: there are no hooks here. */
	bool (*hook_works)(void *ctx, unsigned hook, struct buf *out);
	void *ctx;
};

/*
 * Adds members to an object: "rule", "source", "verdict", "key", "known", "closest", "gates" (each
 * with "gate", "passes" and "says") and those of engine_write_rule(). key is as in alerts,
 * "comm=postgres,pid=12", or some of its fields; NULL: the one that is nearest to firing. NULL if
 * all is well, else one sentence on what is wrong, which the caller frees.
 */
char *engine_explain(struct engine *e, const char *rule, const char *key,
		     const struct explain_conf *conf, struct json *j);

/* Adds the members that say how the rule at that index stands as a whole: counts, ages in seconds,
 * the nearest miss of the last hour, cost. */
void engine_write_rule(struct engine *e, unsigned rule, const struct explain_conf *conf,
		       struct json *j);

/* CPU time that the rule took so far, estimated; 0 without a cost clock. */
uint64_t engine_rule_cost_ns(const struct engine *e, unsigned rule);

/*
 * How suspicious a rule is, 0 for not at all, and in one phrase why: its source is not there, it never
 * saw an event, none ever satisfied "where", it never came near, it forgets keys. phrase may be NULL.
 */
unsigned engine_suspicion(struct engine *e, unsigned rule, const struct explain_conf *conf,
			  struct buf *phrase);

#endif
