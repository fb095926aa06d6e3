/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of a condition; private to the expr files. */
#ifndef RULE_EXPR_LEX_H
#define RULE_EXPR_LEX_H

#include "util/units.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NAME, /* a field, or one of: and or not in like matches; a list, a macro */
	TOKEN_QUANTITY,
	TOKEN_TEXT, /* with its quotes and escapes */
	TOKEN_SYMBOL,
	TOKEN_BAD,
};

struct token {
	enum token_kind kind;
	const char *at; /* in the text of the condition */
	size_t len;
	double number; /* QUANTITY */
	enum unit unit;
	const char *wrong; /* BAD: what is wrong with it, and what is right */
};

/* The token that follows in the text at s, which ends with a NUL. */
struct token token_read(const char *s);
/* Is it this name or symbol? */
bool token_is(const struct token *t, const char *word);

#endif
