/* SPDX-License-Identifier: BSD-2-Clause */
/* The first byte picks the event type, the second another one for "with", the rest is a formula. */
#include "rule/formula.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_steps(const struct formula *f)
{
	unsigned depth = 0;

	require(f->n_ops > 0 && f->n_ops <= OPS_MAX);
	for (unsigned i = 0; i < f->n_ops; i++) {
		const struct op *op = &f->ops[i];

		require(op->code != OP_TERM || op->term < f->n_terms);
		if (op->code == OP_TERM || op->code == OP_NUMBER)
			depth++;
		else if (op->code == OP_NEGATE)
			require(depth >= 1);
		else
			require(depth-- >= 2);
		require(depth <= OPS_MAX);
	}
	require(depth == 1);
}

static void check_terms(const struct formula *f, const struct formula_scope *scope)
{
	require(f->n_terms > 0 && f->n_terms <= TERMS_MAX && f->unit < UNIT_N);
	for (unsigned i = 0; i < f->n_terms; i++) {
		const struct term *t = &f->terms[i];
		const struct event_type *type = t->source ? scope->with : scope->on;

		require(type && t->source <= 1);
		require((t->aggregate != AGGREGATE_NONE) == formula_is_windowed(f));
		require(!t->field || event_field_index(type, t->field) < type->n_fields);
		require(t->field || t->aggregate == AGGREGATE_COUNT ||
			t->aggregate == AGGREGATE_RATE);
		require(t->scale > 0);
		if (t->aggregate == AGGREGATE_QUANTILE)
			require(t->quantile > 0 && t->quantile < 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	struct formula_scope scope = { .on = &types[size ? data[0] % n : 0] };
	AUTO_FREE char *text =
		xstrndup(size > 1 ? (const char *)data + 2 : "", size > 1 ? size - 2 : 0);
	struct expr_error error = { .message = NULL };
	struct formula f;

	if (size > 1 && data[1] % (n + 1) < n)
		scope.with = &types[data[1] % (n + 1)];
	if (scope.with == scope.on)
		scope.with = NULL;
	if (!formula_parse(text, &scope, &f, &error)) {
		require(error.offset <= strlen(text) && error.message && *error.message);
		free(error.message);
		return 0;
	}
	require(strcmp(f.text, text) == 0);
	check_terms(&f, &scope);
	check_steps(&f);
	formula_fini(&f);
	return 0;
}
