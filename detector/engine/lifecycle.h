/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of one alert, as a state machine that knows nothing but whether the condition holds:
 *
 *	            holds               held for_ns, or hits of the last `of` looks
 *	INACTIVE ------------> PENDING -------------> FIRING --.
 *	 ^    ^                   |                   |   ^    | repeat_ns since it was last said
 *	 |    '---- no longer ----'                   |   '----'
 *	 '--------- has cleared for clear_ns ---------'
 */
#ifndef ENGINE_LIFECYCLE_H
#define ENGINE_LIFECYCLE_H

#include "util/base.h"

enum phase { PHASE_INACTIVE, PHASE_PENDING, PHASE_FIRING };

struct lifecycle {
	enum phase phase;
	bool clearing;	      /* FIRING: what ends the alert holds ... */
	uint64_t clearing_ns; /* ... since then */
	uint64_t since_ns;    /* PENDING, FIRING: when the condition began to hold */
	uint64_t noticed_ns;  /* FIRING: when that was last said */
	uint64_t looks;	      /* with `of`: bit i: did it hold i looks ago? */
};

struct lifecycle_conf {
	uint64_t for_ns;
	uint64_t clear_ns;
	uint64_t repeat_ns; /* 0: never */
	unsigned hits, of;  /* 0, or in place of for_ns; of <= 64 */
};

enum change {
	CHANGE_NONE,
	CHANGE_FIRED,
	CHANGE_REPEATED,
	CHANGE_SEVERITY, /* has another severity than when it was last said; still fires */
	CHANGE_RESOLVED
};

/* 0 if `since` lies ahead, as the times of events from several CPUs may. */
static inline uint64_t elapsed_ns(uint64_t now_ns, uint64_t since_ns)
{
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

/*
 * How much of a length of time may be missing: a tick looks early after one that came late, and must
 * not wait for the next one because of it.
 */
#define LIFECYCLE_SLACK_NS (50 * NS_PER_MS)

/*
 * One observation: does the condition hold, and, while firing, does what ends the alert? What holds
 * is taken to have held since the observation before. After CHANGE_RESOLVED since_ns still tells
 * when the incident began.
 */
enum change lifecycle_step(struct lifecycle *l, const struct lifecycle_conf *conf, bool holds,
			   bool clears, uint64_t now_ns);

#endif
