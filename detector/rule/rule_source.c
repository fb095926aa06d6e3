/* SPDX-License-Identifier: BSD-2-Clause */
/* Which events a rule is on and by what it tells them apart: "on", "where", "with", "by". */
#include "rule/rule_source.h"

#include <string.h>

#include "rule/rule_read.h"
#include "rule/suggest.h"

const struct event_type *read_source_name(const struct node *n)
{
	unsigned n_types;
	const struct event_type *types = event_types(&n_types);
	AUTO_FREE const char **names = xcalloc(n_types, sizeof(*names));
	size_t i;

	for (i = 0; i < n_types; i++)
		names[i] = types[i].name;
	return node_choice(n, "source", names, n_types, &i) ? &types[i] : NULL;
}

void read_source(const struct node *n, void *target)
{
	struct rule *r = target;

	r->on = read_source_name(n);
}

void read_where(const struct node *n, void *target)
{
	struct rule_draft *d = target;

	d->rule.where = read_condition(n, d, d->rule.on);
}

static void read_with_source(const struct node *n, void *target)
{
	struct rule_draft *d = target;
	const struct event_type *with = read_source_name(n);

	if (with && with == d->rule.on)
		node_error(n, "\"with\" is for another source; of the same one, write a condition "
			      "such as count(...)");
	else
		d->rule.with = with;
	d->second_unknown = !d->rule.with;
}

static void read_with_where(const struct node *n, void *target)
{
	struct rule_draft *d = target;

	d->rule.with_where = read_condition(n, d, d->rule.with);
}

void read_with(const struct node *n, void *target)
{
	static const struct member members[] = {
		{ .key = "on", .read = read_with_source, .required = true },
		{ .key = "where", .read = read_with_where },
	};

	((struct rule_draft *)target)->second_unknown = true;
	node_read(n, members, ARRAY_SIZE(members), target);
}

static bool is_key(const struct field *f)
{
	return f->role == ROLE_KEY;
}

/* The key must be one of the second source too. */
static bool add_key_of_second(const struct node *n, struct rule *r, const struct field *f)
{
	const struct field *same = event_field_find(r->with, f->name, strlen(f->name));
	AUTO_FREE char *hint = NULL;

	if (same && is_key(same) && same->type == f->type) {
		r->with_by[r->n_by] = same;
		return true;
	}
	hint = suggest_field(f->name, r->with, is_key);
	node_error(n, "no key \"%s\" in source %s%s", f->name, r->with->name, hint);
	return false;
}

static void add_key(const struct node *n, struct rule *r)
{
	const char *name = node_text(n);
	const struct field *f;
	AUTO_FREE char *hint = NULL;

	if (!name || !r->on)
		return;
	f = event_field_find(r->on, name, strlen(name));
	if (!f || !is_key(f)) {
		hint = suggest_field(name, r->on, is_key);
		if (f)
			node_error(n, "\"%s\" of source %s is no key to group by%s", name,
				   r->on->name, hint);
		else
			node_error(n, "no key \"%s\" in source %s%s", name, r->on->name, hint);
		return;
	}
	for (unsigned i = 0; i < r->n_by; i++) {
		if (r->by[i] == f) {
			node_error(n, "key \"%s\" twice", name);
			return;
		}
	}
	if (r->with && !add_key_of_second(n, r, f))
		return;
	r->by[r->n_by++] = f;
}

void read_by(const struct node *n, void *target)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 0, RULE_BY_MAX, &n_nodes);

	for (unsigned i = 0; i < n_nodes; i++)
		add_key(&nodes[i], target);
}
