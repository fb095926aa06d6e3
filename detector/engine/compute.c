/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/compute.h"

#include <math.h>

#include "util/hash.h"

static double apply(enum op_code code, double a, double b)
{
	switch (code) {
	case OP_ADD:
		return a + b;
	case OP_SUB:
		return a - b;
	case OP_MUL:
		return a * b;
	default:
		return b == 0 ? NAN : a / b;
	}
}

double formula_compute(const struct formula *f, const double terms[TERMS_MAX])
{
	double stack[OPS_MAX];
	unsigned n = 0;

	if (f->n_ops == 1 && f->ops[0].code == OP_TERM)
		return terms[f->ops[0].term];
	for (unsigned i = 0; i < f->n_ops; i++) {
		const struct op *op = &f->ops[i];

		if (op->code == OP_TERM) {
			stack[n++] = terms[op->term];
		} else if (op->code == OP_NUMBER) {
			stack[n++] = op->number;
		} else if (op->code == OP_NEGATE) {
			stack[n - 1] = -stack[n - 1];
		} else {
			n--;
			stack[n - 1] = apply(op->code, stack[n - 1], stack[n]);
		}
	}
	return stack[0];
}

double term_measure(const struct term *t, const struct event *ev)
{
	struct value v;

	if (!t->field)
		return 1;
	event_get(ev, t->field, &v);
	return v.number * t->scale;
}

double formula_measure(const struct formula *f, const struct event *ev)
{
	double terms[TERMS_MAX];

	for (unsigned i = 0; i < f->n_terms; i++)
		terms[i] = term_measure(&f->terms[i], ev);
	return formula_compute(f, terms);
}

double formula_weight(const struct formula *f, const struct event *ev)
{
	for (unsigned i = 0; i < f->n_terms; i++)
		if (f->terms[i].source == 0 && f->terms[i].field &&
		    f->terms[i].aggregate != AGGREGATE_DISTINCT)
			return term_measure(&f->terms[i], ev);
	return 1;
}

uint64_t value_hash(const struct value *v, uint64_t seed)
{
	switch (v->type) {
	case FIELD_TEXT:
		return hash_keyed(seed, v->text, v->len);
	case FIELD_ADDR:
		return hash_keyed(seed, v->addr, 16);
	case FIELD_REAL:
		return hash_keyed(seed, &v->number, sizeof(v->number));
	default:
		return hash_keyed(seed, &v->u, sizeof(v->u));
	}
}
