/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that are right by the letter and yet can never fire, or never end: limits and texts that no
 * event will have. None of this is an error: the next version of a kernel may have such a call.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "event/syscalls.h"
#include "rule/formula.h"
#include "rule/rule_doubt_text.h"
#include "rule/rule_load.h"
#include "rule/rule_range.h"
#include "rule/rule_read.h"

static bool is_field(const struct field *f, const char *name)
{
	return f && strcmp(f->name, name) == 0;
}

static bool groups_by(const struct rule *r, const char *name)
{
	for (unsigned i = 0; i < r->n_by; i++)
		if (is_field(r->by[i], name))
			return true;
	return false;
}

/* Is it one term that is 0 for a key of which there are no events? */
static bool counts_nothing(const struct formula *f)
{
	enum aggregate a = f->terms[0].aggregate;

	return formula_is_term(f) && (a == AGGREGATE_COUNT || a == AGGREGATE_RATE ||
				      a == AGGREGATE_SUM || a == AGGREGATE_DISTINCT);
}

/* Is it one term in the bounds of its field's values, such as a maximum? */
static bool is_latency(const struct formula *f)
{
	return formula_is_term(f) && is_field(f->terms[0].field, "latency_ms") &&
	       f->terms[0].aggregate != AGGREGATE_STDDEV && !counts_nothing(f);
}

/* --- the floor ------------------------------------------------------------------------------- */

static void warn_of_floor(const struct node *n, const struct rule *r, unsigned source)
{
	bool asked = rule_floor_ms(r, source) != -INFINITY;

	node_warning(n, asked ? "no event fits this: the rule asks only for longer ones"
			      : "no event fits this: without \"latency_ms >= ...\" in \"where\", "
				"they are reported from 10 ms on");
}

/* Does the rule get no event as short as `ms` or shorter? */
static bool is_under_floor(const struct rule *r, unsigned source, double ms)
{
	double floor_ms = rule_floor_ms(r, source);

	return floor_ms == -INFINITY ? ms <= (double)DEMAND_FLOOR_NS / NS_PER_MS : ms < floor_ms;
}

/* A maximum over the floor is that of all events, long and short. */
static bool is_blind_to_short_ones(const struct leaf *l)
{
	return is_latency(&l->value) && l->value.terms[0].aggregate == AGGREGATE_MAX &&
	       l->above.set && l->above.at >= (double)DEMAND_FLOOR_NS / NS_PER_MS;
}

/*
 * "How many calls fail" reads as if all calls counted, and does not say how long those must have
 * taken that do.
 */
static void doubt_floor(const struct node *n, const struct rule *r)
{
	struct node on;

	if (!event_field_find(r->on, "latency_ms", strlen("latency_ms")) ||
	    rule_floor_ms(r, 0) != -INFINITY || !node_member(n, "on", &on))
		return;
	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		if (!is_blind_to_short_ones(&r->judge.leaves[i])) {
			node_warning(&on,
				     "of %s only what takes 10 ms and more is seen here; say in "
				     "\"where\" how long it must take, \"latency_ms >= 0\" for all",
				     r->on->name);
			return;
		}
}

/* --- limits ---------------------------------------------------------------------------------- */

/* What is doubted, and where it stands. */
struct doubt {
	const struct rule *rule;
	const struct leaf *leaf;
	const struct node *node; /* the object that has the limits */
};

static bool never_below(const struct doubt *d, const struct limit *below)
{
	const struct formula *f = &d->leaf->value;
	struct range range = formula_range(f, d->rule);
	unsigned source = f->n_terms ? f->terms[0].source : 0;
	struct node n;

	if (!below->set || !node_member(d->node, "below", &n))
		return false;
	if (is_latency(f) && range.low < range.high && below->at > 0 &&
	    is_under_floor(d->rule, source, below->at)) {
		warn_of_floor(&n, d->rule, source);
		return true;
	}
	if (below->at > range.low)
		return false;
	node_warning(&n, "%s is never below %.15g", f->text, below->at);
	return true;
}

