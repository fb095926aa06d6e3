/* SPDX-License-Identifier: BSD-2-Clause */
/* Evaluates conditions: recursion is as deep as the parser allowed, and nothing is allocated. */
#include "rule/expr_tree.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

#define GLOB_TEXT_MAX 4608 /* no field holds more; the rest of a longer text is not looked at */

void expr_free(struct expr *e)
{
	if (!e)
		return;
	for (unsigned i = 0; e->args && i < e->n; i++)
		expr_free(e->args[i]);
	for (unsigned i = 0; e->texts && i < e->n; i++)
		free(e->texts[i].bytes);
	free(e->args);
	free(e->numbers);
	free(e->texts);
	free(e->networks);
	regex_free(e->regex);
	free(e);
}

int expr_compare_numbers(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int expr_compare_texts(const void *a, const void *b)
{
	const struct expr_text *x = a, *y = b;
	int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static bool in_numbers(const struct expr *e, double number)
{
	return !isnan(number) &&
	       bsearch(&number, e->numbers, e->n, sizeof(*e->numbers), expr_compare_numbers);
}

static bool in_texts(const struct expr *e, const struct value *v)
{
	struct expr_text text = { .bytes = (char *)v->text, .len = v->len };

	return bsearch(&text, e->texts, e->n, sizeof(*e->texts), expr_compare_texts);
}

static bool in_networks(const struct expr *e, const unsigned char *addr)
{
	for (unsigned i = 0; i < e->n; i++) {
		const struct expr_network *net = &e->networks[i];
		unsigned whole = net->bits / 8, rest = net->bits % 8;

		if (memcmp(addr, net->addr, whole) == 0 &&
		    (rest == 0 || (addr[whole] ^ net->addr[whole]) >> (8 - rest) == 0))
			return true;
	}
	return false;
}

static bool is_in(const struct expr *e, const struct value *v)
{
	if (e->texts)
		return in_texts(e, v);
	if (e->networks)
		return in_networks(e, v->addr);
	return in_numbers(e, v->number);
}

static bool is_like(const struct expr *e, const struct value *v)
{
	char text[GLOB_TEXT_MAX + 1];
	size_t len = v->len < GLOB_TEXT_MAX ? v->len : GLOB_TEXT_MAX;

	memcpy(text, v->text, len);
	text[len] = '\0';
	return fnmatch(e->texts[0].bytes, text, 0) == 0;
}

static bool compare_present(const struct expr *e, const struct value *v)
{
	switch (e->op) {
	case EXPR_LT:
		return v->number < e->numbers[0];
	case EXPR_LE:
		return v->number <= e->numbers[0];
	case EXPR_GT:
		return v->number > e->numbers[0];
	case EXPR_GE:
		return v->number >= e->numbers[0];
	case EXPR_LIKE:
		return is_like(e, v);
	case EXPR_MATCHES:
		return regex_match(e->regex, v->text, v->len);
	default:
		return is_in(e, v);
	}
}

static bool is_missing(const struct value *v)
{
	bool is_number = v->type != FIELD_TEXT && v->type != FIELD_ADDR;

	return v->missing || (is_number && isnan(v->number));
}

bool expr_compare_value(const struct expr *e, const struct value *v)
{
	return !is_missing(v) && compare_present(e, v) != e->negated;
}

static bool compare(const struct expr *e, const struct event *ev)
{
	struct value v;

	event_get(ev, e->field, &v);
	return expr_compare_value(e, &v);
}

static enum truth join(const struct expr *e, const struct event *ev, uint64_t known,
		       enum truth last)
{
	enum truth result = TRUTH_TRUE - last;

	for (unsigned i = 0; i < e->n && result != last; i++)
		result = truth_join(last, result, expr_match_partly(e->args[i], ev, known));
	return result;
}

enum truth expr_match_partly(const struct expr *e, const struct event *ev, uint64_t known)
{
	switch (e->op) {
	case EXPR_AND:
		return join(e, ev, known, TRUTH_FALSE);
	case EXPR_OR:
		return join(e, ev, known, TRUTH_TRUE);
	case EXPR_NOT:
		return TRUTH_TRUE - expr_match_partly(e->args[0], ev, known);
	default:
		if (!(known >> e->index & 1))
			return TRUTH_MAYBE;
		return compare(e, ev) ? TRUTH_TRUE : TRUTH_FALSE;
	}
}

bool expr_match(const struct expr *e, const struct event *ev)
{
	return expr_match_partly(e, ev, UINT64_MAX) == TRUTH_TRUE;
}

/*
 * What one comparison, or its negation, says of its field: with sign 1 what it is at least, with -1
 * what its negative is at least, which is the negative of what it is at most; -INFINITY for
 * nothing.
 */
static double bound_of_comparison(const struct expr *e, bool negated, int sign)
{
	bool from_below = e->op == EXPR_GT || e->op == EXPR_GE;
	bool from_above = e->op == EXPR_LT || e->op == EXPR_LE;

	negated = negated != e->negated;
	if (e->op == EXPR_IN && !negated)
		return sign > 0 ? e->numbers[0] : -e->numbers[e->n - 1];
	if ((from_below || from_above) && (from_below != negated) == (sign > 0))
		return sign * e->numbers[0];
	return -INFINITY;
}

/* The same for a condition or its negation. */
static double bound(const struct expr *e, const struct field *f, bool negated, int sign)
{
	bool all_hold = (e->op == EXPR_AND) != negated; /* De Morgan */
	double result;

	if (!e->args)
		return e->field == f && e->numbers ? bound_of_comparison(e, negated, sign)
						   : -INFINITY;
	if (e->op == EXPR_NOT)
		return bound(e->args[0], f, !negated, sign);
	result = bound(e->args[0], f, negated, sign);
	for (unsigned i = 1; i < e->n; i++) {
		double next = bound(e->args[i], f, negated, sign);

		result = all_hold ? fmax(result, next) : fmin(result, next);
	}
	return result;
}

double expr_lower_bound(const struct expr *e, const struct field *f)
{
	return bound(e, f, false, 1);
}

double expr_upper_bound(const struct expr *e, const struct field *f)
{
	return -bound(e, f, false, -1);
}

static void each_text(const struct expr *e, bool negated, expr_text_fn *fn, void *ctx)
{
	for (unsigned i = 0; e->args && i < e->n; i++)
		each_text(e->args[i], negated != (e->op == EXPR_NOT), fn, ctx);
	if (e->op != EXPR_IN && e->op != EXPR_LIKE)
		return;
	for (unsigned i = 0; e->texts && i < e->n; i++)
		fn(ctx, &(struct expr_literal){ .f = e->field,
						.text = e->texts[i].bytes,
						.len = e->texts[i].len,
						.at = e->texts[i].at,
						.negated = negated != e->negated,
						.glob = e->op == EXPR_LIKE });
}

void expr_each_text(const struct expr *e, expr_text_fn *fn, void *ctx)
{
	each_text(e, false, fn, ctx);
}

static uint64_t hash_operand(const struct expr *e, unsigned i, uint64_t hash)
{
	if (e->numbers)
		return hash_bytes(hash, &e->numbers[i], sizeof(e->numbers[i]));
	if (e->texts)
		return hash_bytes(hash, e->texts[i].bytes, e->texts[i].len + 1);
	hash = hash_bytes(hash, e->networks[i].addr, sizeof(e->networks[i].addr));
	return hash_bytes(hash, &e->networks[i].bits, sizeof(e->networks[i].bits));
}

uint64_t expr_hash(const struct expr *e, uint64_t hash)
{
	unsigned head[3] = { e ? e->op + 1 : 0, e ? e->n : 0, e && e->negated };

	hash = hash_bytes(hash, head, sizeof(head));
	if (!e)
		return hash;
	if (e->field)
		hash = hash_bytes(hash, e->field->name, strlen(e->field->name) + 1);
	for (unsigned i = 0; i < e->n; i++)
		hash = e->args ? expr_hash(e->args[i], hash) : hash_operand(e, i, hash);
	return hash;
}

uint64_t expr_fields(const struct expr *e)
{
	uint64_t fields = 0;

	if (!e->args)
		return 1ull << e->index;
	for (unsigned i = 0; i < e->n; i++)
		fields |= expr_fields(e->args[i]);
	return fields;
}

uint64_t expr_given_up(const struct expr *e)
{
	uint64_t n = e->regex ? regex_given_up(e->regex) : 0;

	for (unsigned i = 0; e->args && i < e->n; i++)
		n += expr_given_up(e->args[i]);
	return n;
}
