/* SPDX-License-Identifier: BSD-2-Clause */
/* Which streams the rules need, in which directories their keys are, and which way events come to them. */
#include "engine/engine_parts.h"

#include <stdlib.h>

#include "rule/expr_quick.h"
#include "util/hash.h"

/* Streams by the class of their rules, newest first: a rule joins one that has room. */
struct stream_index {
	unsigned *next; /* of the stream with that number, + 1 */
	unsigned *heads;
	unsigned n_heads;
};

static struct stream *find_stream(const struct engine *e, const struct stream_index *x,
				  const struct rule *rule, uint64_t class)
{
	for (unsigned at = x->heads[class & (x->n_heads - 1)]; at; at = x->next[at - 1]) {
		struct stream *s = e->streams[at - 1];

		if (stream_shared_by(s->rule, rule))
			return s->n_trackers < STREAM_TRACKERS_MAX ? s : NULL;
	}
	return NULL;
}

static struct stream *get_stream(struct engine *e, struct stream_index *x, const struct rule *rule)
{
	uint64_t class = hash_keyed(0, &(uint64_t){ stream_class(rule) }, sizeof(uint64_t));
	struct stream *s = find_stream(e, x, rule, class);
	unsigned *head = &x->heads[class & (x->n_heads - 1)];

	if (s)
		return s;
	s = stream_new(&e->shared, rule);
	x->next[e->n_streams] = *head;
	e->streams[e->n_streams++] = s;
	*head = e->n_streams;
	return s;
}

static void make_streams(struct engine *e)
{
	struct stream_index x = { .n_heads = 16 };

	while (x.n_heads < e->n_trackers)
		x.n_heads *= 2;
	x.heads = xcalloc(x.n_heads, sizeof(*x.heads));
	x.next = xcalloc(e->n_trackers, sizeof(*x.next));
	e->streams = xcalloc(e->n_trackers, sizeof(struct stream *));
	for (unsigned i = 0; i < e->n_trackers; i++) {
		struct tracker *t = &e->trackers[i];

		if (judges_events(t->rule))
			stream_join(get_stream(e, &x, t->rule), t);
	}
	free(x.heads);
	free(x.next);
}

/* The group that has room for a stream; open: those with room, of which there is one for each kind of
 * key. */
static struct key_group *get_group(struct engine *e, unsigned *open, unsigned *n_open,
				   const struct stream *s)
{
	unsigned i = 0;

	while (i < *n_open && !stream_same_keys(e->groups[open[i]].first, s))
		i++;
	if (i == *n_open) {
		open[(*n_open)++] = e->n_groups;
		e->groups[e->n_groups++].first = s;
	} else if (e->groups[open[i]].n_streams == DIRECTORY_TABLES_MAX) {
		open[i] = e->n_groups;
		e->groups[e->n_groups++].first = s;
	}
	return &e->groups[open[i]];
}

/* A stream in the order in which they get groups: those that see the same events side by side. */
struct turn {
	uint64_t class;
	unsigned stream;
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

static struct turn *turns_of(const struct engine *e)
{
	struct turn *turns = xcalloc(e->n_streams, sizeof(*turns));

	for (unsigned i = 0; i < e->n_streams; i++)
		turns[i] = (struct turn){ dispatch_class(e->streams[i]->rule->where), i };
	if (e->n_streams)
		qsort(turns, e->n_streams, sizeof(*turns), compare_turns);
	return turns;
}

static void make_groups(struct engine *e)
{
	AUTO_FREE struct turn *turns = turns_of(e);
	AUTO_FREE unsigned *open = xcalloc(e->n_streams, sizeof(*open));
	AUTO_FREE unsigned *places = xcalloc(e->n_streams, sizeof(*places));
	unsigned n_open = 0;

	e->groups = xcalloc(e->n_streams, sizeof(*e->groups));
	for (unsigned i = 0; i < e->n_streams; i++) {
		unsigned at = turns[i].stream;

		e->streams[at]->group = get_group(e, open, &n_open, e->streams[at]);
		places[at] = e->streams[at]->group->n_streams++;
	}
	for (unsigned i = 0; i < e->n_groups; i++)
		directory_init(&e->groups[i].directory, e->groups[i].n_streams,
			       stream_key_max(e->groups[i].first));
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_start(e->streams[i], &e->streams[i]->group->directory, places[i]);
}

static void add_feed(struct engine *e, struct stream *s, unsigned source,
		     const struct event_type *type, const struct expr *where)
{
	struct feed *feed = &e->feeds[e->n_feeds++];
	struct dispatch **route = &e->routes[type_index(e, type)];

	*feed = (struct feed){ .stream = s,
			       .group = s->windowed ? s->group : NULL,
			       .source = source,
			       .where = where,
			       .quick = expr_quick_new(where, type) };
	if (!*route)
		*route = dispatch_new();
	dispatch_add(*route, feed);
}

static void make_routes(struct engine *e)
{
	e->types = event_types(&e->n_types);
	e->routes = xcalloc(e->n_types, sizeof(struct dispatch *));
	e->seen = xcalloc(e->n_types, sizeof(*e->seen));
	e->until_sample = COST_SAMPLE;
	e->errands.sequence = 1;
	e->feeds = xcalloc(e->n_streams, STREAM_SOURCES * sizeof(*e->feeds));
	for (unsigned i = 0; i < e->n_streams; i++) {
		const struct rule *rule = e->streams[i]->rule;

		add_feed(e, e->streams[i], 0, rule->on, rule->where);
		if (rule->with)
			add_feed(e, e->streams[i], 1, rule->with, rule->with_where);
	}
	for (unsigned i = 0; i < e->n_types; i++)
		if (e->routes[i])
			dispatch_ready(e->routes[i]);
}

void engine_lay_out(struct engine *e)
{
	make_streams(e);
	make_groups(e);
	make_routes(e);
}
