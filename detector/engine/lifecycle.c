/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/lifecycle.h"

static bool lasted(uint64_t since_ns, uint64_t length_ns, uint64_t now_ns)
{
	return elapsed_ns(now_ns, since_ns) + LIFECYCLE_SLACK_NS >= length_ns;
}

static enum change fire(struct lifecycle *l, uint64_t now_ns)
{
	l->phase = PHASE_FIRING;
	l->clearing = false;
	l->noticed_ns = now_ns;
	l->looks = 0;
	return CHANGE_FIRED;
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
	return lasted(l->since_ns, conf->for_ns, now_ns) ? fire(l, now_ns) : CHANGE_NONE;
}

/* It is pending from the first of the hits that are still among the looks. */
static enum change step_hits(struct lifecycle *l, const struct lifecycle_conf *conf, bool holds,
			     uint64_t now_ns)
{
	uint64_t all = conf->of < 64 ? (1ull << conf->of) - 1 : UINT64_MAX;

	l->looks = (l->looks << 1 | holds) & all;
	if (!l->looks) {
		l->phase = PHASE_INACTIVE;
		return CHANGE_NONE;
	}
	if (l->phase == PHASE_INACTIVE) {
		l->phase = PHASE_PENDING;
		l->since_ns = now_ns;
	}
	return (unsigned)__builtin_popcountll(l->looks) >= conf->hits ? fire(l, now_ns)
								      : CHANGE_NONE;
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
	if (l->phase == PHASE_FIRING)
		return step_firing(l, conf, clears, now_ns);
	return conf->of ? step_hits(l, conf, holds, now_ns) : step_quiet(l, conf, holds, now_ns);
}
