/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser's state; private to the formula files. */
#ifndef RULE_FORMULA_PARSE_H
#define RULE_FORMULA_PARSE_H

#include "rule/formula.h"

struct formula_parser {
	const char *text;
	size_t at;
	const struct formula_scope *scope;
	struct formula *formula;
	struct expr_error *error;
	unsigned depth;
};

/* Reads a field or a function, which becomes a term unless it is one already. */
bool formula_read_term(struct formula_parser *p, unsigned *ret_term, enum unit *ret_unit);

/* Writes the error; false. */
bool formula_fail(struct formula_parser *p, size_t at, const char *fmt, ...) PRINTF(3, 4);
void formula_skip_blanks(struct formula_parser *p);
/* Takes the character, with the blanks around it, if it is the next. */
bool formula_accept(struct formula_parser *p, char c);
bool formula_expect(struct formula_parser *p, char c);
/* Takes a run of letters, digits, '_' and '.', and lends its offset; NULL if there is none. The
 * caller frees it. */
char *formula_word(struct formula_parser *p, size_t *ret_at);

#endif
