/* SPDX-License-Identifier: BSD-2-Clause */
/* Do captures hold what rules look at? */
#ifndef TRIAL_COVERAGE_H
#define TRIAL_COVERAGE_H

#include "trial/streams.h"

/* Says for each rule what it looks at and a capture with a header was not asked to record. */
void coverage_report(const struct streams *s, const struct rule_set *rules,
		     void (*say)(void *ctx, const char *text), void *ctx);

#endif
