/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conditions prepared for very many events: what they demand of single stored members (a number in a
 * range, a text that equals one) is tried on the record itself, before and mostly in place of the
 * whole condition.
 */
#ifndef RULE_EXPR_QUICK_H
#define RULE_EXPR_QUICK_H

#include <string.h>

#include "rule/expr.h"

/* Eight bytes of the record, of which those in the mask, turned, lie in a range. */
struct quick_test {
	unsigned offset, shift;
	uint64_t mask, turned, low, span;
};

struct expr_quick {
	const struct expr *whole; /* has to be tried too; NULL: the tests say all */
	unsigned n;
	struct quick_test tests[];
};

/* NULL, a condition that always holds, is fine. Borrows e. type: that of its events. */
struct expr_quick *expr_quick_new(const struct expr *e, const struct event_type *type);
void expr_quick_free(struct expr_quick *q);

/* As expr_match(). NULL always holds. */
static inline bool expr_quick_match(const struct expr_quick *q, const struct event *ev)
{
	const unsigned char *record = ev->record;

	if (!q)
		return true;
	for (const struct quick_test *t = q->tests; t < q->tests + q->n; t++) {
		uint64_t word;

		memcpy(&word, record + t->offset, sizeof(word));
		if ((((word >> t->shift) & t->mask) ^ t->turned) - t->low > t->span)
			return false;
	}
	return !q->whole || expr_match(q->whole, ev);
}

#endif
