/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule measures: the text of "value".
 *
 *	formula := product (("+" | "-") product)*
 *	product := factor (("*" | "/") factor)*
 *	factor  := number | "-" factor | "(" formula ")" | term
 *	term    := field | f "(" [argument] ")"
 *
 *	latency_ms                               the field of one event
 *	count()  rate()                          events in the window, and per second
 *	count(ret < 0)  rate(ret < 0)            of these only
 *	count(net)  rate(net)                    of the second source (the rule's "with")
 *	rate(f) sum(f) avg(f) min(f) max(f) stddev(f) last(f)
 *	                                         over a field, net.f of the second source; rate is
 *	                                         the sum per second
 *	p50(f) p99.9(f) quantile(f, 0.999)       by nearest rank
 *	distinct(f)                              how many values; also of keys and labels
 *
 * A number may have a unit of time, size or share ("10ms"). Terms are all functions or all fields.
 *
 * Units: both sides of + and - measure the same, or one is a number without a unit; the result is in
 * the unit of the left. * and / by what has no unit or is a count keep the unit of the other; a unit
 * divided by one of its kind gives a plain share; all else has no unit. Where units of one kind
 * differ, a factor is compiled in.
 *
 * A formula has at most TERMS_MAX terms and OPS_MAX steps; parentheses nest at most 16 deep.
 */
#ifndef RULE_FORMULA_H
#define RULE_FORMULA_H

#include "rule/rule.h"

/* What a formula may speak of. */
struct formula_scope {
	const struct event_type *on;
	const struct event_type *with; /* NULL: no second source */
	struct expr_names *names;      /* NULL: none */
};

/* Parses into *ret_formula, which formula_fini() frees. On false *ret_error is written and the
 * caller frees its message. */
bool formula_parse(const char *text, const struct formula_scope *scope, struct formula *ret_formula,
		   struct expr_error *ret_error);
void formula_fini(struct formula *f);

/* Are its terms functions over a window? Else they are fields of one event. */
bool formula_is_windowed(const struct formula *f);
/* Is it one term and nothing else? */
bool formula_is_term(const struct formula *f);
/* Is it a quotient, so that a share of it may be given in percent? */
bool formula_is_share(const struct formula *f);

/* The names of the functions, p99 for the percentiles; *ret_n of them. */
const char *const *formula_functions(size_t *ret_n);

#endif
