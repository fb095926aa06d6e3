/* SPDX-License-Identifier: BSD-2-Clause */
/* What a condition is compiled to; private to the expr files. */
#ifndef RULE_EXPR_TREE_H
#define RULE_EXPR_TREE_H

#include "rule/expr.h"
#include "rule/regex.h"

enum expr_op {
	EXPR_AND,
	EXPR_OR,
	EXPR_NOT,
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_IN, /* == too: a list of one */
	EXPR_LIKE,
	EXPR_MATCHES,
};

struct expr_text {
	char *bytes; /* with a NUL behind */
	size_t len;
	size_t at; /* in the text of the condition */
};

struct expr_network {
	unsigned char addr[16];
	unsigned bits; /* that must be equal; 128 for one address */
};

/*
 * A node. AND, OR and NOT have args: as many as are written in a row, so that the depth of the tree
 * is the depth of the parentheses. A comparison has a field and n operands of the field's type, in
 * ascending order; only IN has more than one. A negated comparison holds where it does not, but not
 * where the field is missing: that is what sets it apart from NOT.
 */
struct expr {
	enum expr_op op;
	bool negated; /* a comparison: != or "not in" */
	unsigned n;   /* args or operands */
	struct expr **args;
	const struct field *field;
	unsigned index; /* of the field in its event type; below 64 */
	double *numbers;
	struct expr_text *texts;
	struct expr_network *networks;
	struct regex *regex; /* MATCHES, besides its text */
};

/* Of two truths the lesser, if `last` is TRUTH_FALSE, else the greater: what "and" and "or" make of
 * them, which end when `last` has come. */
static inline enum truth truth_join(enum truth last, enum truth a, enum truth b)
{
	return (a < b) == (last == TRUTH_FALSE) ? a : b;
}

/* Does the comparison hold for a value of its field? */
bool expr_compare_value(const struct expr *e, const struct value *v);

/* The orders in which numbers and texts stand: as qsort(3) and bsearch(3) want it. */
int expr_compare_numbers(const void *a, const void *b);
int expr_compare_texts(const void *a, const void *b);

#endif
