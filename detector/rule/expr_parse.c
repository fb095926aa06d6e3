/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recursive descent. The first mistake is noted in the parser, the rest of the parse runs dry, and
 * what is half-built by then is one tree that expr_parse() frees.
 */
#include "rule/expr_parse.h"

#include <stdlib.h>

#define DEPTH_MAX    64
#define NODES_MAX    4096
#define LITERALS_MAX 4096

static const struct comparison {
	const char *word;
	enum expr_op op;
	bool negated;
	bool after_not; /* may have "not" before it */
} comparisons[] = {
	{ .word = "==", .op = EXPR_IN },
	{ .word = "!=", .op = EXPR_IN, .negated = true },
	{ .word = "<", .op = EXPR_LT },
	{ .word = "<=", .op = EXPR_LE },
	{ .word = ">", .op = EXPR_GT },
	{ .word = ">=", .op = EXPR_GE },
	{ .word = "in", .op = EXPR_IN, .after_not = true },
	{ .word = "like", .op = EXPR_LIKE, .after_not = true },
	{ .word = "matches", .op = EXPR_MATCHES, .after_not = true },
};

static void advance(struct parser *p)
{
	p->token = token_read(p->token.at + p->token.len);
	if (p->token.kind == TOKEN_BAD)
		expr_fail_bad(p);
}

static bool accept(struct parser *p, const char *word)
{
	if (!token_is(&p->token, word))
		return false;
	advance(p);
	return true;
}

static struct expr *node(struct parser *p, enum expr_op op)
{
	struct expr *e = xcalloc(1, sizeof(*e));

	e->op = op;
	if (++p->nodes > NODES_MAX)
		expr_fail(p, p->token.at,
			  "more than %d comparisons, and, or, not; that is the limit", NODES_MAX);
	return e;
}

/* NULL, after a mistake, adds nothing. */
static void add_arg(struct expr *e, struct expr *arg)
{
	if (!arg)
		return;
	e->args = expr_grown(e->args, e->n, sizeof(struct expr *));
	e->args[e->n++] = arg;
}

static struct expr *negation(struct parser *p, struct expr *arg)
{
	struct expr *e = node(p, EXPR_NOT);

	add_arg(e, arg);
	return e;
}

static bool applies(enum expr_op op, enum operand operand)
{
	if (op == EXPR_IN)
		return true;
	return op == EXPR_LIKE || op == EXPR_MATCHES ? operand == TEXTS : operand == NUMBERS;
}

/* The comparison that the token at hand is; NULL if there is none such for the field. */
static const struct comparison *find_comparison(const struct parser *p, const struct field *f,
						bool after_not)
{
	for (size_t i = 0; i < ARRAY_SIZE(comparisons); i++) {
		const struct comparison *c = &comparisons[i];

		if (token_is(&p->token, c->word) && applies(c->op, expr_operand(f)) &&
		    (c->after_not || !after_not))
			return c;
	}
	return NULL;
}

static void count_literal(struct parser *p)
{
	if (++p->literals > LITERALS_MAX)
		expr_fail(p, p->token.at, "more than %d numbers and texts; that is the limit",
			  LITERALS_MAX);
}

static void parse_literal(struct parser *p, struct expr *e)
{
	count_literal(p);
	expr_add_literal(p, e);
	advance(p);
}

/* The list that the token at hand names; NULL and a message if there is none. */
static struct expr_list *find_list(struct parser *p)
{
	for (unsigned i = 0; p->names && i < p->names->n_lists; i++)
		if (token_is(&p->token, p->names->lists[i].name))
			return &p->names->lists[i];
	expr_fail_list(p);
	return NULL;
}

static void parse_named_list(struct parser *p, struct expr *e)
{
	struct expr_list *list = find_list(p);

	if (!list)
		return;
	list->used = true;
	for (unsigned i = 0; i < list->n && !p->failed; i++) {
		count_literal(p);
		expr_add_item(p, e, list, &list->items[i]);
	}
	advance(p);
}

static void parse_written_list(struct parser *p, struct expr *e)
{
	if (!accept(p, "("))
		expr_fail_found(p, "a list in parentheses or the name of one");
	do
		parse_literal(p, e);
	while (!p->failed && accept(p, ","));
	if (!accept(p, ")"))
		expr_fail_found(p, "\",\" or \")\"");
}

static void parse_list(struct parser *p, struct expr *e)
{
	if (p->token.kind == TOKEN_NAME)
		parse_named_list(p, e);
	else
		parse_written_list(p, e);
	if (e->numbers)
		qsort(e->numbers, e->n, sizeof(*e->numbers), expr_compare_numbers);
	if (e->texts)
		qsort(e->texts, e->n, sizeof(*e->texts), expr_compare_texts);
}

