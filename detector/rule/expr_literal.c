/* SPDX-License-Identifier: BSD-2-Clause */
/* The right-hand sides of comparisons: checked against the field's type and unit. */
#include "rule/expr_parse.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define GLOB_MAX 256 /* bytes with quotes; bounds the time that one event can cost */

enum operand expr_operand(const struct field *f)
{
	if (f->type == FIELD_TEXT)
		return TEXTS;
	return f->type == FIELD_ADDR ? ADDRESSES : NUMBERS;
}

void *expr_grown(void *array, unsigned n, size_t size)
{
	return n & (n - 1) ? array : xrealloc(array, n ? 2 * (size_t)n : 1, size);
}

static void add_number(struct parser *p, struct expr *e)
{
	double number;

	if (!unit_convert(p->token.number, p->token.unit, e->field->unit, &number)) {
		expr_fail_unit(p, e->field);
		return;
	}
	e->numbers = expr_grown(e->numbers, e->n, sizeof(*e->numbers));
	e->numbers[e->n++] = number;
}

size_t expr_place(const struct parser *p)
{
	return p->macro ? p->outer_at : (size_t)(p->token.at - p->text);
}

/* The text that the token stands for; the caller frees it. */
static struct expr_text unquoted(struct parser *p)
{
	const char *s = p->token.at + 1, *end = p->token.at + p->token.len - 1;
	struct expr_text text = {
		.bytes = xcalloc(p->token.len, 1),
		.at = expr_place(p),
	};

	for (; s < end; s++) {
		if (*s == '\\' && !strchr("\\'\"", *++s))
			expr_fail(p, s - 1, "unknown escape; allowed are \\\\ \\' and \\\"");
		text.bytes[text.len++] = *s;
	}
	return text;
}

/* A text that the field is compared with as a whole, not as a pattern. */
static void check_text(struct parser *p, const struct expr *e, const char *text)
{
	const char *const *texts = event_field_texts(p->type, e->field);

	if (!texts || e->op != EXPR_IN)
		return;
	while (*texts && fnmatch(*texts, text, 0) != 0)
		texts++;
	if (!*texts)
		expr_fail_text(p, e->field, text);
}

static void add_text(struct parser *p, struct expr *e)
{
	if (e->op == EXPR_LIKE && p->token.len > GLOB_MAX)
		expr_fail(p, p->token.at, "glob of over %d bytes; that is the limit", GLOB_MAX);
	e->texts = expr_grown(e->texts, e->n, sizeof(*e->texts));
	e->texts[e->n] = unquoted(p);
	check_text(p, e, e->texts[e->n++].bytes);
}

/* Reads "address" or "address/bits"; puts a NUL in the place of the slash. */
static bool network_parse(char *s, struct expr_network *ret)
{
	char *bits = strchr(s, '/');
	unsigned max;

	if (bits)
		*bits++ = '\0';
	if (!addr_parse(s, ret->addr))
		return false;
	max = strchr(s, ':') ? 128 : 32;
	ret->bits = 128;
	if (!bits)
		return true;
	if (*bits == '\0' || strlen(bits) > 3 || bits[strspn(bits, "0123456789")])
		return false;
	ret->bits = 128 - max + (unsigned)atoi(bits);
	return ret->bits <= 128;
}

static void add_network(struct parser *p, struct expr *e)
{
	AUTO_FREE char *text = unquoted(p).bytes;

	e->networks = expr_grown(e->networks, e->n, sizeof(*e->networks));
	if (network_parse(text, &e->networks[e->n]))
		e->n++;
	else
		expr_fail_address(p);
}

/* Its backslashes are its own: what is written is what the library gets. */
static void add_regex(struct parser *p, struct expr *e)
{
	const char *text = p->token.at + 1;
	size_t len = p->token.len - 2, offset = 0;
	AUTO_FREE char *message = NULL;

	e->texts = xcalloc(1, sizeof(*e->texts));
	e->texts[e->n++] = (struct expr_text){ xstrndup(text, len), len, expr_place(p) };
	e->regex = regex_new(text, len, &offset, &message);
	if (!e->regex)
		expr_fail(p, text + offset, "no regular expression: %s", message);
}

static bool item_number(const struct expr_item *item, enum unit unit, double *ret_number)
{
	double number = item->number;
	enum unit from = UNIT_NONE;
	size_t len = item->text ? strlen(item->text) : 0;

	if (item->text && (len == 0 || quantity_parse(item->text, len, &number, &from) != len))
		return false;
	return unit_convert(number, from, unit, ret_number);
}

static bool item_network(const struct expr_item *item, struct expr_network *ret)
{
	AUTO_FREE char *text = xstrdup(item->text);

	return text && network_parse(text, ret);
}

void expr_add_item(struct parser *p, struct expr *e, const struct expr_list *list,
		   const struct expr_item *item)
{
	bool fits = false;

	switch (expr_operand(e->field)) {
	case NUMBERS:
		e->numbers = expr_grown(e->numbers, e->n, sizeof(*e->numbers));
		fits = item_number(item, e->field->unit, &e->numbers[e->n]);
		break;
	case TEXTS:
		e->texts = expr_grown(e->texts, e->n, sizeof(*e->texts));
		fits = item->text;
		if (fits) {
			e->texts[e->n] = (struct expr_text){
				.bytes = xstrdup(item->text),
				.len = strlen(item->text),
				.at = expr_place(p),
			};
			check_text(p, e, item->text);
		}
		break;
	case ADDRESSES:
		e->networks = expr_grown(e->networks, e->n, sizeof(*e->networks));
		fits = item_network(item, &e->networks[e->n]);
	}
	if (fits)
		e->n++;
	else
		expr_fail_item(p, e->field, list, item);
}

void expr_add_literal(struct parser *p, struct expr *e)
{
	enum operand operand = expr_operand(e->field);

	if (p->token.kind != (operand == NUMBERS ? TOKEN_QUANTITY : TOKEN_TEXT))
		expr_fail_literal(p, e->field);
	else if (operand == NUMBERS)
		add_number(p, e);
	else if (e->op == EXPR_MATCHES)
		add_regex(p, e);
	else if (operand == TEXTS)
		add_text(p, e);
	else
		add_network(p, e);
}
