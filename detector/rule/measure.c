/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/measure.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rule/suggest.h"

static const struct {
	const char *name;
	enum aggregate aggregate;
} functions[] = {
	{ "count", AGGREGATE_COUNT },	    { "rate", AGGREGATE_RATE }, { "sum", AGGREGATE_SUM },
	{ "avg", AGGREGATE_AVG },	    { "min", AGGREGATE_MIN },	{ "max", AGGREGATE_MAX },
	{ "quantile", AGGREGATE_QUANTILE },
};

struct parser {
	const char *text;
	size_t at;
	const struct event_type *type;
	struct measure *measure;
	struct expr_error *error;
};

static PRINTF(3, 4) bool fail(struct parser *p, size_t at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&p->error->message, fmt, args) < 0)
		p->error->message = NULL;
	va_end(args);
	p->error->offset = at;
	return false;
}

static void skip_blanks(struct parser *p)
{
	while (p->text[p->at] == ' ')
		p->at++;
}

static bool accept(struct parser *p, char c)
{
	skip_blanks(p);
	if (p->text[p->at] != c)
		return false;
	p->at++;
	skip_blanks(p);
	return true;
}

static bool expect(struct parser *p, char c)
{
	return accept(p, c) || fail(p, p->at, "expected '%c'", c);
}

/* Reads a run of letters, digits, '_' and '.' to memory that the caller frees; NULL if there is
 * none. */
static char *read_word(struct parser *p, size_t *ret_at)
{
	size_t start = p->at;

	*ret_at = start;
	while (isalnum((unsigned char)p->text[p->at]) || p->text[p->at] == '_' ||
	       p->text[p->at] == '.')
		p->at++;
	return p->at > start ? xstrndup(p->text + start, p->at - start) : NULL;
}

static bool is_measurable(const struct field *f)
{
	return f->role == ROLE_VALUE;
}

/* Which fields can be measured instead; the caller frees it. */
static char *hint_for(const struct parser *p, const char *name)
{
	for (unsigned i = 0; i < p->type->n_fields; i++)
		if (is_measurable(&p->type->fields[i]))
			return suggest_field(name, p->type, is_measurable);
	return xstrdup("; it has none, use count() or rate()");
}

static bool find_field(struct parser *p, const char *name, size_t at)
{
	const struct field *f = event_field_find(p->type, name, strlen(name));
	AUTO_FREE char *hint = hint_for(p, name);

	if (!f)
		return fail(p, at, "no value \"%s\" in source %s%s", name, p->type->name, hint);
	if (!is_measurable(f))
		return fail(p, at, "\"%s\" of source %s is no value that can be measured%s", name,
			    p->type->name, hint);
	p->measure->field = f;
	return true;
}

static bool read_field(struct parser *p)
{
	size_t at;
	AUTO_FREE char *name = read_word(p, &at);

	return name ? find_field(p, name, at) : fail(p, at, "expected a field");
}

/* Reads the whole of s as a number over 0 and under `limit`. */
static bool read_share(const char *s, double limit, double *ret_number)
{
	size_t len = strlen(s);
	enum unit unit;

	return quantity_parse(s, len, ret_number, &unit) == len && unit == UNIT_NONE &&
	       *ret_number > 0 && *ret_number < limit;
}

static bool read_quantile(struct parser *p)
{
	size_t at;
	AUTO_FREE char *word = NULL;

	if (!expect(p, ','))
		return false;
	word = read_word(p, &at);
	if (!word || !read_share(word, 1, &p->measure->quantile))
		return fail(p, at, "a quantile is a number between 0 and 1, such as 0.99");
	return true;
}

/* p50, p99.9: the number behind the p. */
static bool read_percentile(struct parser *p, const char *name, size_t at)
{
	double percent;

	if (!read_share(name + 1, 100, &percent))
		return fail(p, at,
			    "a percentile is p and a number between 0 and 100, such as p99.9");
	p->measure->aggregate = AGGREGATE_QUANTILE;
	p->measure->quantile = percent / 100;
	return read_field(p);
}

static bool unknown_function(struct parser *p, const char *name, size_t at)
{
	const char *names[ARRAY_SIZE(functions) + 1];
	AUTO_FREE char *hint = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		names[i] = functions[i].name;
	names[ARRAY_SIZE(functions)] = "p99";
	hint = suggest(name, names, ARRAY_SIZE(names));
	return fail(p, at, "no function \"%s\"%s", name, hint);
}

/* Reads what stands between the brackets after the function's name. */
static bool read_arguments(struct parser *p, const char *name, size_t at)
{
	size_t i = 0;

	if (name[0] == 'p' && isdigit((unsigned char)name[1]))
		return read_percentile(p, name, at);
	while (i < ARRAY_SIZE(functions) && strcmp(functions[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(functions))
		return unknown_function(p, name, at);
	p->measure->aggregate = functions[i].aggregate;
	if (p->measure->aggregate == AGGREGATE_COUNT ||
	    (p->measure->aggregate == AGGREGATE_RATE && p->text[p->at] == ')'))
		return true;
	if (!read_field(p))
		return false;
	return p->measure->aggregate != AGGREGATE_QUANTILE || read_quantile(p);
}

static bool read_measure(struct parser *p)
{
	size_t at;
	AUTO_FREE char *name = NULL;

	skip_blanks(p);
	name = read_word(p, &at);
	if (!name)
		return fail(p, at, "expected a field, or a function such as count() or max(...)");
	if (!accept(p, '('))
		return find_field(p, name, at);
	if (!read_arguments(p, name, at) || !expect(p, ')'))
		return false;
	return true;
}

static enum unit unit_of(const struct measure *m)
{
	if (m->aggregate == AGGREGATE_COUNT)
		return UNIT_COUNT;
	if (m->aggregate == AGGREGATE_RATE)
		return m->field ? unit_rate(m->field->unit) : UNIT_PER_S;
	return m->field->unit;
}

bool measure_parse(const char *text, const struct event_type *type, struct measure *ret_measure,
		   struct expr_error *ret_error)
{
	struct measure m = { .aggregate = AGGREGATE_NONE };
	struct parser p = { .text = text, .type = type, .measure = &m, .error = ret_error };

	if (!read_measure(&p))
		return false;
	skip_blanks(&p);
	if (text[p.at])
		return fail(&p, p.at, "expected nothing more");
	m.unit = unit_of(&m);
	m.text = xstrdup(text);
	*ret_measure = m;
	return true;
}
