/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said about a wrong condition: what was found, then what is allowed. */
#include "rule/expr_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rule/suggest.h"
#include "util/nearest.h"
#include "util/utf8.h"

#define SHOWN_MAX 40 /* characters of a token */

void expr_fail(struct parser *p, const char *at, const char *fmt, ...)
{
	va_list args;

	if (p->failed)
		return;
	p->failed = true;
	p->error.offset = (size_t)(at - p->text);
	p->error.macro = p->macro;
	va_start(args, fmt);
	if (vasprintf(&p->error.message, fmt, args) < 0)
		p->error.message = xstrdup(fmt);
	va_end(args);
}

/* How messages name the token at hand; the caller frees it. */
static char *shown(const struct parser *p)
{
	const struct token *t = &p->token;
	size_t len = utf8_prefix(t->at, t->len, SHOWN_MAX);
	const char *quote = t->kind == TOKEN_TEXT ? "" : "\"";

	if (t->kind == TOKEN_END)
		return xstrdup("the end");
	return xasprintf("%s%.*s%s%s", quote, (int)len, t->at, len < t->len ? "..." : "", quote);
}

void expr_fail_bad(struct parser *p)
{
	AUTO_FREE char *found = shown(p);

	expr_fail(p, p->token.at, "%s %s", found, p->token.wrong);
}

void expr_fail_found(struct parser *p, const char *expected)
{
	AUTO_FREE char *found = shown(p);

	expr_fail(p, p->token.at, "found %s; expected %s", found, expected);
}

void expr_fail_field(struct parser *p)
{
	const struct event_type *type = p->type;
	unsigned n_macros = p->names ? p->names->n_macros : 0;
	CLEANUP(buf_fini) struct buf all = { 0 };
	AUTO_FREE const char **names = xcalloc(type->n_fields + n_macros, sizeof(*names));
	AUTO_FREE char *name = xstrndup(p->token.at, p->token.len);
	AUTO_FREE char *found = shown(p);
	const char *meant;

	for (unsigned i = 0; i < type->n_fields; i++) {
		names[i] = type->fields[i].name;
		buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	for (unsigned i = 0; i < n_macros; i++)
		names[type->n_fields + i] = p->names->macros[i].name;
	meant = nearest(name, names, type->n_fields + n_macros);
	if (meant)
		expr_fail(p, p->token.at, "no field %s in source %s; did you mean \"%s\"?", found,
			  type->name, meant);
	else
		expr_fail(p, p->token.at, "no field %s in source %s; it has %s", found, type->name,
			  buf_str(&all));
}

void expr_fail_comparison(struct parser *p, const struct field *f)
{
	static const struct {
		const char *noun;
		const char *allowed;
	} operands[] = {
		[NUMBERS] = { "a number", "== != < <= > >= in, not in" },
		[TEXTS] = { "a text", "== != in, not in, like, not like, matches, not matches" },
		[ADDRESSES] = { "an address", "== != in, not in" },
	};
	enum operand operand = expr_operand(f);
	AUTO_FREE char *found = shown(p);

	expr_fail(p, p->token.at, "found %s after %s, which is %s; allowed are %s", found, f->name,
		  operands[operand].noun, operands[operand].allowed);
}

void expr_fail_list(struct parser *p)
{
	unsigned n = p->names ? p->names->n_lists : 0;
	AUTO_FREE const char **names = xcalloc(n, sizeof(*names));
	AUTO_FREE char *name = xstrndup(p->token.at, p->token.len);
	AUTO_FREE char *hint = NULL;

	for (unsigned i = 0; i < n; i++)
		names[i] = p->names->lists[i].name;
	hint = suggest(name, names, n);
	expr_fail(p, p->token.at, "no list \"%s\"%s", name, hint);
}

static const char *example(enum unit unit)
{
	static const char *const examples[UNIT_N] = {
		[UNIT_NONE] = "5",
		[UNIT_NS] = "100ns",
		[UNIT_US] = "100us",
		[UNIT_MS] = "10ms",
		[UNIT_S] = "5s",
		[UNIT_BYTES] = "4KiB",
		[UNIT_COUNT] = "5000",
		[UNIT_PERCENT] = "5%",
		[UNIT_PER_S] = "50/s",
		[UNIT_BYTES_PER_S] = "1MiB/s",
		[UNIT_MS_PER_S] = "100ms/s",
	};

	return examples[unit];
}

/* What to add for a field that is a number, if it also has a name: "syscall" and "syscall_name". */
static char *named_twin(const struct parser *p, const struct field *f)
{
	AUTO_FREE char *name = xasprintf("%s_name", f->name);
	const struct field *twin = event_field_find(p->type, name, strlen(name));

	return twin && p->token.kind == TOKEN_TEXT ? xasprintf("; the name is in %s", name)
						   : xstrdup("");
}

void expr_fail_literal(struct parser *p, const struct field *f)
{
	AUTO_FREE char *found = shown(p);
	AUTO_FREE char *twin = named_twin(p, f);
	AUTO_FREE char *wanted = NULL;

	switch (expr_operand(f)) {
	case NUMBERS:
		wanted = xasprintf("a number without quotes, such as %s%s", example(f->unit), twin);
		break;
	case TEXTS:
		wanted = p->token.kind == TOKEN_NAME ? xasprintf("a text in quotes, such as '%.*s'",
								 (int)p->token.len, p->token.at)
						     : xstrdup("a text in quotes");
		break;
	case ADDRESSES:
		wanted = xstrdup("an address or a network in quotes, such as '10.0.0.0/8'");
	}
	expr_fail(p, p->token.at, "found %s; %s compares with %s", found, f->name, wanted);
}

void expr_fail_item(struct parser *p, const struct field *f, const struct expr_list *list,
		    const struct expr_item *item)
{
	static const char *const nouns[] = {
		[NUMBERS] = "numbers",
		[TEXTS] = "texts",
		[ADDRESSES] = "addresses",
	};
	bool in_unit = f->unit != UNIT_NONE && f->unit != UNIT_COUNT;
	AUTO_FREE char *item_text =
		item->text ? xasprintf("\"%s\"", item->text) : xasprintf("%.15g", item->number);

	expr_fail(p, p->token.at, "list \"%s\" has %s in it; %s compares with %s%s%s", list->name,
		  item_text, f->name, nouns[expr_operand(f)], in_unit ? " in " : "",
		  in_unit ? unit_name(f->unit) : "");
}

void expr_fail_unit(struct parser *p, const struct field *f)
{
	AUTO_FREE char *found = shown(p);

	if (f->unit == UNIT_NONE || f->unit == UNIT_COUNT)
		expr_fail(p, p->token.at, "%s does not fit %s, which %s; write a plain number",
			  found, f->name, f->unit == UNIT_NONE ? "has no unit" : "is a count");
	else
		expr_fail(p, p->token.at, "%s does not fit %s, which is in %s; write as in %s",
			  found, f->name, unit_name(f->unit), example(f->unit));
}

void expr_fail_address(struct parser *p)
{
	AUTO_FREE char *found = shown(p);

	expr_fail(p, p->token.at,
		  "%s is no address; write as in '10.0.0.1', '10.0.0.0/8' or 'fe80::/10'", found);
}

void expr_fail_text(struct parser *p, const struct field *f, const char *text)
{
	const char *const *texts = event_field_texts(p->type, f);
	AUTO_FREE char *hint = NULL;
	size_t n = 0;

	while (texts[n])
		n++;
	hint = suggest(text, texts, n);
	expr_fail(p, p->token.at, "%s is never \"%s\"%s", f->name, text, hint);
}
