/* SPDX-License-Identifier: BSD-2-Clause */
/* The condition of a rule and how its alerts end: "when" and "clear". */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rule/measure.h"
#include "rule/rule_read.h"

/* The measure that limits are compared with; NULL if it could not be read. */
static const struct measure *measure_of(const struct rule *r)
{
	return r->when.value.text ? &r->when.value : NULL;
}

static void wrong_unit(const struct node *n, enum unit unit, const struct measure *m)
{
	const char *kind = m->unit == UNIT_NONE	   ? "a plain number"
			   : m->unit == UNIT_COUNT ? "a count"
						   : "in ";
	bool named = m->unit != UNIT_NONE && m->unit != UNIT_COUNT;

	node_error(n, "\"%s\" measures %s, but %s is %s%s", node_text(n), unit_name(unit), m->text,
		   kind, named ? unit_name(m->unit) : "");
}

/* Reads a quantity in the unit of the measure. */
static bool read_quantity(const struct node *n, const struct measure *m, double *ret_number)
{
	const char *text;
	size_t len;
	enum unit unit;

	if (!node_is_string(n))
		return node_number(n, ret_number);
	text = node_text(n);
	len = strlen(text);
	if (len == 0 || quantity_parse(text, len, ret_number, &unit) != len) {
		node_error(
			n,
			"\"%s\" is no quantity; write a number, or one with a unit such as \"10ms\"",
			text);
		return false;
	}
	if (m && !unit_convert(*ret_number, unit, m->unit, ret_number)) {
		wrong_unit(n, unit, m);
		return false;
	}
	if (!isfinite(*ret_number)) {
		node_error(n, "\"%s\" is too large", text);
		return false;
	}
	return true;
}

static void read_limit(const struct node *n, const struct rule *r, struct limit *ret_limit)
{
	double at;

	if (read_quantity(n, measure_of(r), &at))
		*ret_limit = (struct limit){ .set = true, .at = at };
}

/* --- when ------------------------------------------------------------------------------------ */

static void read_value(const struct node *n, void *target)
{
	struct rule *r = target;
	const char *text = node_text(n);
	struct expr_error error = { 0 };

	if (!text || !r->on || measure_parse(text, r->on, &r->when.value, &error))
		return;
	node_error_at(n, error.offset, "%s", error.message);
	free(error.message);
}

/* Reports a key that says something about a window of events where one event is measured. */
static bool needs_window(const struct node *n, const struct rule *r)
{
	const struct measure *m = measure_of(r);

	if (!m || m->aggregate != AGGREGATE_NONE)
		return true;
	node_error_key(n, "\"%s\" is for functions such as max(%s); %s alone is that of one event",
		       node_key(n), m->text, m->text);
	return false;
}

static void read_window(const struct node *n, void *target)
{
	struct rule *r = target;

	if (needs_window(n, r))
		node_read_duration(n, &r->when.window_ns);
}

static void read_above(const struct node *n, void *target)
{
	struct rule *r = target;

	read_limit(n, r, &r->when.above);
}

/* All limits must hold, so those of one object must leave something between them. */
static void check_band(const struct node *n, const struct limit *above, const struct limit *below)
{
	if (above->set && below->set && above->at >= below->at)
		node_error(n, "nothing is above %.15g and below %.15g", above->at, below->at);
}

static void read_below(const struct node *n, void *target)
{
	struct rule *r = target;

	read_limit(n, r, &r->when.below);
	check_band(n, &r->when.above, &r->when.below);
}

static void read_min_samples(const struct node *n, void *target)
{
	struct rule *r = target;

	if (needs_window(n, r))
		node_read_u64(n, &r->when.min_samples);
}

static void read_deviations(const struct node *n, void *target)
{
	double deviations;

	if (!node_number(n, &deviations))
		return;
	if (!(deviations > 0 && deviations <= 1000))
		node_error(n, "found %.15g; expected a number over 0 and up to 1000", deviations);
	else
		*(double *)target = deviations;
}

static const struct member baseline_members[] = {
	{ .key = "deviations",
	  .read = read_deviations,
	  .offset = offsetof(struct baseline_conf, deviations),
	  .required = true },
	{ .key = "warm_up",
	  .read = node_read_duration,
	  .offset = offsetof(struct baseline_conf, warm_up_ns),
	  .min = SECOND_NS,
	  .max = DURATION_MAX_NS },
	{ .key = "half_life",
	  .read = node_read_duration,
	  .offset = offsetof(struct baseline_conf, half_life_ns),
	  .min = SECOND_NS,
	  .max = DURATION_MAX_NS },
};

