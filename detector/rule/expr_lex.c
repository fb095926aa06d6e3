/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/expr_lex.h"

#include <ctype.h>
#include <string.h>

#include "util/utf8.h"

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (is_name(s[n]))
		n++;
	return n;
}

static void read_text(struct token *t)
{
	size_t n = 1;

	t->kind = TOKEN_TEXT;
	while (t->at[n] && t->at[n] != t->at[0])
		n += t->at[n] == '\\' && t->at[n + 1] ? 2 : 1;
	if (t->at[n]) {
		t->len = n + 1;
		return;
	}
	t->kind = TOKEN_BAD;
	t->wrong = "has no closing quote";
	t->len = n;
}

static void read_amount(struct token *t)
{
	t->kind = TOKEN_QUANTITY;
	t->len = quantity_parse(t->at, strlen(t->at), &t->number, &t->unit);
	if (t->len > 0)
		return;
	t->kind = TOKEN_BAD;
	t->wrong = "is no quantity; allowed are numbers such as 250 or 1.5, with or without one of "
		   "ns us ms s m h d B kB MB GB KiB MiB GiB % /s; all else goes in quotes";
	t->len = 1 + name_length(t->at + 1);
}

#define WRITE(symbol) "means nothing here; write " symbol

static void read_symbol(struct token *t)
{
	/* the longer ones first; also those that other languages have, with what is wrong about them */
	static const struct {
		const char *text;
		const char *wrong;
	} symbols[] = {
		{ .text = "==" },
		{ .text = "!=" },
		{ .text = "<=" },
		{ .text = ">=" },
		{ "<>", WRITE("!=") },
		{ "=~", WRITE("matches") },
		{ "!~", WRITE("not matches") },
		{ "&&", WRITE("and") },
		{ "||", WRITE("or") },
		{ .text = "<" },
		{ .text = ">" },
		{ .text = "(" },
		{ .text = ")" },
		{ .text = "," },
		{ "=", WRITE("==") },
		{ "!", WRITE("not") },
		{ "[", WRITE("(") },
		{ "]", WRITE(")") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		t->len = strlen(symbols[i].text);
		if (strncmp(t->at, symbols[i].text, t->len) == 0) {
			t->kind = symbols[i].wrong ? TOKEN_BAD : TOKEN_SYMBOL;
			t->wrong = symbols[i].wrong;
			return;
		}
	}
	t->kind = TOKEN_BAD;
	t->wrong =
		"means nothing here; allowed are == != < <= > >= in like matches and or not ( ) ,";
	t->len = utf8_prefix(t->at, strlen(t->at), 1);
}

struct token token_read(const char *s)
{
	struct token t = { .kind = TOKEN_END };

	t.at = s + strspn(s, " \t\r\n");
	if (*t.at == '\0')
		return t;
	if (*t.at == '\'' || *t.at == '"') {
		read_text(&t);
	} else if (isdigit((unsigned char)*t.at) ||
		   (*t.at == '-' && isdigit((unsigned char)t.at[1]))) {
		read_amount(&t);
	} else if (is_name(*t.at)) {
		t.kind = TOKEN_NAME;
		t.len = name_length(t.at);
	} else {
		read_symbol(&t);
	}
	return t;
}

bool token_is(const struct token *t, const char *word)
{
	return (t->kind == TOKEN_NAME || t->kind == TOKEN_SYMBOL) && strlen(word) == t->len &&
	       memcmp(t->at, word, t->len) == 0;
}
