/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tries out the values that a field can still have: those that a part of the condition names, the
 * few that it has at all, or the few whole numbers between its bounds. What is said of other fields
 * may hold or not.
 */
#include <math.h>
#include <string.h>

#include "rule/expr_choice.h"
#include "rule/expr_tree.h"

/* So many values are tried; of more it is believed that one fits. */
#define TRIED_MAX 64

static enum truth truth_for(const struct expr *e, const struct field *f, const struct value *v)
{
	enum truth last = e->op == EXPR_AND ? TRUTH_FALSE : TRUTH_TRUE, result;

	if (!e->args)
		return e->field != f		  ? TRUTH_MAYBE
		       : expr_compare_value(e, v) ? TRUTH_TRUE
						  : TRUTH_FALSE;
	if (e->op == EXPR_NOT)
		return TRUTH_TRUE - truth_for(e->args[0], f, v);
	result = TRUTH_TRUE - last;
	for (unsigned i = 0; i < e->n && result != last; i++)
		result = truth_join(last, result, truth_for(e->args[i], f, v));
	return result;
}

static bool fits_number(const struct expr *e, const struct field *f, double number)
{
	const struct value v = { .type = f->type, .number = number, .missing = isnan(number) };

	return truth_for(e, f, &v) != TRUTH_FALSE;
}

/* Does no whole number between the bounds of the field fit, nor that there is none? */
static bool excludes_numbers(const struct expr *e, const struct field *f)
{
	double low = ceil(expr_lower_bound(e, f)), high = floor(expr_upper_bound(e, f));

	if (f->type == FIELD_UINT)
		low = fmax(low, 0);
	if (!(high - low < TRIED_MAX) || fits_number(e, f, NAN))
		return false;
	for (double number = low; number <= high; number++)
		if (fits_number(e, f, number))
			return false;
	return true;
}

/* Does none of the texts fit that the field is always one of? */
static bool excludes_texts(const struct expr *e, const struct event_type *type,
			   const struct field *f)
{
	const char *const *texts = event_field_texts(type, f);

	for (; texts && *texts; texts++) {
		const struct value v = { .type = FIELD_TEXT,
					 .text = *texts,
					 .len = strlen(*texts) };

		if (strchr(*texts, '*') || truth_for(e, f, &v) != TRUTH_FALSE)
			return false;
	}
	return texts;
}

struct trial {
	const struct expr *whole;
	const struct field *excluded; /* the first that was found; NULL: none */
};

static bool fits_literal(const struct expr *e, const struct expr_choice *c, unsigned i)
{
	struct value v = { .type = c->field->type };

	if (v.type != FIELD_TEXT)
		return fits_number(e, c->field, expr_choice_number(c, i));
	v.text = expr_choice_text(c, i, &v.len);
	return truth_for(e, c->field, &v) != TRUTH_FALSE;
}

static void try_choice(void *ctx, const struct expr_choice *c)
{
	struct trial *t = ctx;

	if (t->excluded || c->prefix || c->n > TRIED_MAX)
		return;
	for (unsigned i = 0; i < c->n; i++)
		if (fits_literal(t->whole, c, i))
			return;
	t->excluded = c->field;
}

const struct field *expr_excluded_field(const struct expr *e, const struct event_type *type)
{
	struct trial t = { .whole = e };

	expr_each_choice(e, try_choice, &t);
	for (unsigned i = 0; !t.excluded && i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];

		if (excludes_texts(e, type, f) ||
		    ((f->type == FIELD_UINT || f->type == FIELD_INT) && excludes_numbers(e, f)))
			t.excluded = f;
	}
	return t.excluded;
}
