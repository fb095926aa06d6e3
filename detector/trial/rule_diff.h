/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a change of rules changes in alerts. Of two logs of the same captures, an alert of one is the
 * same as one of the other if rule and key are and their times overlap; of several, the earliest.
 */
#ifndef TRIAL_RULE_DIFF_H
#define TRIAL_RULE_DIFF_H

#include "trial/alert_log.h"

/* An alert under both rules, or under one. */
struct alert_pair {
	const struct logged_alert *before; /* NULL: gained */
	const struct logged_alert *after;  /* NULL: lost */
};

struct rule_diff {
	struct alert_pair
		*pairs; /* those lost, gained or changed (in severity or start), by time */
	unsigned n;
	unsigned lost, gained, changed, same;
};

/* Compares. *ret_diff borrows from the logs. */
void rule_diff_init(struct rule_diff *ret_diff, const struct alert_log *before,
		    const struct alert_log *after);
void rule_diff_fini(struct rule_diff *diff);

/* Writes a line for each of the pairs and one with the counts. */
void rule_diff_write_text(const struct rule_diff *diff, struct buf *out);
/* Writes the same as one JSON object on a line (docs/testing.md). */
void rule_diff_write_json(const struct rule_diff *diff, struct buf *out);

#endif
