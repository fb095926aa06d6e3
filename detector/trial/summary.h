/* SPDX-License-Identifier: BSD-2-Clause */
/* What the alerts of a replay come to: for each rule and day (UTC) how many, how long, how bad. */
#ifndef TRIAL_SUMMARY_H
#define TRIAL_SUMMARY_H

#include "trial/replay.h"

struct summary; /* opaque */

/* Of the alerts of these rules, which must outlive it. */
struct summary *summary_new(const struct rule_set *rules);
void summary_free(struct summary *s);

/* Takes in an alert: the transition, and the document made of it. */
void summary_add(struct summary *s, const struct transition *t, const struct alert *a);
/* What still fires lasts until then. */
void summary_end_stream(struct summary *s, uint64_t wall_ns);

/* Writes the table, with a line for each rule that never fired. */
void summary_write(const struct summary *s, struct buf *out);

#endif
