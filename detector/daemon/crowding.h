/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules that have more keys than there is room for, as people are told on standard error. */
#ifndef DAEMON_CROWDING_H
#define DAEMON_CROWDING_H

#include "engine/engine.h"

/* What was said of it so far; all 0 at first. */
struct crowding {
	uint64_t said;	  /* how many keys had found no place ... */
	uint64_t said_ns; /* ... when it was said last */
};

/* Lists the rules with keys that found no place; none if all did. max_keys: see engine_conf. */
void crowding_list(const struct engine *e, const struct rule_set *rules, unsigned max_keys);
/* The same if there are more than when it was said last, at most once a minute. */
void crowding_tick(struct crowding *c, const struct engine *e, const struct rule_set *rules,
		   unsigned max_keys, uint64_t now_ns);

#endif
