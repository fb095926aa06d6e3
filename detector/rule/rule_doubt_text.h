/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts in conditions that no event has, though each of them could be one. */
#ifndef RULE_RULE_DOUBT_TEXT_H
#define RULE_RULE_DOUBT_TEXT_H

#include "rule/expr.h"

/* What is wrong with comparing the field with that text, and what to write; NULL: nothing that is
 * known here. The caller frees it. */
char *doubt_of_text(const struct expr_literal *l);

#endif
