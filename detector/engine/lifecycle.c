/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/lifecycle.h"

static bool lasted(uint64_t since_ns, uint64_t length_ns, uint64_t now_ns)
{
	return elapsed_ns(now_ns, since_ns) + LIFECYCLE_SLACK_NS >= length_ns;
}

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
	if (!lasted(l->since_ns, conf->for_ns, now_ns))
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
	if (clears && lasted(l->clearing_ns, conf->clear_ns, now_ns)) {
		l->phase = PHASE_INACTIVE;
		return CHANGE_RESOLVED;
	}
	if (conf->repeat_ns && lasted(l->noticed_ns, conf->repeat_ns, now_ns)) {
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
