/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other rules without a gap: an engine with the new ones takes over from the one with the old ones.
 *
 * A rule of the same name that judges the same (on, where, by, values, windows: rule.identity) keeps
 * its keys with their windows and baselines, its alerts and all times that run: its limits, "for",
 * "clear", hooks and texts may be others from then on. Of any other old rule the state is dropped:
 * its alerts that were said resolve, and say why.
 */
#ifndef ENGINE_ADOPT_H
#define ENGINE_ADOPT_H

#include "engine/engine.h"

enum rule_fate {
	RULE_KEPT,
	RULE_ADDED,
	RULE_CHANGED, /* there is one of that name, which judges something else */
	RULE_REMOVED,
};

/* Told of each rule: of the new ones, and of the old ones that were removed. why: static, NULL unless
 * it changed: what of it. */
typedef void rule_fate_fn(void *ctx, const struct rule *rule, enum rule_fate fate, const char *why);

/*
 * e is new: nothing was fed to it. What ends is said by `old`, before anything else, through its own
 * on_transition; afterwards it is only fit to be freed. Statistics and ids go on.
 */
void engine_adopt(struct engine *e, struct engine *old, uint64_t now_ns, int64_t wall_offset_ns,
		  rule_fate_fn *fn, void *ctx);

#endif