static bool never_above(const struct doubt *d, const struct limit *above)
{
	const struct formula *f = &d->leaf->value;
	struct range range = formula_range(f, d->rule);
	struct node n;

	if (!above->set || !node_member(d->node, "above", &n) || above->at < range.high)
		return false;
	node_warning(&n, "%s is never above %.15g", f->text, above->at);
	return true;
}

static bool never_outside(const struct doubt *d)
{
	const struct leaf *l = d->leaf;
	struct range range = formula_range(&l->value, d->rule);
	double low = l->above.set ? fmax(range.low, l->above.at) : range.low;
	double high = l->below.set ? fmin(range.high, l->below.at) : range.high;
	struct node n;

	if (!l->outside_low.set || l->outside_low.at > low || l->outside_high.at < high ||
	    !node_member(d->node, "outside", &n))
		return false;
	node_warning(&n, "%s is never outside of %.15g to %.15g", l->value.text, l->outside_low.at,
		     l->outside_high.at);
	return true;
}

/* What is never negative cannot fall by more than all of it. */
static bool never_changes(const struct doubt *d)
{
	const struct comparison *c = &d->leaf->change;
	struct range range = formula_range(&d->leaf->value, d->rule);
	struct node change, below;

	if (!c->relative || !c->below.set || c->below.at > -1 || range.low < 0 ||
	    !node_member(d->node, "change", &change) || !node_member(&change, "below", &below))
		return false;
	node_warning(&below, "nothing falls by more than 100 %%");
	return true;
}

/* A sample of a process comes once a second. */
static bool never_enough_samples(const struct doubt *d)
{
	const struct rule *r = d->rule;
	uint64_t at_most = d->leaf->window_ns / NS_PER_S + 1;
	struct node n;

	if (!is_field(r->on->interval, "interval_ms") || strcmp(r->on->name, "sched") != 0 ||
	    !groups_by(r, "pid") || d->leaf->min_samples <= at_most ||
	    !node_member(d->node, "min_samples", &n))
		return false;
	node_warning(&n, "there is one sample of a process each second, and the window is shorter");
	return true;
}

/* A process that has ended does nothing any more, which is below any limit. */
static void doubt_ended(const struct node *rule, const struct doubt *d)
{
	const struct rule *r = d->rule;
	const struct leaf *l = d->leaf;
	bool low = l->below.set && l->value.n_terms && counts_nothing(&l->value) &&
		   !l->min_samples && !(l->above.set && l->above.at >= 0);
	struct node by;

	if ((!low && !l->absent_ns) || (!groups_by(r, "pid") && !groups_by(r, "tid")) ||
	    !node_member(rule, "by", &by))
		return;
	node_warning(&by, l->absent_ns
				  ? "a process that ends stays absent for good; group by \"comm\""
				  : "a process that ends stays below the limit for good; "
				    "group by \"comm\"");
}

/* Can the leaf never hold? */
static bool doubt_leaf(const struct node *rule, const struct doubt *d)
{
	bool never = false;

	doubt_ended(rule, d);
	if (d->leaf->absent_ns)
		return false;
	never |= never_above(d, &d->leaf->above);
	never |= never_below(d, &d->leaf->below);
	never |= never_outside(d);
	never |= never_changes(d);
	never |= never_enough_samples(d);
	return never;
}

/* Goes through the tree as it was read. Can what is there never hold? */
static bool doubt_tree(const struct node *rule, const struct node *n, const struct rule *r,
		       unsigned *leaf)
{
	struct node list;
	bool all = node_member(n, "all", &list);
	unsigned n_nodes, n_never = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (!all && !node_member(n, "any", &list))
		return doubt_leaf(rule, &(struct doubt){ r, &r->judge.leaves[(*leaf)++], n });
	nodes = node_list(&list, 0, LEAVES_MAX, &n_nodes);
	for (unsigned i = 0; i < n_nodes; i++)
		n_never += doubt_tree(rule, &nodes[i], r, leaf);
	return all ? n_never > 0 : n_never == n_nodes;
}

/* --- clear and other severities -------------------------------------------------------------- */

