/* SPDX-License-Identifier: BSD-2-Clause */
/* Can a silence ever hold back anything? What silence.c and silence_check.c share. */
#ifndef ENGINE_SILENCE_CHECK_H
#define ENGINE_SILENCE_CHECK_H

#include "engine/silence.h"

/* Before the name of a label, where that alone means something else. */
#define LABELS_PREFIX "labels."

/* What the name in a matcher means for a rule. */
enum silence_subject { SUBJECT_NONE, SUBJECT_RULE, SUBJECT_SEVERITY, SUBJECT_KEY, SUBJECT_LABEL };

/* *ret_index: in rule->by or rule->labels. */
enum silence_subject silence_subject(const struct rule *rule, const char *name,
				     unsigned *ret_index);

/* Is the text what a matcher wants? */
bool silence_value_fits(const char *wanted, const char *text);

/* What is wrong with a matcher that is no NAME=VALUE; the caller frees it. */
char *silence_no_matcher(const char *part, const struct rule_set *rules);

/* NULL if alerts of some rule can be in the silence; else why not, which the caller frees. */
char *silence_check(const struct silence *s, const struct rule_set *rules);

#endif
