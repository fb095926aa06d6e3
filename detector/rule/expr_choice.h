/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a condition demands of single fields, so that events which cannot satisfy it are told apart
 * by a look into a table: `comm in ('a', 'b') and latency_ms > 5` asks for comm to be one of two.
 */
#ifndef RULE_EXPR_CHOICE_H
#define RULE_EXPR_CHOICE_H

#include "rule/expr.h"

/* The field equals one of n literals, or begins with the one. */
struct expr_choice {
	const struct field *field;
	unsigned n;
	bool prefix;		     /* literal 0 is what the text begins with */
	const struct expr *literals; /* for expr_choice_text() and expr_choice_number() */
};

/* Calls fn for each such demand that every event has to meet which satisfies the condition. */
typedef void expr_choice_fn(void *ctx, const struct expr_choice *choice);
void expr_each_choice(const struct expr *e, expr_choice_fn *fn, void *ctx);

/* Literal i: of a text field its bytes; of a number's. */
const char *expr_choice_text(const struct expr_choice *c, unsigned i, size_t *ret_len);
double expr_choice_number(const struct expr_choice *c, unsigned i);

#endif
