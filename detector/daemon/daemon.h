/* SPDX-License-Identifier: BSD-2-Clause */
/* Joins sources, engine and hooks: what `kernelsight run` does between start and end. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "rule/rule_load.h"

/* Where to keep what is seen; see capture/recorder.h. */
struct record_conf {
	const char *path; /* NULL: nowhere */
	uint64_t max_bytes;
	unsigned max_files;
};

struct daemon_conf {
	const struct rule_set *rules; /* borrowed */
	uint64_t duration_ns;	      /* 0: until a signal */
	bool dry_run;
	double cpu_budget;  /* share of all CPUs that kernelsight may cost; 0: no limit */
	const char *socket; /* path of the control socket; NULL: none */
	struct record_conf record;
};

/*
 * Runs until SIGINT, SIGTERM, the duration, or until nobody reads standard output any more. Alerts
 * go to standard output, everything else to standard error. Returns the exit code: 0, or 1 if no
 * source could be attached or a hook cannot work.
 */
int daemon_run(const struct daemon_conf *conf);

#endif
