/* SPDX-License-Identifier: BSD-2-Clause */
/* Recursive descent that writes the steps as it goes: both operands come before what joins them. */
#include "rule/formula_parse.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16

/* --- what the files share -------------------------------------------------------------------- */

bool formula_fail(struct formula_parser *p, size_t at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&p->error->message, fmt, args) < 0)
		p->error->message = xstrdup(fmt);
	va_end(args);
	p->error->offset = at;
	p->error->macro = NULL;
	return false;
}

void formula_skip_blanks(struct formula_parser *p)
{
	p->at += strspn(p->text + p->at, " \t\r\n");
}

bool formula_accept(struct formula_parser *p, char c)
{
	formula_skip_blanks(p);
	if (p->text[p->at] != c)
		return false;
	p->at++;
	formula_skip_blanks(p);
	return true;
}

bool formula_expect(struct formula_parser *p, char c)
{
	return formula_accept(p, c) || formula_fail(p, p->at, "expected '%c'", c);
}

char *formula_word(struct formula_parser *p, size_t *ret_at)
{
	size_t start = p->at;

	*ret_at = start;
	while (isalnum((unsigned char)p->text[p->at]) || p->text[p->at] == '_' ||
	       p->text[p->at] == '.')
		p->at++;
	return p->at > start ? xstrndup(p->text + start, p->at - start) : NULL;
}

/* --- steps ----------------------------------------------------------------------------------- */

/* What a part of the formula comes to. */
struct part {
	enum unit unit;
	bool bare; /* a number without a unit, which fits any */
};

static bool add_op(struct formula_parser *p, struct op op)
{
	struct formula *f = p->formula;

	if (f->n_ops == OPS_MAX)
		return formula_fail(p, p->at, "a formula of over %d steps; that is the limit",
				    OPS_MAX);
	f->ops[f->n_ops++] = op;
	return true;
}

/* Brings the part that was written last from one unit to another of its kind. */
static bool add_conversion(struct formula_parser *p, enum unit from, enum unit to)
{
	double factor;

	if (from == UNIT_NONE || from == to)
		return true;
	(void)unit_convert(1, from, to, &factor);
	return add_op(p, (struct op){ .code = OP_NUMBER, .number = factor }) &&
	       add_op(p, (struct op){ .code = OP_MUL });
}

static const char *noun(enum unit unit)
{
	if (unit == UNIT_NONE)
		return "a plain number";
	return unit == UNIT_COUNT ? "a count" : unit_name(unit);
}

static bool join_sum(struct formula_parser *p, size_t at, char op, struct part left,
		     struct part right, struct part *ret)
{
	double converted;
	const struct op step = { .code = op == '+' ? OP_ADD : OP_SUB };

	*ret = left.bare ? right : left;
	if (left.bare || right.bare)
		return add_op(p, step);
	if ((left.unit == UNIT_NONE) != (right.unit == UNIT_NONE) ||
	    !unit_convert(1, right.unit, left.unit, &converted))
		return formula_fail(p, at, "'%c' between %s and %s; both must measure the same", op,
				    noun(left.unit), noun(right.unit));
	return add_conversion(p, right.unit, left.unit) && add_op(p, step);
}

/* Is a part in this unit only a number to one in the other? */
static bool is_number_to(enum unit unit, enum unit other)
{
	return unit == UNIT_NONE || (unit == UNIT_COUNT && other != UNIT_NONE && other != unit);
}

static bool join_product(struct formula_parser *p, struct part left, struct part right,
			 struct part *ret)
{
	*ret = (struct part){ .unit = UNIT_NONE, .bare = left.bare && right.bare };
	if (is_number_to(right.unit, left.unit))
		ret->unit = left.unit;
	else if (is_number_to(left.unit, right.unit))
		ret->unit = right.unit;
	return add_op(p, (struct op){ .code = OP_MUL });
}

static bool join_quotient(struct formula_parser *p, struct part left, struct part right,
			  struct part *ret)
{
	double converted;

	*ret = (struct part){ .unit = UNIT_NONE, .bare = left.bare && right.bare };
	if (is_number_to(right.unit, left.unit))
		ret->unit = left.unit;
	else if (left.unit != UNIT_NONE && unit_convert(1, right.unit, left.unit, &converted) &&
		 !add_conversion(p, right.unit, left.unit))
		return false;
	return add_op(p, (struct op){ .code = OP_DIV });
}

/* --- the grammar ----------------------------------------------------------------------------- */

static bool read_formula(struct formula_parser *p, struct part *ret);

