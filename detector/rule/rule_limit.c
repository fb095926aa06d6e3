/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits: quantities in the unit of what they are compared with. */
#include <math.h>
#include <string.h>

#include "rule/formula.h"
#include "rule/rule_read.h"

static void wrong_unit(const struct node *n, enum unit unit, const struct formula *f)
{
	const char *kind = f->unit == UNIT_NONE	   ? "a plain number"
			   : f->unit == UNIT_COUNT ? "a count"
						   : "in ";
	bool named = f->unit != UNIT_NONE && f->unit != UNIT_COUNT;
	bool share = unit == UNIT_PERCENT && f->unit == UNIT_MS_PER_S;

	node_error(n, "\"%s\" measures %s, but %s is %s%s%s", node_text(n), unit_name(unit),
		   f->text, kind, named ? unit_name(f->unit) : "",
		   share ? ", of which 1000 are the whole of one CPU" : "");
}

/* Reads the text of a quantity, with whatever unit. */
static bool read_text_quantity(const struct node *n, double *ret_number, enum unit *ret_unit)
{
	const char *text = node_text(n);
	size_t len = strlen(text);

	if (len > 0 && quantity_parse(text, len, ret_number, ret_unit) == len)
		return true;
	node_error(n, "\"%s\" is no quantity; write a number, or one with a unit such as \"10ms\"",
		   text);
	return false;
}

bool read_quantity(const struct node *n, const struct formula *f, double *ret_number)
{
	enum unit unit;

	if (!node_is_string(n))
		return node_number(n, ret_number);
	if (!read_text_quantity(n, ret_number, &unit))
		return false;
	if (f && unit == UNIT_PERCENT && formula_is_share(f)) {
		*ret_number /= 100;
	} else if (f && !unit_convert(*ret_number, unit, f->unit, ret_number)) {
		wrong_unit(n, unit, f);
		return false;
	}
	if (!isfinite(*ret_number)) {
		node_error(n, "\"%s\" is too large", node_text(n));
		return false;
	}
	return true;
}

void read_limit(const struct node *n, const struct formula *f, struct limit *ret_limit)
{
	double at;

	if (read_quantity(n, f, &at))
		*ret_limit = (struct limit){ .set = true, .at = at };
}

void check_band(const struct node *n, const struct limit *above, const struct limit *below)
{
	if (above->set && below->set && above->at >= below->at)
		node_error(n, "nothing is above %.15g and below %.15g", above->at, below->at);
}
