/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine is made of, for those who look into it: explain.c, adopt.c. */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include "engine/changes.h"
#include "engine/tracker.h"

struct engine_shared *engine_shared(struct engine *e);
/* Of the rule at that index, which must be of kind RULE_EVENTS. */
struct tracker *engine_tracker(struct engine *e, unsigned rule);

/* What came to a rule. */
struct rule_traffic {
	uint64_t events; /* of its source, while some rule was on it ... */
	uint64_t last_event_ns;
	uint64_t matched; /* ... and those of them that satisfied "where" */
	uint64_t last_match_ns;
	uint64_t cost_ns; /* CPU time, estimated; shared equally by rules that see the same */
};

void engine_traffic(const struct engine *e, unsigned rule, struct rule_traffic *ret);
/* Goes on counting where an old engine was with one of its rules. */
void engine_adopt_traffic(struct engine *e, unsigned rule, const struct engine *old,
			  unsigned old_rule);

#endif
