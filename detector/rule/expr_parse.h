/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser's state and the parts of it that have files of their own; private to the expr files.
 */
#ifndef RULE_EXPR_PARSE_H
#define RULE_EXPR_PARSE_H

#include "rule/expr_lex.h"
#include "rule/expr_tree.h"

struct parser {
	const struct event_type *type;
	struct expr_names *names; /* NULL: none */
	const char *text;	  /* of the condition, or of `macro` */
	struct expr_macro *macro; /* the innermost one that is open */
	size_t outer_at;	  /* in one: where the condition names the outermost */
	struct token token;	  /* the next one, not yet taken */
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
/* Adds one of the list that the token at hand names. */
void expr_add_item(struct parser *p, struct expr *e, const struct expr_list *list,
		   const struct expr_item *item);
/* The offset in the text of the condition that the token at hand has, or the macro it comes from. */
size_t expr_place(const struct parser *p);

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
/* ... a text that the field is never ... */
void expr_fail_text(struct parser *p, const struct field *f, const char *text);
/* ... no list ... */
void expr_fail_list(struct parser *p);
/* ... a list of which one item does not fit the field ... */
void expr_fail_item(struct parser *p, const struct field *f, const struct expr_list *list,
		    const struct expr_item *item);

#endif