/* Digits, with the letters or % right behind: "10ms"; "/s" would be a division. */
static bool read_number(struct formula_parser *p, struct part *ret)
{
	const char *start = p->text + p->at;
	size_t len = strspn(start, "0123456789."), exponent;
	struct op op = { .code = OP_NUMBER };

	exponent = len + (start[len] == 'e' || start[len] == 'E');
	exponent += exponent > len && (start[exponent] == '-' || start[exponent] == '+');
	if (exponent > len && isdigit((unsigned char)start[exponent]))
		len = exponent;
	while (isalnum((unsigned char)start[len]) || start[len] == '%' || start[len] == '_' ||
	       start[len] == '.')
		len++;
	if (quantity_parse(start, len, &op.number, &ret->unit) != len)
		return formula_fail(p, p->at,
				    "\"%.*s\" is no number; write one such as 250, 0.5 or 10ms",
				    (int)(len < 40 ? len : 40), start);
	ret->bare = ret->unit == UNIT_NONE;
	p->at += len;
	return add_op(p, op);
}

static bool read_term(struct formula_parser *p, struct part *ret)
{
	struct op op = { .code = OP_TERM };

	ret->bare = false;
	return formula_read_term(p, &op.term, &ret->unit) && add_op(p, op);
}

static bool read_brackets(struct formula_parser *p, struct part *ret)
{
	if (p->depth == DEPTH_MAX)
		return formula_fail(p, p->at, "nested deeper than %d; that is the limit",
				    DEPTH_MAX);
	p->depth++;
	if (!read_formula(p, ret) || !formula_expect(p, ')'))
		return false;
	p->depth--;
	return true;
}

static bool read_inner(struct formula_parser *p, struct part *ret)
{
	if (formula_accept(p, '('))
		return read_brackets(p, ret);
	if (isdigit((unsigned char)p->text[p->at]))
		return read_number(p, ret);
	return read_term(p, ret);
}

static bool read_factor(struct formula_parser *p, struct part *ret)
{
	bool negative = false;

	while (formula_accept(p, '-'))
		negative = !negative;
	return read_inner(p, ret) && (!negative || add_op(p, (struct op){ .code = OP_NEGATE }));
}

static bool read_product(struct formula_parser *p, struct part *ret)
{
	struct part right;

	if (!read_factor(p, ret))
		return false;
	for (;;) {
		bool times = formula_accept(p, '*');

		if (!times && !formula_accept(p, '/'))
			return true;
		if (!read_factor(p, &right) ||
		    !(times ? join_product : join_quotient)(p, *ret, right, ret))
			return false;
	}
}

static bool read_formula(struct formula_parser *p, struct part *ret)
{
	struct part right;

	if (!read_product(p, ret))
		return false;
	for (;;) {
		size_t at;
		char op;

		formula_skip_blanks(p);
		at = p->at;
		op = p->text[at];
		if (!formula_accept(p, '+') && !formula_accept(p, '-'))
			return true;
		if (!read_product(p, &right) || !join_sum(p, at, op, *ret, right, ret))
			return false;
	}
}

static bool read_whole(struct formula_parser *p)
{
	struct part part;

	formula_skip_blanks(p);
	if (!read_formula(p, &part))
		return false;
	formula_skip_blanks(p);
	if (p->text[p->at])
		return formula_fail(p, p->at, "expected + - * / or the end");
	if (p->formula->n_terms == 0)
		return formula_fail(p, 0, "nothing is measured; name a field or a function");
	p->formula->unit = part.unit;
	return true;
}

bool formula_parse(const char *text, const struct formula_scope *scope, struct formula *ret_formula,
		   struct expr_error *ret_error)
{
	struct formula f = { .n_terms = 0 };
	struct formula_parser p = {
		.text = text, .scope = scope, .formula = &f, .error = ret_error
	};

	if (!read_whole(&p)) {
		formula_fini(&f);
		return false;
	}
	f.text = xstrdup(text);
	*ret_formula = f;
	return true;
}

void formula_fini(struct formula *f)
{
	for (unsigned i = 0; i < f->n_terms; i++)
		expr_free(f->terms[i].where);
	free(f->text);
	*f = (struct formula){ .n_terms = 0 };
}

bool formula_is_windowed(const struct formula *f)
{
	return f->n_terms > 0 && f->terms[0].aggregate != AGGREGATE_NONE;
}

bool formula_is_term(const struct formula *f)
{
	return f->n_ops == 1 && f->ops[0].code == OP_TERM;
}

bool formula_is_share(const struct formula *f)
{
	bool divides = false;

	for (unsigned i = 0; i < f->n_ops; i++)
		divides = divides || f->ops[i].code == OP_DIV;
	return divides && f->unit == UNIT_NONE;
}