/* What follows a field. */
static struct expr *parse_test(struct parser *p, const struct field *f)
{
	bool negated = accept(p, "not");
	const struct comparison *c = find_comparison(p, f, negated);
	bool list = token_is(&p->token, "in");
	struct expr *e;

	if (!c && negated)
		expr_fail_found(p, expr_operand(f) == TEXTS ? "\"in\", \"like\" or \"matches\""
							    : "\"in\"");
	else if (!c)
		expr_fail_comparison(p, f);
	if (!c)
		return NULL;
	advance(p);
	e = node(p, c->op);
	e->field = f;
	e->index = event_field_index(p->type, f);
	e->negated = negated || c->negated;
	if (list)
		parse_list(p, e);
	else
		parse_literal(p, e);
	return e;
}

static struct expr *parse_or(struct parser *p);

static struct expr_macro *find_macro(const struct parser *p)
{
	for (unsigned i = 0; p->names && i < p->names->n_macros; i++)
		if (token_is(&p->token, p->names->macros[i].name))
			return &p->names->macros[i];
	return NULL;
}

/* Reads the text of a macro in place of its name; the token at hand is left at the name. */
static struct expr *parse_macro(struct parser *p, struct expr_macro *macro)
{
	struct parser outer = *p;
	struct expr *e;

	if (macro->open) {
		expr_fail(p, p->token.at, "macro \"%s\" uses itself", macro->name);
		return NULL;
	}
	macro->used = macro->open = true;
	p->outer_at = expr_place(p);
	p->macro = macro;
	p->text = macro->text;
	p->token = (struct token){ .at = macro->text };
	advance(p);
	e = parse_or(p);
	if (p->token.kind != TOKEN_END)
		expr_fail_found(p, "\"and\", \"or\" or the end");
	p->outer_at = outer.outer_at;
	p->macro = outer.macro;
	p->text = outer.text;
	p->token = outer.token;
	macro->open = false;
	return e;
}

static struct expr *parse_comparison(struct parser *p)
{
	const struct field *f;
	struct expr_macro *macro;
	struct expr *e;

	if (p->token.kind != TOKEN_NAME) {
		expr_fail_found(p, "a field, \"not\" or \"(\"");
		return NULL;
	}
	f = event_field_find(p->type, p->token.at, p->token.len);
	if (f) {
		advance(p);
		return parse_test(p, f);
	}
	macro = find_macro(p);
	if (!macro) {
		expr_fail_field(p);
		return NULL;
	}
	e = parse_macro(p, macro);
	advance(p);
	return e;
}

static struct expr *parse_not(struct parser *p)
{
	struct expr *e;

	if (p->depth == DEPTH_MAX) {
		expr_fail(p, p->token.at, "nested deeper than %d; that is the limit", DEPTH_MAX);
		return NULL;
	}
	p->depth++;
	if (accept(p, "not")) {
		e = negation(p, parse_not(p));
	} else if (accept(p, "(")) {
		e = parse_or(p);
		if (!accept(p, ")"))
			expr_fail_found(p, "\"and\", \"or\" or \")\"");
	} else {
		e = parse_comparison(p);
	}
	p->depth--;
	return e;
}

/* Items with the word between them; one alone stands for itself. */
static struct expr *parse_row(struct parser *p, const char *word, enum expr_op op,
			      struct expr *(*parse_item)(struct parser *))
{
	struct expr *first = parse_item(p);
	struct expr *e;

	if (p->failed || !token_is(&p->token, word))
		return first;
	e = node(p, op);
	add_arg(e, first);
	while (!p->failed && accept(p, word))
		add_arg(e, parse_item(p));
	return e;
}

static struct expr *parse_and(struct parser *p)
{
	return parse_row(p, "and", EXPR_AND, parse_not);
}

static struct expr *parse_or(struct parser *p)
{
	return parse_row(p, "or", EXPR_OR, parse_and);
}

struct expr *expr_parse(const char *text, const struct event_type *type,
			struct expr_error *ret_error)
{
	return expr_parse_named(text, type, NULL, ret_error);
}

struct expr *expr_parse_named(const char *text, const struct event_type *type,
			      struct expr_names *names, struct expr_error *ret_error)
{
	struct parser p = { .type = type, .names = names, .text = text, .token = { .at = text } };
	struct expr *e;

	advance(&p);
	e = parse_or(&p);
	if (p.token.kind != TOKEN_END)
		expr_fail_found(&p, "\"and\", \"or\" or the end");
	if (!p.failed)
		return e;
	expr_free(e);
	*ret_error = p.error;
	return NULL;
}
