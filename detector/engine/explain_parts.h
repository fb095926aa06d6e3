/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of explain share:
 *
 *	explain.c        the answer as a whole
 *	explain_key.c    which key is meant
 *	explain_gates.c  the gates in their order
 *	explain_leaf.c   those of what is measured
 *	explain_rule.c   what is said of a rule whoever asks, for `status` too
 */
#ifndef ENGINE_EXPLAIN_PARTS_H
#define ENGINE_EXPLAIN_PARTS_H

#include "engine/explain.h"
#include "engine/explain_key.h"

/* What is being explained. */
struct explained {
	struct engine *e;
	struct engine_shared *shared;
	const struct explain_conf *conf;
	unsigned index;
	const struct rule *rule;
	struct tracker *tracker; /* NULL for a rule made of others */
	struct rule_traffic traffic;
	bool asked; /* for a certain key */
	bool has_key;
	struct known_key key;
	struct value values[RULE_BY_MAX];
	bool has_state; /* the rule keeps something of the key: `now` is set */
	struct inspection now;
	struct alert_view alert;
	unsigned n_silences; /* that could hold back an alert of the rule */
	struct json *j;
	struct buf verdict; /* the first gate that does not let it pass */
};

/* Does a gate let the alert pass? */
enum passing { CLOSED, OPEN, UNKNOWN };

/* Adds a gate; text is taken. The first that is closed is the verdict, but for those of which only
 * depends who is told. */
void explain_gate(struct explained *s, const char *name, enum passing passes, struct buf *text);

/* All gates of the rule and key, as the member "gates". */
void explain_gates(struct explained *s);

/* Those of each leaf, for a key that the rule keeps something of. */
void explain_leaves(struct explained *s);

/* Of a rule on single events that knows no key: what it looks for. */
void explain_next_event(struct explained *s);

/* The tracker of a rule; NULL for a rule made of others. */
struct tracker *explain_tracker(struct engine *e, unsigned rule);

/* Adds which silence it is, why, and for how long. */
void explain_silence(const struct explained *s, const struct silence *silence, struct buf *out);

/* Adds a number of events or the like, as people read it. */
void explain_add_count(struct buf *out, uint64_t n);

#endif
