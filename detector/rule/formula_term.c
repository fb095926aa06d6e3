/* SPDX-License-Identifier: BSD-2-Clause */
/* The terms of a formula: functions with their arguments, and fields. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rule/expr_lex.h"
#include "rule/formula_parse.h"
#include "rule/suggest.h"

enum argument {
	ARGUMENT_EVENTS, /* count, rate: which events */
	ARGUMENT_VALUE,
	ARGUMENT_ANY, /* distinct: any field but a time */
};

static const struct function {
	const char *name;
	enum aggregate aggregate;
	enum argument argument;
} functions[] = {
	{ "count", AGGREGATE_COUNT, ARGUMENT_EVENTS },
	{ "rate", AGGREGATE_RATE, ARGUMENT_EVENTS },
	{ "sum", AGGREGATE_SUM, ARGUMENT_VALUE },
	{ "avg", AGGREGATE_AVG, ARGUMENT_VALUE },
	{ "min", AGGREGATE_MIN, ARGUMENT_VALUE },
	{ "max", AGGREGATE_MAX, ARGUMENT_VALUE },
	{ "stddev", AGGREGATE_STDDEV, ARGUMENT_VALUE },
	{ "last", AGGREGATE_LAST, ARGUMENT_VALUE },
	{ "distinct", AGGREGATE_DISTINCT, ARGUMENT_ANY },
	{ "quantile", AGGREGATE_QUANTILE, ARGUMENT_VALUE },
};
static const struct function percentile = { "p99", AGGREGATE_QUANTILE, ARGUMENT_VALUE };

