/* SPDX-License-Identifier: BSD-2-Clause */
/* Between which bounds the values of a rule lie, as far as the rule itself tells. */
#ifndef RULE_RULE_RANGE_H
#define RULE_RULE_RANGE_H

#include "rule/rule.h"

struct range {
	double low, high; /* both may be reached; infinite where nothing is known */
};

/* Of a formula, given the conditions of its rule. Errs to the side of too wide. */
struct range formula_range(const struct formula *f, const struct rule *r);

#endif
