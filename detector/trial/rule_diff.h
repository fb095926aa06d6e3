/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a change of rules changes in alerts. Of two logs of the same captures, an alert of one is the
 * same as one of the other if rule and key are and their times overlap; of several, the earliest.
 */
#ifndef TRIAL_RULE_DIFF_H
#define TRIAL_RULE_DIFF_H

#include "trial/alert_log.h"

struct rule_diff {
	unsigned lost, gained, changed, same;
};

/* Writes a line for each alert lost, gained or changed (in severity or start), by time, and counts
 * them. */
void rule_diff_write(const struct alert_log *before, const struct alert_log *after, struct buf *out,
		     struct rule_diff *ret_diff);

#endif