const char *const *formula_functions(size_t *ret_n)
{
	static const char *names[ARRAY_SIZE(functions) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		names[i] = functions[i].name;
	names[ARRAY_SIZE(functions)] = percentile.name;
	*ret_n = ARRAY_SIZE(names);
	return names;
}

/* --- fields ---------------------------------------------------------------------------------- */

static bool is_measurable(const struct field *f)
{
	return f->role == ROLE_VALUE;
}

static bool is_countable(const struct field *f)
{
	return f->role != ROLE_TIME;
}

/* Which fields can be measured instead; the caller frees it. */
static char *hint_for(const struct event_type *type, const char *name,
		      bool (*usable)(const struct field *f))
{
	for (unsigned i = 0; i < type->n_fields; i++)
		if (usable(&type->fields[i]))
			return suggest_field(name, type, usable);
	return xstrdup("; it has none, use count() or rate()");
}

/* The part of a name behind "net.", if that is the second source; else all of it. */
static const char *split_source(const struct formula_parser *p, const char *name,
				unsigned *ret_source)
{
	const struct event_type *with = p->scope->with;
	size_t len = with ? strlen(with->name) : 0;

	*ret_source = with && strncmp(name, with->name, len) == 0 && name[len] == '.';
	return *ret_source ? name + len + 1 : name;
}

/* Is the word, or what it has before a dot, a source that the rule does not name? */
static bool is_foreign(const struct formula_parser *p, const char *word)
{
	const struct event_type *type = event_type_find(word, strcspn(word, "."));

	return type && type != p->scope->with &&
	       !event_field_find(p->scope->on, word, strlen(word));
}

static bool fail_foreign(struct formula_parser *p, const char *word, size_t at)
{
	return formula_fail(p, at, "%.*s is not a source of this rule; name it in \"with\"",
			    (int)strcspn(word, "."), word);
}

static bool find_field(struct formula_parser *p, const char *whole, size_t at,
		       enum argument argument, struct term *t)
{
	bool (*usable)(const struct field *f) =
		argument == ARGUMENT_ANY ? is_countable : is_measurable;
	const char *name = split_source(p, whole, &t->source);
	const struct event_type *type = t->source ? p->scope->with : p->scope->on;
	const struct field *f = event_field_find(type, name, strlen(name));
	AUTO_FREE char *hint = NULL;

	if (f && usable(f)) {
		t->field = f;
		return true;
	}
	if (!f && strchr(whole, '.') && is_foreign(p, whole))
		return fail_foreign(p, whole, at);
	hint = hint_for(type, name, usable);
	if (!f)
		return formula_fail(p, at, "no value \"%s\" in source %s%s", name, type->name,
				    hint);
	return formula_fail(p, at, "\"%s\" of source %s is no value that can be measured%s", name,
			    type->name, hint);
}

/* The name of a function, and no brackets behind it. */
static bool is_function(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return true;
	return name[0] == 'p' && name[1] && strspn(name + 1, "0123456789.") == strlen(name + 1);
}

static bool fail_function(struct formula_parser *p, const char *name, size_t at)
{
	const struct event_type *type = p->scope->on;
	bool of_events = strcmp(name, "count") == 0 || strcmp(name, "rate") == 0;
	unsigned i = 0;

	while (i < type->n_fields && !is_measurable(&type->fields[i]))
		i++;
	return formula_fail(p, at, "%s is a function; write %s(%s)", name, name,
			    of_events || i == type->n_fields ? "" : type->fields[i].name);
}

/* A word that stands for itself, outside of any function. */
static bool find_plain(struct formula_parser *p, const char *name, size_t at, struct term *t)
{
	if (is_function(name) && !event_field_find(p->scope->on, name, strlen(name)))
		return fail_function(p, name, at);
	return find_field(p, name, at, ARGUMENT_VALUE, t);
}

static bool read_field(struct formula_parser *p, enum argument argument, struct term *t)
{
	size_t at;
	AUTO_FREE char *name = formula_word(p, &at);

	return name ? find_field(p, name, at, argument, t)
		    : formula_fail(p, at, "expected a field");
}

/* --- arguments ------------------------------------------------------------------------------- */

/* The length of the condition that the text at hand starts with: up to the bracket that closes the
 * function. A text in quotes may hold brackets. */
static size_t condition_length(const char *text)
{
	unsigned open = 0;
	const char *at = text;

	for (;;) {
		struct token t = token_read(at);

		if (t.kind == TOKEN_END || t.len == 0)
			return strlen(text);
		if (token_is(&t, ")") && open-- == 0)
			return (size_t)(t.at - text);
		open += token_is(&t, "(");
		at = t.at + t.len;
	}
}

static bool read_own_where(struct formula_parser *p, struct term *t)
{
	size_t start = p->at, len = condition_length(p->text + start);
	AUTO_FREE char *text = xstrndup(p->text + start, len);

	t->where = expr_parse_named(text, p->scope->on, p->scope->names, p->error);
	p->at += len;
	if (t->where)
		return true;
	if (!p->error->macro)
		p->error->offset += start;
	return false;
}

static const char *example_comparison(const struct field *f)
{
	if (f->type == FIELD_TEXT)
		return "== 'a'";
	return f->type == FIELD_ADDR ? "== '10.0.0.1'" : "> 0";
}

/* Nothing, a source, a condition, or, of rate(), a field. */
static bool read_events(struct formula_parser *p, struct term *t)
{
	size_t at, start = p->at;
	const struct event_type *with = p->scope->with;
	AUTO_FREE char *word = NULL;
	const struct field *f;
	unsigned source;

	if (p->text[p->at] == ')')
		return true;
	word = formula_word(p, &at);
	formula_skip_blanks(p);
	if (word && p->text[p->at] == ')') {
		if (with && strcmp(word, with->name) == 0) {
			t->source = 1;
			return true;
		}
		if (is_foreign(p, word))
			return fail_foreign(p, word, at);
		if (t->aggregate == AGGREGATE_RATE &&
		    (event_field_find(p->scope->on, word, strlen(word)) ||
		     split_source(p, word, &source) != word))
			return find_field(p, word, at, ARGUMENT_VALUE, t);
		f = event_field_find(p->scope->on, word, strlen(word));
		if (f)
			return formula_fail(
				p, at,
				"count() takes no field but a condition such as %s %s, or nothing",
				word, example_comparison(f));
	}
	p->at = start;
	return read_own_where(p, t);
}

/* Reads the whole of s as a number over 0 and under `limit`. */
static bool read_share(const char *s, double limit, double *ret_number)
{
	size_t len = strlen(s);
	enum unit unit;

	return quantity_parse(s, len, ret_number, &unit) == len && unit == UNIT_NONE &&
	       *ret_number > 0 && *ret_number < limit;
}

static bool read_quantile(struct formula_parser *p, struct term *t)
{
	size_t at;
	AUTO_FREE char *word = NULL;

	if (!formula_expect(p, ','))
		return false;
	word = formula_word(p, &at);
	if (!word || !read_share(word, 1, &t->quantile))
		return formula_fail(p, at, "a quantile is a number between 0 and 1, such as 0.99");
	return true;
}

/* --- functions ------------------------------------------------------------------------------- */

static bool unknown_function(struct formula_parser *p, const char *name, size_t at)
{
	size_t n;
	const char *const *names = formula_functions(&n);
	AUTO_FREE char *hint = suggest(name, names, n);

	return formula_fail(p, at, "no function \"%s\"%s", name, hint);
}

/* p50, p99.9: the number behind the p. */
static bool find_percentile(struct formula_parser *p, const char *name, size_t at, struct term *t)
{
	double percent;

	if (!read_share(name + 1, 100, &percent))
		return formula_fail(
			p, at, "a percentile is p and a number between 0 and 100, such as p99.9");
	t->quantile = percent / 100;
	return true;
}

static bool find_function(struct formula_parser *p, const char *name, size_t at,
			  const struct function **ret_function, struct term *t)
{
	if (name[0] == 'p' && isdigit((unsigned char)name[1])) {
		*ret_function = &percentile;
		return find_percentile(p, name, at, t);
	}
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		*ret_function = &functions[i];
		if (strcmp(functions[i].name, name) == 0)
			return true;
	}
	return unknown_function(p, name, at);
}

