/* SPDX-License-Identifier: BSD-2-Clause */
/* The condition of a rule: "when", a leaf or a tree of leaves. */
#include <stdlib.h>
#include <string.h>

#include "rule/formula.h"
#include "rule/rule_read.h"

#define TREE_DEPTH_MAX 4

/* What the rows of a leaf read into. */
struct leaf_draft {
	struct rule_draft *draft;
	struct leaf *leaf;
};

/* The formula that limits are compared with; NULL if it could not be read. */
static const struct formula *formula_of(const struct leaf *l)
{
	return l->value.text ? &l->value : NULL;
}

const struct formula *main_formula(const struct rule *r)
{
	return r->judge.n_leaves ? formula_of(&r->judge.leaves[0]) : NULL;
}

/* --- the rows of a leaf ---------------------------------------------------------------------- */

static void read_value(const struct node *n, void *target)
{
	struct leaf_draft *d = target;
	const struct rule *r = &d->draft->rule;
	const struct formula_scope scope = { r->on, r->with, &d->draft->definitions->names };
	const char *text = node_text(n);
	struct expr_error error = { 0 };

	if (text && r->on && !d->draft->second_unknown &&
	    !formula_parse(text, &scope, &d->leaf->value, &error))
		report_expr_error(n, d->draft, r->on, &error);
}

/* Reports a key that says something about a window of events where one event is measured. */
static bool needs_window(const struct node *n, const struct leaf *l)
{
	const struct formula *f = formula_of(l);

	if (!f || formula_is_windowed(f))
		return true;
	if (formula_is_term(f))
		node_error_key(n,
			       "\"%s\" is for functions such as max(%s); %s alone is that of one "
			       "event",
			       node_key(n), f->text, f->text);
	else
		node_error_key(n,
			       "\"%s\" is for functions such as count(); %s is that of one event",
			       node_key(n), f->text);
	return false;
}

static void read_window(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	if (needs_window(n, l))
		node_read_duration(n, &l->window_ns);
}

static void read_above(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	read_limit(n, formula_of(l), &l->above);
}

static void read_below(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	read_limit(n, formula_of(l), &l->below);
	check_band(n, &l->above, &l->below);
}

static void read_outside(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 2, 2, &n_nodes);

	if (!nodes)
		return;
	read_limit(&nodes[0], formula_of(l), &l->outside_low);
	read_limit(&nodes[1], formula_of(l), &l->outside_high);
	if (l->outside_low.set && l->outside_high.set && l->outside_low.at >= l->outside_high.at)
		node_error(n, "found %.15g before %.15g; expected the lower one first",
			   l->outside_low.at, l->outside_high.at);
}

static void read_min_samples(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	if (needs_window(n, l))
		node_read_u64(n, &l->min_samples);
}

static void read_absent(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	node_read_duration(n, &l->absent_ns);
	l->value.text = xstrdup("absent");
	l->value.unit = UNIT_S;
}

/* --- change ---------------------------------------------------------------------------------- */

static bool is_percent(const struct node *n)
{
	const char *text = node_is_string(n) ? node_text(n) : "";
	size_t len = strlen(text);
	double number;
	enum unit unit;

	return len > 0 && quantity_parse(text, len, &number, &unit) == len && unit == UNIT_PERCENT;
}

/* A limit is a share of the earlier value, or a quantity. */
static void read_change_limit(const struct node *n, struct leaf *l, struct limit *limit)
{
	static const struct formula percent = { .unit = UNIT_PERCENT };
	struct comparison *c = &l->change;
	bool relative = is_percent(n);

	read_limit(n, relative ? &percent : formula_of(l), limit);
	if (relative)
		limit->at /= 100;
	if (c->above.set && c->below.set && relative != c->relative)
		node_error(n, "one limit is in percent, the other is not");
	else
		check_band(n, &c->above, &c->below);
	c->relative = relative;
}

static void read_change_above(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	read_change_limit(n, l, &l->change.above);
}

static void read_change_below(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	read_change_limit(n, l, &l->change.below);
}

static void read_ago(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	node_read_duration(n, &l->change.ago_ns);
}

static const struct member change_members[] = {
	{ .key = "above", .read = read_change_above },
	{ .key = "below", .read = read_change_below },
	{ .key = "ago", .read = read_ago, .min = SECOND_NS, .max = 24 * HOUR_NS },
};

static void read_change(const struct node *n, void *target)
{
	struct leaf *l = ((struct leaf_draft *)target)->leaf;
	struct node limit;

	if (!needs_window(n, l) || !node_expect_object(n))
		return;
	l->change.ago_ns = l->window_ns;
	node_read(n, change_members, ARRAY_SIZE(change_members), target);
	if (!node_member(n, "above", &limit) && !node_member(n, "below", &limit))
		node_error(n, "no limit; give \"above\" or \"below\", such as \"50%%\"");
}

/* --- baseline -------------------------------------------------------------------------------- */

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
	struct leaf *l = ((struct leaf_draft *)target)->leaf;

	if (!needs_window(n, l))
		return;
	l->has_baseline = true;
	l->baseline = (struct baseline_conf){ .warm_up_ns = 120 * NS_PER_S,
					      .half_life_ns = 600 * NS_PER_S };
	node_read(n, baseline_members, ARRAY_SIZE(baseline_members), &l->baseline);
}

/* --- leaves ---------------------------------------------------------------------------------- */

