/* SPDX-License-Identifier: BSD-2-Clause */
/* The alerts of a replay as a list: one entry from firing to resolved. */
#ifndef TRIAL_ALERT_LOG_H
#define TRIAL_ALERT_LOG_H

#include "trial/replay.h"

struct logged_alert {
	char incident[ULID_LEN + 1];
	char *rule;		/* name */
	char *key;		/* as in struct alert */
	enum severity severity; /* the worst it had */
	uint64_t started_ns;	/* since 1970 */
	uint64_t ended_ns;	/* the same; of one that did not end, the end of its stream */
	bool resolved;
	unsigned stream; /* number of its stream */
	char *summary;	 /* when it fired */
};

struct alert_log {
	struct logged_alert *alerts; /* in the order in which they fired */
	unsigned n;
	unsigned cap;
	unsigned stream;
	void *open; /* those that fire, by incident: tsearch(3) */
};

void alert_log_fini(struct alert_log *log);

/* For struct replay_target, with the log as ctx. */
void alert_log_transition(void *log, const struct transition *t, const struct host_info *host);
void alert_log_stream_end(void *log, uint64_t wall_ns);

#endif