static void doubt_clear(const struct node *n, const struct rule *r)
{
	struct node clear;
	struct doubt d = { r, &r->judge.leaves[0], &clear };

	if (main_is_event(r) || !node_member(n, "clear", &clear))
		return;
	(void)never_below(&d, &r->clear.below);
	(void)never_above(&d, &r->clear.above);
}

/* Is a at least as far out as b, where both have a limit on that side? */
static bool reaches(const struct escalation *a, const struct limit *above,
		    const struct limit *below)
{
	return (a->above.set && above->set && a->above.at <= above->at) ||
	       (a->below.set && below->set && a->below.at >= below->at);
}

static void doubt_escalations(const struct node *n, const struct rule *r)
{
	const struct leaf *l = &r->judge.leaves[0];

	for (unsigned i = 0; i < r->n_escalations; i++) {
		const struct escalation *e = &r->escalations[i], *next = e + 1;
		struct node node;
		struct doubt d = { r, l, &node };

		if (!node_member(n, severity_name(e->severity), &node) ||
		    never_above(&d, &e->above) || never_below(&d, &e->below))
			continue;
		if (r->judge.n_leaves == 1 && reaches(e, &l->above, &l->below))
			node_warning(&node,
				     "always \"%s\": the rule fires only where this limit is "
				     "passed too",
				     severity_name(e->severity));
		else if (i + 1 < r->n_escalations && reaches(next, &e->above, &e->below))
			node_warning(&node,
				     "never \"%s\": where this limit is passed, that of "
				     "\"%s\" is too",
				     severity_name(e->severity), severity_name(next->severity));
	}
}

/* --- texts ----------------------------------------------------------------------------------- */

struct doubter {
	const struct node *where;
	bool said; /* one doubt for each condition, as with mistakes */
};

/* "syscall_451" names a call that the table does not have. */
static bool is_number_name(const char *text)
{
	static const char prefix[] = "syscall_";
	size_t n = sizeof(prefix) - 1;

	return strncmp(text, prefix, n) == 0 && isdigit((unsigned char)text[n]) &&
	       text[n + strspn(text + n, "0123456789")] == '\0';
}

static void doubt_call(struct doubter *d, const struct expr_literal *l)
{
	const char *near = NULL;

	if (is_number_name(l->text) || syscall_known(l->text, &near))
		return;
	d->said = true;
	if (near)
		node_warning_at(d->where, l->at,
				"no system call is named \"%s\"; did you mean \"%s\"?", l->text,
				near);
	else
		node_warning_at(d->where, l->at, "no system call is named \"%s\"", l->text);
}

static void doubt_text(void *ctx, const struct expr_literal *l)
{
	struct doubter *d = ctx;
	AUTO_FREE char *doubt = NULL;

	if (d->said)
		return;
	doubt = doubt_of_text(l);
	if (doubt) {
		d->said = true;
		node_warning_at(d->where, l->at, "%s", doubt);
	} else if (l->glob) {
		return;
	} else if (is_field(l->f, "syscall_name") && !l->negated) {
		/* rules for many kernels may leave out calls that some do not have */
		doubt_call(d, l);
	} else if (!l->f->derive && l->len >= l->f->size) {
		d->said = true;
		node_warning_at(d->where, l->at, "this text has %zu bytes; %s is cut at %u", l->len,
				l->f->name, l->f->size - 1);
	}
}

/* --- where ----------------------------------------------------------------------------------- */

/* A field that would have to be in two places at once; NULL: none. */
static const struct field *torn_field(const struct expr *where, const struct event_type *type)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];

		if (f->type != FIELD_TEXT && f->type != FIELD_ADDR &&
		    expr_lower_bound(where, f) > expr_upper_bound(where, f))
			return f;
	}
	return NULL;
}