static enum unit unit_of(const struct term *t)
{
	if (t->aggregate == AGGREGATE_COUNT || t->aggregate == AGGREGATE_DISTINCT)
		return UNIT_COUNT;
	if (t->aggregate == AGGREGATE_RATE)
		return t->field ? unit_rate(t->field->unit) : UNIT_PER_S;
	return t->field->unit;
}

static bool read_function(struct formula_parser *p, const char *name, size_t at, struct term *t)
{
	const struct function *f;

	if (!find_function(p, name, at, &f, t))
		return false;
	t->aggregate = f->aggregate;
	if (f->argument == ARGUMENT_EVENTS ? !read_events(p, t) : !read_field(p, f->argument, t))
		return false;
	if (f->aggregate == AGGREGATE_QUANTILE && f != &percentile && !read_quantile(p, t))
		return false;
	if (t->aggregate == AGGREGATE_RATE && unit_of(t) == UNIT_MS_PER_S)
		(void)unit_convert(1, t->field->unit, UNIT_MS, &t->scale);
	return formula_expect(p, ')');
}

/* --- terms ----------------------------------------------------------------------------------- */

static bool equal(const struct term *a, const struct term *b)
{
	return a->aggregate == b->aggregate && a->source == b->source && a->field == b->field &&
	       !a->where && !b->where && a->quantile == b->quantile;
}

/* Takes over the term. */
static bool add_term(struct formula_parser *p, size_t at, struct term t, unsigned *ret_term)
{
	struct formula *f = p->formula;
	const char *wrong = NULL;

	for (*ret_term = 0; *ret_term < f->n_terms; ++*ret_term)
		if (equal(&f->terms[*ret_term], &t))
			return true;
	if (f->n_terms == TERMS_MAX)
		wrong = "more than 8 fields or functions; that is the limit";
	else if (f->n_terms > 0 &&
		 (f->terms[0].aggregate == AGGREGATE_NONE) != (t.aggregate == AGGREGATE_NONE))
		wrong = "a field by itself is that of one event, a function is over a window; one "
			"formula cannot have both";
	if (wrong) {
		expr_free(t.where);
		return formula_fail(p, at, "%s", wrong);
	}
	f->terms[f->n_terms++] = t;
	return true;
}

bool formula_read_term(struct formula_parser *p, unsigned *ret_term, enum unit *ret_unit)
{
	struct term t = { .aggregate = AGGREGATE_NONE, .scale = 1 };
	size_t at;
	AUTO_FREE char *name = formula_word(p, &at);
	bool ok;

	if (!name)
		return formula_fail(p, at,
				    "expected a field, or a function such as count() or max(...)");
	ok = formula_accept(p, '(') ? read_function(p, name, at, &t) : find_plain(p, name, at, &t);
	if (ok && t.aggregate == AGGREGATE_NONE && t.source == 1)
		ok = formula_fail(p, at,
				  "a field of the second source needs a function, such as max(%s)",
				  name);
	if (!ok) {
		expr_free(t.where);
		return false;
	}
	*ret_unit = unit_of(&t);
	return add_term(p, at, t, ret_term);
}
