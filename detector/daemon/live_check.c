/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/live_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rule_check.h"
#include "daemon/sources.h"

struct live_check {
	const struct rule_set *set;
	const struct rule_file *files;
	struct diags *diags;
	struct sources *sources;
	const struct event_type *types;
	char **errors; /* of each type: why it cannot be had; NULL: it can */
};

static void on_event(void *ctx, const struct event *ev)
{
	(void)ctx;
	(void)ev;
}

static void on_loss(void *ctx, const struct event_type *type, uint64_t lost)
{
	(void)ctx;
	(void)type;
	(void)lost;
}

static void on_report(void *ctx, const struct event_type *type, const char *route,
		      const char *error)
{
	struct live_check *c = ctx;

	(void)route;
	free(c->errors[type - c->types]);
	c->errors[type - c->types] = error ? xstrdup(error) : NULL;
}

/* Why the type, or a field of it that the demand names, cannot be had; NULL: all can. Lends. */
static const char *why_not(const struct live_check *c, const struct event_type *type,
			   const struct demand *demand)
{
	const char *error = c->errors[type - c->types];

	for (unsigned i = 0; !error && i < sources_count(c->sources); i++)
		error = source_lacks(sources_at(c->sources, i), type, demand->fields);
	return error;
}

/* Warns of what one rule wants of one type. */
static void check_type(const struct live_check *c, unsigned rule, const struct event_type *type,
		       const char *path)
{
	const struct rule_set one = { .rules = &c->set->rules[rule], .n_rules = 1 };
	struct demand demand;
	const char *error;
	AUTO_FREE char *message = NULL;

	if (!type)
		return;
	rule_demand(&one, type, &demand);
	error = why_not(c, type, &demand);
	if (!error)
		return;
	message =
		xasprintf("rule \"%s\" does not get from source %s what it reads, so it may never "
			  "fire: %s",
			  one.rules->name, type->name, error);
	rule_check_warn(c->set, c->files, rule, path, message, c->diags);
}

bool live_check(const struct rule_set *set, const struct rule_file *files, struct diags *d,
		char **ret_error)
{
	unsigned n_types;
	struct live_check c = {
		.set = set,
		.files = files,
		.diags = d,
		.types = event_types(&n_types),
	};
	AUTO_FREE struct demand *demands = xcalloc(n_types, sizeof(*demands));
	struct sources_conf conf = {
		.demands = demands,
		.loop = loop_new(),
		.on_event = on_event,
		.on_loss = on_loss,
		.on_report = on_report,
		.ctx = &c,
	};

	if (!conf.loop) {
		*ret_error = xasprintf("no epoll: %s", strerror(errno));
		return false;
	}
	c.errors = xcalloc(n_types, sizeof(char *));
	for (unsigned i = 0; i < n_types; i++)
		rule_demand(set, &c.types[i], &demands[i]);
	c.sources = sources_new(&conf, ret_error);
	for (unsigned i = 0; c.sources && i < set->n_rules; i++) {
		check_type(&c, i, set->rules[i].on, "on");
		check_type(&c, i, set->rules[i].with, "with/on");
	}
	for (unsigned i = 0; i < n_types; i++)
		free(c.errors[i]);
	free(c.errors);
	sources_free(c.sources);
	loop_free(conf.loop);
	return c.sources;
}
