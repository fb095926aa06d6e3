/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conditions on one event: the text of "where". Parsed and checked against the fields of one event
 * type when the rule is loaded, evaluated for each event without allocating.
 *
 *	condition  := or
 *	or         := and ("or" and)*
 *	and        := not ("and" not)*
 *	not        := "not" not | "(" condition ")" | comparison | macro
 *	comparison := field ("==" | "!=" | "<" | "<=" | ">" | ">=") literal
 *	            | field ["not"] "in" "(" literal ("," literal)* ")"
 *	            | field ["not"] "in" list
 *	            | field ["not"] "like" text                       glob: * ? [a-z]
 *	            | field ["not"] "matches" text                    regular expression (regex.h)
 *	literal    := quantity | text in single or double quotes; escapes: \\ \' \"
 *	                       (a regular expression stands for itself; \' and \" do not end it)
 *
 * list and macro are names that the caller gives a meaning: struct expr_names. A macro stands for
 * its text in parentheses.
 *
 * Numbers compare with quantities of the field's kind (one without a unit is in the field's own),
 * exact to 2^53. Texts have no order: they take ==, !=, in, like and matches. Addresses take ==, !=
 * and in, with addresses and networks ('10.0.0.0/8'). Parentheses and "not" nest at most 64 deep; a
 * condition has at most 4096 comparisons, and, or, not, and at most 4096 literals; a glob has at
 * most 256 bytes, a regular expression 1024, an event type 64 fields.
 *
 * A value that is missing (struct value) satisfies no comparison, also not != and "not in"; "not"
 * of a comparison is then true.
 */
#ifndef RULE_EXPR_H
#define RULE_EXPR_H

#include "event/event.h"

struct expr; /* opaque */

/* One of a list. A text compares with numbers if it is a quantity. */
struct expr_item {
	const char *text; /* NULL: a number */
	double number;	  /* without a unit */
};

struct expr_list {
	const char *name;
	struct expr_item *items;
	unsigned n;
	bool used; /* set when a condition names it */
};

struct expr_macro {
	const char *name;
	const char *text;
	bool used;
	bool open; /* while it is being read: to find those that use themselves */
};

/* What names in conditions may stand for. */
struct expr_names {
	struct expr_list *lists;
	unsigned n_lists;
	struct expr_macro *macros;
	unsigned n_macros;
};

/* What is wrong with an expression, and at which byte of its text. */
struct expr_error {
	size_t offset;
	char *message;		  /* the caller frees it */
	struct expr_macro *macro; /* offset is in its text; NULL: in that of the condition */
};

/* Kleene's three values: MAYBE where a field is not known. */
enum truth { TRUTH_FALSE, TRUTH_MAYBE, TRUTH_TRUE };

/* Parses and checks. NULL on error, with *ret_error written; then the caller frees the message.
 * names may be NULL: there are none. */
struct expr *expr_parse_named(const char *text, const struct event_type *type,
			      struct expr_names *names, struct expr_error *ret_error);
struct expr *expr_parse(const char *text, const struct event_type *type,
			struct expr_error *ret_error);
void expr_free(struct expr *e);

/* Does the event satisfy the condition? */
bool expr_match(const struct expr *e, const struct event *ev);

/*
 * Could an event satisfy the condition of which only the fields with a bit in `known` (bit i: field
 * i of the type, as event_field_index gives it) are as in ev? For pushing filters into the kernel.
 */
enum truth expr_match_partly(const struct expr *e, const struct event *ev, uint64_t known);

/*
 * The largest number, in the field's unit, that f, unless it is missing, is known to be at least in
 * every event that satisfies the condition, and the smallest that it is at most; -INFINITY and INFINITY if the
 * condition says nothing of the kind.
 */
double expr_lower_bound(const struct expr *e, const struct field *f);
double expr_upper_bound(const struct expr *e, const struct field *f);

/* A field of which no value can satisfy the condition, whatever the others are; NULL if none was
 * found. */
const struct field *expr_excluded_field(const struct expr *e, const struct event_type *type);

/* Mixes what the condition says into a hash: equal for texts that compile to the same. NULL, a
 * condition that always holds, is fine. */
uint64_t expr_hash(const struct expr *e, uint64_t hash);

/* The fields it reads: bit i for field i of the type. */
uint64_t expr_fields(const struct expr *e);

/* How many times "matches" was given up because it would have cost too much (regex.h). */
uint64_t expr_given_up(const struct expr *e);

/* A text that field f is compared with by ==, != or in, or with glob by like. `at` is its offset in the text of the
 * condition, or that of the list's or macro's name from which it comes. */
struct expr_literal {
	const struct field *f;
	const char *text; /* with a NUL behind */
	size_t len;
	size_t at;
	bool negated;
	bool glob;
};

/* Calls fn for each such text; for those of one list in ascending order. */
typedef void expr_text_fn(void *ctx, const struct expr_literal *literal);
void expr_each_text(const struct expr *e, expr_text_fn *fn, void *ctx);

#endif