/* Does the condition on one of the sources let nothing through? */
static bool doubt_where(const struct node *parent, const struct rule *r, unsigned source)
{
	const struct event_type *type = source ? r->with : r->on;
	const struct expr *where = source ? r->with_where : r->where;
	const struct field *latency = event_field_find(type, "latency_ms", strlen("latency_ms"));
	const struct field *torn, *excluded;
	struct node n;
	struct doubter d = { .where = &n };

	if (!where || !node_member(parent, "where", &n))
		return false;
	expr_each_text(where, doubt_text, &d);
	torn = torn_field(where, type);
	if (torn) {
		node_warning(&n,
			     "no event fits this: %s would have to be at least %.15g and at "
			     "most %.15g",
			     torn->name, expr_lower_bound(where, torn),
			     expr_upper_bound(where, torn));
		return true;
	}
	excluded = expr_excluded_field(where, type);
	if (excluded) {
		node_warning(&n, "no event fits this: no value of %s passes", excluded->name);
		return true;
	}
	if (!latency || !is_under_floor(r, source, expr_upper_bound(where, latency)))
		return false;
	warn_of_floor(&n, r, source);
	return true;
}

/* --- by -------------------------------------------------------------------------------------- */

/* Is the field one of the keys, and not bound to one value by "where"? */
static bool varies(const struct rule *r, const char *name)
{
	const struct field *f = event_field_find(r->on, name, strlen(name));

	return f && groups_by(r, name) &&
	       !(r->where && expr_lower_bound(r->where, f) == expr_upper_bound(r->where, f));
}

/*
 * The kernel bounds how many processes, threads, ports or peers there are at a time. Two ports name
 * one connection, and a thread with a port nearly so: of these there is no end.
 */
static void doubt_keys(const struct node *n, const struct rule *r)
{
	static const char *const wide[] = { "tid", "sport", "dport" };
	const char *first = NULL;
	struct node by;

	if (main_is_event(r) || !node_member(n, "by", &by))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++) {
		if (!varies(r, wide[i]))
			continue;
		if (first) {
			node_warning(&by,
				     "by %s and %s, nearly each connection is a key of its own; "
				     "leave out one of them",
				     first, wide[i]);
			return;
		}
		first = wide[i];
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Is there a term that reads the second source? */
static bool reads_second(const struct rule *r)
{
	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		for (unsigned j = 0; j < r->judge.leaves[i].value.n_terms; j++)
			if (r->judge.leaves[i].value.terms[j].source == 1)
				return true;
	return false;
}

/* What is never said needs nobody to tell. */
static void doubt_quiet(const struct node *n, const struct rule *r)
{
	struct node hooks;

	if (r->quiet && node_member(n, "hooks", &hooks))
		node_warning(&hooks, "with \"notify\": false, nothing goes to these");
}

/* "{comm}", as other programs write what {{comm}} is here. */
static void doubt_summary(const struct node *n, const struct rule *r)
{
	struct node summary;
	const char *text = node_member(n, "summary", &summary) ? node_text(&summary) : NULL;

	for (const char *at = text; at && (at = strchr(at, '{')); at++) {
		size_t len = strcspn(at + 1, "{}");

		if (at[1 + len] != '}' || at[2 + len] == '}' || (at > text && at[-1] == '{') ||
		    !event_field_find(r->on, at + 1, len))
			continue;
		node_warning_at(&summary, (size_t)(at - text),
				"{%.*s} is shown as it stands; write {{%.*s}} for the field",
				(int)len, at + 1, (int)len, at + 1);
		return;
	}
}

bool doubt_rule(const struct node *n, const struct rule *r)
{
	struct node part;
	unsigned leaf = 0;
	bool never;

	doubt_quiet(n, r);
	if (r->kind != RULE_EVENTS)
		return false;
	doubt_summary(n, r);
	never = doubt_where(n, r, 0);
	if (node_member(n, "with", &part)) {
		(void)doubt_where(&part, r, 1);
		if (!reads_second(r))
			node_warning(&part, "no value reads source %s", r->with->name);
	}
	if (node_member(n, "when", &part))
		never |= doubt_tree(n, &part, r, &leaf);
	doubt_escalations(n, r);
	doubt_clear(n, r);
	doubt_keys(n, r);
	if (!never)
		doubt_floor(n, r);
	return never;
}
