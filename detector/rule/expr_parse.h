/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser's state and the parts of it that have files of their own; private to the expr files.
 */
#ifndef RULE_EXPR_PARSE_H
#define RULE_EXPR_PARSE_H

#include "rule/expr_lex.h"
#include "rule/expr_tree.h"

struct parser {
	const struct event_type *type;
	const char *text;
	struct token token; /* the next one, not yet taken */
	unsigned depth;
	unsigned nodes;
	unsigned literals;
	bool failed; /* the first mistake is noted in error; no other is */
	struct expr_error error;
};

/* What a field is compared with. */
enum operand { NUMBERS, TEXTS, ADDRESSES };

enum operand expr_operand(const struct field *f);

/* Adds the literal at hand to the operands of a comparison; the token is not taken. */
void expr_add_literal(struct parser *p, struct expr *e);

/*
 * Makes room for element n in an array that grows one by one: its size is the power of two at or
 * above its length.
 */
void *expr_grown(void *array, unsigned n, size_t size);

/* Notes a mistake at a place in the text. */
void expr_fail(struct parser *p, const char *at, const char *fmt, ...) PRINTF(3, 4);
/* These are about the token at hand: bad in itself ... */
void expr_fail_bad(struct parser *p);
/* ... not what the grammar wants ... */
void expr_fail_found(struct parser *p, const char *expected);
/* ... no field ... */
void expr_fail_field(struct parser *p);
/* ... no comparison for this field ... */
void expr_fail_comparison(struct parser *p, const struct field *f);
/* ... not a literal of the kind that the field is compared with, or one in a foreign unit. */
void expr_fail_literal(struct parser *p, const struct field *f);
void expr_fail_unit(struct parser *p, const struct field *f);
void expr_fail_address(struct parser *p);

#endif