static void read_baseline(const struct node *n, void *target)
{
	struct rule *r = target;

	if (!needs_window(n, r))
		return;
	r->when.has_baseline = true;
	r->when.baseline = (struct baseline_conf){ .warm_up_ns = 120 * NS_PER_S,
						   .half_life_ns = 600 * NS_PER_S };
	node_read(n, baseline_members, ARRAY_SIZE(baseline_members), &r->when.baseline);
}

/* All read into the rule. The value comes first: the others depend on its unit and kind. */
static const struct member when_members[] = {
	{ .key = "value", .read = read_value, .required = true },
	{ .key = "window", .read = read_window, .min = SECOND_NS, .max = 24 * HOUR_NS },
	{ .key = "above", .read = read_above },
	{ .key = "below", .read = read_below },
	{ .key = "min_samples", .read = read_min_samples, .min = 1, .max = 1000000000 },
	{ .key = "baseline", .read = read_baseline },
};

void read_when(const struct node *n, void *rule)
{
	struct rule *r = rule;
	const struct measure *m;
	struct node node;

	if (!node_expect_object(n))
		return;
	node_read(n, when_members, ARRAY_SIZE(when_members), r);
	m = measure_of(r);
	if (m && m->aggregate != AGGREGATE_NONE && !node_member(n, "window", &node) &&
	    node_member(n, "value", &node))
		node_error(&node, "%s needs a \"window\" such as \"10s\"", m->text);
	if (!node_member(n, "above", &node) && !node_member(n, "below", &node)) {
		if (!node_member(n, "baseline", &node))
			node_error(n, "no condition; give \"above\", \"below\" or \"baseline\"");
		else
			node_warning(&node, "a baseline alone also fires on tiny values; "
					    "add \"above\" or \"below\"");
	}
}

/* --- clear ----------------------------------------------------------------------------------- */

static void read_clear_above(const struct node *n, void *target)
{
	struct rule *r = target;
	const struct limit *above = &r->when.above, *below = &r->when.below;

	read_limit(n, r, &r->clear.above);
	if (above->set && !below->set)
		node_error_key(n,
			       "a rule that fires above %.15g clears below a limit, not above one",
			       above->at);
	else if (r->clear.above.set && below->set && r->clear.above.at < below->at)
		node_error(n, "%.15g is under %.15g, below which the rule fires", r->clear.above.at,
			   below->at);
}

static void read_clear_below(const struct node *n, void *target)
{
	struct rule *r = target;
	const struct limit *above = &r->when.above, *below = &r->when.below;

	read_limit(n, r, &r->clear.below);
	check_band(n, &r->clear.above, &r->clear.below);
	if (below->set && !above->set)
		node_error_key(n,
			       "a rule that fires below %.15g clears above a limit, not below one",
			       below->at);
	else if (r->clear.below.set && above->set && r->clear.below.at > above->at)
		node_error(n, "%.15g is over %.15g, above which the rule fires", r->clear.below.at,
			   above->at);
}

static const struct member clear_members[] = {
	{ .key = "above", .read = read_clear_above },
	{ .key = "below", .read = read_clear_below },
	{ .key = "for",
	  .read = node_read_duration,
	  .offset = offsetof(struct rule, clear.for_ns),
	  .max = DURATION_MAX_NS },
};

void read_clear(const struct node *n, void *rule)
{
	struct rule *r = rule;
	const struct measure *m = measure_of(r);

	node_read(n, clear_members, ARRAY_SIZE(clear_members), r);
	if (m && m->aggregate == AGGREGATE_NONE)
		node_warning(n, "\"clear\" is for rules with a window; this one ends by \"keep\"");
}

/* --- what follows ---------------------------------------------------------------------------- */

static struct formula formula_of(const struct measure *m)
{
	struct formula f = { .n_terms = 1, .n_ops = 1, .unit = m->unit, .text = xstrdup(m->text) };

	f.terms[0] = (struct term){
		.aggregate = m->aggregate, .field = m->field, .quantile = m->quantile, .scale = 1
	};
	if (m->aggregate == AGGREGATE_RATE && m->unit == UNIT_MS_PER_S)
		(void)unit_convert(1, m->field->unit, UNIT_MS, &f.terms[0].scale);
	f.ops[0] = (struct op){ .code = OP_TERM };
	return f;
}

void rule_complete(struct rule *r)
{
	const struct condition *c = &r->when;

	if (!measure_of(r))
		return;
	r->judge = (struct when){ .n_leaves = 1, .n_nodes = 1 };
	r->judge.nodes[0] = (struct tree_node){ .kind = NODE_LEAF, .skip = 1 };
	r->judge.leaves[0] = (struct leaf){ .value = formula_of(&c->value),
					    .window_ns = c->window_ns,
					    .above = c->above,
					    .below = c->below,
					    .min_samples = c->min_samples,
					    .has_baseline = c->has_baseline,
					    .baseline = c->baseline };
	r->identity = rule_identity(r);
}
