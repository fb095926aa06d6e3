/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery: every alert to every hook its rule names. Each hook has a queue of its own, in order,
 * with retries; a slow or dead sink holds up nothing but its own queue, and never the caller.
 */
#ifndef HOOK_HOOKS_H
#define HOOK_HOOKS_H

#include <stdio.h>

#include "engine/alert.h"
#include "loop/loop.h"
#include "rule/rule.h"

#define HOOK_QUEUE_MAX 1000 /* alerts per hook; beyond, a repeat or the oldest is dropped */

struct hooks;

struct hook_stats {
	uint64_t delivered;
	uint64_t retried;
	uint64_t failed;  /* refused for good by the sink, or the program failed */
	uint64_t dropped; /* queue full, cooldown, hourly limit, waited too long */
	uint64_t queued;  /* now, in flight included */
};

struct hooks_conf {
	struct loop *loop;
	const struct rule_set *rules; /* held as long as a hook of it lives */
	bool dry_run;		      /* say what would be sent or run, do nothing */
	FILE *log; /* failures and dry-run lines, one line each; never a secret */
};

/*
 * Reads secrets, after which the process leaves no core dump, and prepares every hook that a rule
 * uses. NULL if one cannot work (no such file, variable not set, program not executable), with
 * *ret_error saying which and why: "FILE:LINE: hook NAME: ..."; the caller frees it.
 */
struct hooks *hooks_new(const struct hooks_conf *conf, char **ret_error);
/* Ends what still runs. */
void hooks_free(struct hooks *h);

/*
 * Other rules, in two steps, so that nothing has changed yet when it turns out that a hook of them
 * cannot work. The first prepares all that is new, aside; NULL with *ret_error as hooks_new().
 *
 * With the second the hooks of the new rules count. One that is configured as before, and whose
 * secrets are the same, stays as it is, with queue and back-off. The queue of one of another
 * configuration goes over to the new one of that name, after tries under way have ended. One that is
 * no longer there delivers what it still has, and takes nothing more; of these at most
 * HOOKS_LEAVING_MAX are kept.
 */
#define HOOKS_LEAVING_MAX 64
struct hooks_plan; /* opaque */
struct hooks_plan *hooks_plan(struct hooks *h, const struct rule_set *rules, char **ret_error);
/* NULL is fine. */
void hooks_plan_free(struct hooks_plan *p);
/* Frees the plan. */
void hooks_apply(struct hooks *h, struct hooks_plan *p);

/*
 * Queues the alert for each of its hooks that wants it, and starts what nothing holds up. Never
 * blocks. A repeat is left out where an earlier alert of the incident is still on its way.
 */
void hooks_deliver(struct hooks *h, struct alert *a);

/* Adds up over all hooks. */
void hooks_stats(const struct hooks *h, struct hook_stats *ret_stats);

/* How one hook stands. Lends until the hook has its next turn. */
struct hook_view {
	const struct hook_conf *conf;
	struct hook_stats stats;
	unsigned in_flight;
	unsigned failures;	  /* tries in a row that failed */
	uint64_t not_before_ns;	  /* CLOCK_MONOTONIC: no try earlier; 0: none is put off */
	const char *last_failure; /* NULL after a success */
	bool gone;		  /* the receiver wants nothing more */
};

/* The hook of that index in rule_set.hooks; false if no rule uses it. */
bool hooks_view(const struct hooks *h, unsigned i, struct hook_view *ret_view);
/* True when nothing is queued or in flight. */
bool hooks_idle(const struct hooks *h);

#endif
