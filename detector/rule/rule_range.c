/* SPDX-License-Identifier: BSD-2-Clause */
/* Interval arithmetic over the steps of a formula. */
#include "rule/rule_range.h"

#include <math.h>

static const struct range anything = { -INFINITY, INFINITY };

static struct range of_field(const struct term *t, const struct rule *r)
{
	const struct expr *where = t->source ? r->with_where : r->where;
	struct range range = { t->field->type == FIELD_INT ? -INFINITY : 0, INFINITY };

	if (where) {
		range.low = fmax(range.low, expr_lower_bound(where, t->field));
		range.high = fmin(range.high, expr_upper_bound(where, t->field));
	}
	return range;
}

static struct range of_term(const struct term *t, const struct rule *r)
{
	bool adds_up = t->aggregate == AGGREGATE_SUM || t->aggregate == AGGREGATE_RATE;
	struct range range = { 0, INFINITY };

	switch (t->aggregate) {
	case AGGREGATE_NONE:
	case AGGREGATE_AVG:
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
	case AGGREGATE_LAST:
	case AGGREGATE_QUANTILE:
		return of_field(t, r);
	default:
		if (adds_up && t->field && t->field->type == FIELD_INT)
			range.low = -INFINITY;
		return range;
	}
}

/* 0 times infinity counts as 0: the bound of a count times that of a time. */
static double product(double a, double b)
{
	return a == 0 || b == 0 ? 0 : a * b;
}

static struct range times(struct range a, struct range b)
{
	double p[] = { product(a.low, b.low), product(a.low, b.high), product(a.high, b.low),
		       product(a.high, b.high) };
	struct range r = { p[0], p[0] };

	for (unsigned i = 1; i < ARRAY_SIZE(p); i++) {
		r.low = fmin(r.low, p[i]);
		r.high = fmax(r.high, p[i]);
	}
	return r;
}

static struct range divided(struct range a, struct range b)
{
	if (b.low > 0 || b.high < 0)
		return times(a, (struct range){ 1 / b.high, 1 / b.low });
	if (a.low >= 0 && b.low >= 0)
		return (struct range){ 0, INFINITY };
	return anything;
}

/* What is not a number says nothing. */
static struct range wide(struct range r)
{
	if (isnan(r.low))
		r.low = -INFINITY;
	if (isnan(r.high))
		r.high = INFINITY;
	return r;
}

static struct range joined(enum op_code code, struct range a, struct range b)
{
	switch (code) {
	case OP_ADD:
		return wide((struct range){ a.low + b.low, a.high + b.high });
	case OP_SUB:
		return wide((struct range){ a.low - b.high, a.high - b.low });
	case OP_MUL:
		return wide(times(a, b));
	default:
		return wide(divided(a, b));
	}
}

/* Is it count(condition) / count(), which is at most 1? */
static bool is_part_of_all(const struct formula *f)
{
	const struct term *part = &f->terms[0], *all = &f->terms[1];

	return f->n_ops == 3 && f->n_terms == 2 && f->ops[2].code == OP_DIV &&
	       f->ops[0].code == OP_TERM && f->ops[1].code == OP_TERM && f->ops[0].term == 0 &&
	       part->aggregate == all->aggregate && part->source == all->source && !part->field &&
	       !all->field && part->where && !all->where;
}

struct range formula_range(const struct formula *f, const struct rule *r)
{
	struct range stack[OPS_MAX];
	unsigned n = 0;

	if (is_part_of_all(f))
		return (struct range){ 0, 1 };
	for (unsigned i = 0; i < f->n_ops; i++) {
		const struct op *op = &f->ops[i];

		if (op->code == OP_TERM) {
			stack[n++] = of_term(&f->terms[op->term], r);
		} else if (op->code == OP_NUMBER) {
			stack[n++] = (struct range){ op->number, op->number };
		} else if (op->code == OP_NEGATE) {
			stack[n - 1] = (struct range){ -stack[n - 1].high, -stack[n - 1].low };
		} else {
			stack[n - 2] = joined(op->code, stack[n - 2], stack[n - 1]);
			n--;
		}
	}
	return n ? stack[0] : (struct range){ 0, INFINITY };
}