/* The value comes first: the others depend on its unit and kind. */
static const struct member leaf_members[] = {
	{ .key = "value", .read = read_value },
	{ .key = "window", .read = read_window, .min = SECOND_NS, .max = 24 * HOUR_NS },
	{ .key = "above", .read = read_above },
	{ .key = "below", .read = read_below },
	{ .key = "outside", .read = read_outside },
	{ .key = "change", .read = read_change },
	{ .key = "absent", .read = NULL },
	{ .key = "min_samples", .read = read_min_samples, .min = 1, .max = 1000000000 },
	{ .key = "baseline", .read = read_baseline },
	{ .key = "all", .read = NULL },
	{ .key = "any", .read = NULL },
};

static void refuse_beside_absent(const struct node *n, void *target)
{
	(void)target;
	node_error_key(
		n, "\"absent\" stands alone; put it and what has \"%s\" into \"all\" or \"any\"",
		node_key(n));
}

static const struct member absent_members[] = {
	{ .key = "absent", .read = read_absent, .min = SECOND_NS, .max = DURATION_MAX_NS },
	{ .key = "value", .read = refuse_beside_absent, .refused = true },
	{ .key = "window", .read = refuse_beside_absent, .refused = true },
	{ .key = "above", .read = refuse_beside_absent, .refused = true },
	{ .key = "below", .read = refuse_beside_absent, .refused = true },
	{ .key = "outside", .read = refuse_beside_absent, .refused = true },
	{ .key = "change", .read = refuse_beside_absent, .refused = true },
	{ .key = "min_samples", .read = refuse_beside_absent, .refused = true },
	{ .key = "baseline", .read = refuse_beside_absent, .refused = true },
};

static bool has(const struct node *n, const char *key)
{
	struct node member;

	return node_member(n, key, &member);
}

/* What the rows alone do not say. */
static void check_leaf(const struct node *n, const struct leaf *l)
{
	const struct formula *f = formula_of(l);
	struct node node;

	if (!node_member(n, "value", &node))
		node_error(n, "missing key \"%s\"", "value");
	else if (f && formula_is_windowed(f) && !has(n, "window"))
		node_error(&node, "%s needs a \"window\" such as \"10s\"", f->text);
	if (has(n, "above") || has(n, "below") || has(n, "outside"))
		return;
	if (node_member(n, "baseline", &node))
		node_warning(&node, "a baseline alone also fires on tiny values; "
				    "add \"above\" or \"below\"");
	else if (!node_member(n, "change", &node))
		node_error(n, "no condition; give \"above\", \"below\", \"outside\", \"change\" or "
			      "\"baseline\"");
	else if (l->change.relative)
		node_warning(&node, "a change in percent alone also fires on tiny values; "
				    "add \"above\" or \"below\"");
}

static void read_leaf(const struct node *n, struct rule_draft *draft, struct leaf *l)
{
	struct leaf_draft target = { draft, l };

	if (has(n, "absent")) {
		node_read(n, absent_members, ARRAY_SIZE(absent_members), &target);
		return;
	}
	node_read(n, leaf_members, ARRAY_SIZE(leaf_members), &target);
	check_leaf(n, l);
}

/* --- the tree -------------------------------------------------------------------------------- */

static const struct member tree_members[] = {
	{ .key = "all" },
	{ .key = "any" },
};

static void read_node(const struct node *n, struct rule_draft *draft, unsigned depth);

static void add_leaf(const struct node *n, struct rule_draft *draft, unsigned depth)
{
	struct when *w = &draft->rule.judge;
	struct leaf *l = &w->leaves[w->n_leaves];
	struct node value;

	if (w->n_leaves == LEAVES_MAX) {
		node_error(n, "more than %d conditions; that is the limit", LEAVES_MAX);
		return;
	}
	w->nodes[w->n_nodes++] =
		(struct tree_node){ .kind = NODE_LEAF, .leaf = w->n_leaves++, .skip = 1 };
	read_leaf(n, draft, l);
	if (depth > 0 && l->value.n_terms > 0 && !formula_is_windowed(&l->value) &&
	    node_member(n, "value", &value))
		node_error(&value,
			   "%s is that of one event; in \"all\" and \"any\" each value is a "
			   "function over a window",
			   l->value.text);
}

static void add_branch(const struct node *n, struct rule_draft *draft, enum node_kind kind,
		       unsigned depth)
{
	struct when *w = &draft->rule.judge;
	unsigned at = w->n_nodes, n_nodes;
	AUTO_FREE struct node *nodes = NULL;

	if (depth == TREE_DEPTH_MAX) {
		node_error_key(n, "nested deeper than %d; that is the limit", TREE_DEPTH_MAX);
		return;
	}
	nodes = node_list(n, 2, LEAVES_MAX, &n_nodes);
	if (!nodes || w->n_nodes == ARRAY_SIZE(w->nodes))
		return;
	w->n_nodes++;
	for (unsigned i = 0; i < n_nodes; i++)
		read_node(&nodes[i], draft, depth + 1);
	w->nodes[at] = (struct tree_node){ .kind = kind, .skip = w->n_nodes - at };
}

static void read_node(const struct node *n, struct rule_draft *draft, unsigned depth)
{
	struct node all, any;
	bool has_all, has_any;

	if (!node_expect_object(n))
		return;
	has_all = node_member(n, "all", &all);
	has_any = node_member(n, "any", &any);
	if (!has_all && !has_any) {
		add_leaf(n, draft, depth);
		return;
	}
	node_read(n, tree_members, ARRAY_SIZE(tree_members), NULL);
	if (has_all && has_any)
		node_error_key(&any, "\"any\" beside \"all\"; put one into the other");
	if (has_all)
		add_branch(&all, draft, NODE_ALL, depth);
	else
		add_branch(&any, draft, NODE_ANY, depth);
}

void read_when(const struct node *n, void *draft)
{
	read_node(n, draft, 0);
}
