/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conditions prepared for very many events: what they demand of single stored members (a number in a
 * range, a text that equals one) is tried on the record itself, before and mostly in place of the
 * whole condition.
 */
#ifndef RULE_EXPR_QUICK_H
#define RULE_EXPR_QUICK_H

#include "rule/expr.h"

struct expr_quick; /* opaque */

/* NULL, a condition that always holds, is fine. Borrows e. type: that of its events. */
struct expr_quick *expr_quick_new(const struct expr *e, const struct event_type *type);
void expr_quick_free(struct expr_quick *q);

/* As expr_match(). NULL always holds. */
bool expr_quick_match(const struct expr_quick *q, const struct event *ev);

#endif
