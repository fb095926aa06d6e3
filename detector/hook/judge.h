/* SPDX-License-Identifier: BSD-2-Clause */
/* What an answer means, and how long to wait before the next try. */
#ifndef HOOK_JUDGE_H
#define HOOK_JUDGE_H

#include "rule/hook_conf.h"

enum verdict {
	VERDICT_DELIVERED,
	VERDICT_RETRY,	 /* may work later */
	VERDICT_FOREIGN, /* not the sink's own words: may work later, for a few tries */
	VERDICT_REFUSED, /* this alert will never be taken */
	VERDICT_GONE,	 /* nothing will ever be taken: stop sending */
};

#define RETRY_BASE_NS	   (1 * NS_PER_S)
#define RETRY_CAP_NS	   (300 * NS_PER_S)
#define RETRY_AFTER_MAX_NS (3600 * NS_PER_S)
#define RETRY_GIVE_UP_NS   (24 * 3600 * NS_PER_S)

#define RETRY_FOREIGN_TRIES 5 /* of one alert, while a stranger answers */

/* Judges an HTTP answer of the sink that a hook of this type talks to. */
enum verdict judge(enum hook_type type, long status, const char *body);

/*
 * How long the sink wants to be left alone: its Retry-After, at most RETRY_AFTER_MAX_NS. A 429
 * without one still means a second, since a sink that is asked again at once may lock us out.
 */
uint64_t retry_after_ns(long status, uint64_t retry_after_s);

/*
 * Exponential back-off with full jitter: a point, given by the random number, between 0 and
 * RETRY_BASE_NS * 2^failures, at most RETRY_CAP_NS. failures: how many tries failed before this
 * one.
 */
uint64_t retry_backoff_ns(unsigned failures, uint64_t random);

#endif
