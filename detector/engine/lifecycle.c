/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/lifecycle.h"

static enum change step_quiet(struct lifecycle *l, const struct lifecycle_conf *conf, bool holds,
			      uint64_t now_ns)
{
	if (!holds) {
		l->phase = PHASE_INACTIVE;
		return CHANGE_NONE;
	}
	if (l->phase == PHASE_INACTIVE) {
		l->phase = PHASE_PENDING;
		l->since_ns = now_ns;
	}
	if (elapsed_ns(now_ns, l->since_ns) < conf->for_ns)
		return CHANGE_NONE;
	l->phase = PHASE_FIRING;
	l->clearing = false;
	l->noticed_ns = now_ns;
	return CHANGE_FIRED;
}

static enum change step_firing(struct lifecycle *l, const struct lifecycle_conf *conf, bool clears,
			       uint64_t now_ns)
{
	if (clears && !l->clearing)
		l->clearing_ns = now_ns;
	l->clearing = clears;
	if (clears && elapsed_ns(now_ns, l->clearing_ns) >= conf->clear_ns) {
		l->phase = PHASE_INACTIVE;
		return CHANGE_RESOLVED;
	}
	if (conf->repeat_ns && elapsed_ns(now_ns, l->noticed_ns) >= conf->repeat_ns) {
		l->noticed_ns = now_ns;
		return CHANGE_REPEATED;
	}
	return CHANGE_NONE;
}

enum change lifecycle_step(struct lifecycle *l, const struct lifecycle_conf *conf, bool holds,
			   bool clears, uint64_t now_ns)
{
	return l->phase == PHASE_FIRING ? step_firing(l, conf, clears, now_ns)
					: step_quiet(l, conf, holds, now_ns);
}
