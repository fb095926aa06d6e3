/* SPDX-License-Identifier: BSD-2-Clause */
/* Joins sources, engine and hooks: what `kernelsight run` does between start and end. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdio.h>

#include "daemon/record.h"
#include "rule/rule_load.h"

/* Reads the rules again, from where those before came. NULL if they are not right; that, and all
 * warnings, are written to `messages`. */
typedef const struct rule_set *daemon_load_fn(void *ctx, FILE *messages);

struct daemon_conf {
	const struct rule_set *rules; /* borrowed */
	daemon_load_fn *load;
	void *load_ctx;
	uint64_t duration_ns; /* 0: until a signal */
	bool dry_run;
	double cpu_budget;    /* share of all CPUs that kernelsight may cost; 0: no limit */
	uint32_t event_limit; /* single events of each source per CPU and second; 0: no limit */
	unsigned max_keys;    /* of a rule; 0: ENGINE_MAX_KEYS */
	const char *socket;   /* path of the control socket; NULL: none */
	struct record_conf record;
};

/*
 * On SIGHUP, and when it is asked to over the control socket, it takes other rules without a gap, or
 * says why it does not.
 *
 * Runs until SIGINT, SIGTERM, the duration, or until nobody reads standard output any more. Alerts
 * go to standard output, everything else to standard error. Returns the exit code: 0, or 1 if no
 * source could be attached or a hook cannot work.
 */
int daemon_run(const struct daemon_conf *conf);

#endif
