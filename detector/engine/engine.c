/* SPDX-License-Identifier: BSD-2-Clause */
/* Leads each event to the rules on its type; tracker.c does the rest. */
#include "engine/engine.h"

#include <stdlib.h>

#include "engine/changes.h"
#include "engine/tracker.h"

/* The rules on one event type. */
struct route {
	const struct event_type *type;
	struct tracker **trackers;
	unsigned n;
};

struct engine {
	struct engine_shared shared;
	bool began;		  /* the first event or tick has come */
	struct tracker *trackers; /* one for each rule, in their order */
	unsigned n_trackers;
	struct route *routes;
	unsigned n_routes;
};

static struct route *find_route(const struct engine *e, const struct event_type *type)
{
	for (unsigned i = 0; i < e->n_routes; i++)
		if (e->routes[i].type == type)
			return &e->routes[i];
	return NULL;
}

static void add_route(struct engine *e, struct tracker *t)
{
	struct route *route = find_route(e, t->rule->on);

	if (!route) {
		route = &e->routes[e->n_routes++];
		route->type = t->rule->on;
		route->trackers = xcalloc(e->n_trackers, sizeof(struct tracker *));
	}
	route->trackers[route->n++] = t;
}

struct engine *engine_new(const struct engine_conf *conf)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->shared.conf = *conf;
	if (conf->max_keys == 0)
		e->shared.conf.max_keys = ENGINE_MAX_KEYS;
	e->shared.ids.state = conf->seed;
	e->n_trackers = conf->rules->n_rules;
	e->trackers = xcalloc(e->n_trackers, sizeof(*e->trackers));
	e->routes = xcalloc(e->n_trackers, sizeof(*e->routes));
	e->shared.began_ns = xcalloc(e->n_trackers, sizeof(*e->shared.began_ns));
	e->shared.changes = changes_new(&e->shared);
	for (unsigned i = 0; i < e->n_trackers; i++) {
		if (conf->rules->rules[i].kind != RULE_EVENTS)
			continue;
		tracker_init(&e->trackers[i], &conf->rules->rules[i], &e->shared);
		add_route(e, &e->trackers[i]);
	}
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n_trackers; i++)
		tracker_fini(&e->trackers[i]);
	for (unsigned i = 0; i < e->n_routes; i++)
		free(e->routes[i].trackers);
	changes_free(e->shared.changes);
	free(e->shared.began_ns);
	free(e->trackers);
	free(e->routes);
	free(e);
}

static void begin(struct engine *e, uint64_t now_ns)
{
	e->began = true;
	for (unsigned i = 0; i < e->n_trackers; i++)
		if (!e->shared.began_ns[i])
			e->shared.began_ns[i] = now_ns;
}

void engine_feed(struct engine *e, const struct event *ev)
{
	const struct route *route = find_route(e, ev->type);

	if (!e->began)
		begin(e, event_time_ns(ev));
	e->shared.stats.events++;
	for (unsigned i = 0; route && i < route->n; i++)
		tracker_feed(route->trackers[i], ev);
}

void engine_tick(struct engine *e, uint64_t now_ns, int64_t wall_offset_ns)
{
	if (!e->began)
		begin(e, now_ns);
	for (unsigned i = 0; i < e->n_trackers; i++)
		tracker_tick(&e->trackers[i], now_ns, wall_offset_ns);
	changes_tick(&e->shared, now_ns, wall_offset_ns);
}

void engine_loss(struct engine *e, const struct event_type *type, uint64_t lost, uint64_t now_ns)
{
	const struct route *route = find_route(e, type);

	for (unsigned i = 0; route && lost > 0 && i < route->n; i++)
		tracker_loss(route->trackers[i], lost, now_ns);
}

const struct engine_stats *engine_stats(const struct engine *e)
{
	return &e->shared.stats;
}

const struct engine_rule_stats *engine_rule_stats(const struct engine *e, unsigned rule)
{
	return &e->trackers[rule].stats;
}
