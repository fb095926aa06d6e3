/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leads each event to the streams of rules that it may concern (dispatch.c, stream.c). What a batch
 * of events needs from memory is asked for ahead, in four passes over a few events each:
 *
 *	1  match conditions, pack and hash keys, ask for the place in the directory of keys
 *	2  look there, and ask for what the directory says of the key
 *	3  look there, and ask for the entries of all streams that the event goes to
 *	4  take the events in, in order
 */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/dispatch.h"
#include "engine/parts.h"
#include "engine/tracker.h"
#include "rule/expr_quick.h"
#include "util/hash.h"

#define ERRANDS_MAX    256
#define COST_SAMPLE    127 /* one of so many errands is measured */
#define BATCH_EVENTS   32
#define KEYS_BYTES_MAX (32 * 1024)

/* A key that an event has in one directory, for all streams of that. */
struct visit {
	struct directory *directory;
	struct table_key key;
	struct dir_key *found; /* NULL: it was not there */
	uint32_t removals;     /* of the directory when it was looked for: valid until the next */
};

/* Streams whose keys are of the same fields. */
struct key_group {
	struct directory directory;
	const struct stream *first;
	unsigned n_streams;
	/* of each source: the visit of the event of that sequence number */
	struct visit *visits[STREAM_SOURCES];
	uint64_t sequences[STREAM_SOURCES];
};

/* An event on its way into a stream. */
struct errand {
	struct feed *feed;
	const struct arrival *arrival;
	const struct visit *visit; /* of a stream with windows */
	struct keyed *entry;	   /* of the key, as long as the visit is valid; or NULL */
};

struct errands {
	struct arrival arrivals[BATCH_EVENTS];
	struct errand list[ERRANDS_MAX];
	unsigned n;
	struct visit visits[ERRANDS_MAX];
	unsigned n_visits;
	unsigned char bytes[KEYS_BYTES_MAX]; /* of the keys */
	unsigned n_bytes;
	uint64_t sequence; /* another one for each event, and after each run */
};

/* What came of one event type. */
struct type_seen {
	uint64_t events;
	uint64_t last_ns;
};

struct engine {
	struct engine_shared shared;
	bool began;		  /* the first event or tick has come */
	struct tracker *trackers; /* one for each rule, in their order; unused for those that judge
				     no events */
	unsigned n_trackers;
	struct stream **streams;
	unsigned n_streams;
	struct key_group *groups;
	unsigned n_groups;
	struct feed *feeds; /* one or two for each stream */
	unsigned n_feeds;
	const struct event_type *types;
	unsigned n_types;
	struct dispatch **routes; /* one for each type */
	struct errands errands;
	struct type_seen *seen; /* for each event type */
	unsigned until_sample;	/* of the cost: how many errands more */
};

static unsigned type_index(const struct engine *e, const struct event_type *type)
{
	return (unsigned)(type - e->types);
}

static bool judges_events(const struct rule *rule)
{
	return rule->kind == RULE_EVENTS;
}

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

struct engine *engine_new(const struct engine_conf *conf)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->shared.conf = *conf;
	if (conf->max_keys == 0)
		e->shared.conf.max_keys = ENGINE_MAX_KEYS;
	e->shared.ids.state = conf->seed;
	e->n_trackers = conf->rules->n_rules;
	e->trackers = xcalloc(e->n_trackers, sizeof(*e->trackers));
	e->shared.began_ns = xcalloc(e->n_trackers, sizeof(*e->shared.began_ns));
	e->shared.changes = changes_new(&e->shared);
	for (unsigned i = 0; i < e->n_trackers; i++)
		tracker_init(&e->trackers[i], &conf->rules->rules[i], &e->shared);
	make_streams(e);
	make_groups(e);
	make_routes(e);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n_types; i++)
		dispatch_free(e->routes[i]);
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_free(e->streams[i]);
	for (unsigned i = 0; i < e->n_groups; i++)
		directory_fini(&e->groups[i].directory);
	for (unsigned i = 0; i < e->n_trackers; i++)
		tracker_fini(&e->trackers[i]);
	changes_free(e->shared.changes);
	free(e->shared.began_ns);
	for (unsigned i = 0; i < e->n_feeds; i++)
		expr_quick_free(e->feeds[i].quick);
	free(e->routes);
	free(e->seen);
	free(e->feeds);
	free(e->groups);
	free(e->streams);
	free(e->trackers);
	free(e);
}

static void begin(struct engine *e, uint64_t now_ns)
{
	e->began = true;
	for (unsigned i = 0; i < e->n_trackers; i++)
		if (!e->shared.began_ns[i])
			e->shared.began_ns[i] = now_ns;
}

static struct visit *new_visit(struct errands *all, const struct feed *feed, const struct event *ev)
{
	struct visit *visit = &all->visits[all->n_visits++];
	unsigned char *bytes = &all->bytes[all->n_bytes];
	size_t len = key_pack(&feed->stream->fields[feed->source], ev, bytes);

	visit->directory = &feed->group->directory;
	visit->key = stream_key(feed->stream, bytes, len);
	all->n_bytes += (unsigned)len;
	directory_prefetch(visit->directory, &visit->key);
	return visit;
}

/* One for all streams of a group. */
static const struct visit *get_visit(struct errands *all, const struct feed *feed,
				     const struct event *ev)
{
	struct key_group *group = feed->group;

	if (group->sequences[feed->source] != all->sequence) {
		group->sequences[feed->source] = all->sequence;
		group->visits[feed->source] = new_visit(all, feed, ev);
	}
	return group->visits[feed->source];
}

/* Pass 2. */
static void guess_keys(struct errands *all)
{
	for (unsigned i = 0; i < all->n_visits; i++) {
		struct visit *visit = &all->visits[i];

		visit->found = directory_guess(visit->directory, &visit->key);
	}
}

static void find_key(struct visit *visit)
{
	struct directory *d = visit->directory;
	uint32_t number;

	visit->removals = d->removals;
	if (!visit->found || directory_is(d, visit->found, &visit->key))
		return;
	number = directory_find(d, &visit->key);
	visit->found = number ? directory_at(d, number - 1) : NULL;
}

/* Pass 3. */
static void find_entries(struct errands *all)
{
	for (unsigned i = 0; i < all->n_visits; i++)
		find_key(&all->visits[i]);
	for (struct errand *errand = all->list; errand < all->list + all->n; errand++) {
		const struct keytable *keys = &errand->feed->stream->keys;
		uint32_t number;

		if (!errand->visit || !errand->visit->found)
			continue;
		number = keytable_number(keys, errand->visit->found);
		if (!number)
			continue;
		errand->entry = keytable_at(keys, number - 1);
		keytable_prefetch(keys, number - 1);
	}
}

static inline void run_errand(const struct errand *errand)
{
	struct stream *s = errand->feed->stream;
	const struct visit *visit = errand->visit;
	struct keyed *k = errand->entry;

	if (!visit) {
		stream_take_point(s, errand->arrival);
		return;
	}
	if (!k || visit->removals != visit->directory->removals)
		k = stream_get(s, &visit->key);
	if (k)
		stream_take(s, errand->feed->source, errand->arrival, k);
}

static uint64_t cost_now_ns(const struct engine *e)
{
	return e->shared.conf.cost_clock ? e->shared.conf.cost_clock() : 0;
}

/* Passes 2 to 4. */
static void run_errands(struct engine *e)
{
	struct errands *all = &e->errands;
	const struct errand *end = all->list + all->n;

	if (all->n > 1) {
		guess_keys(all);
		find_entries(all);
	}
	for (const struct errand *errand = all->list; errand < end; errand++) {
		bool measured = --e->until_sample == 0;
		uint64_t from_ns = measured ? cost_now_ns(e) : 0;

		run_errand(errand);
		if (!measured)
			continue;
		errand->feed->cost_ns += (cost_now_ns(e) - from_ns) * COST_SAMPLE;
		e->until_sample = COST_SAMPLE;
	}
	all->n = all->n_visits = all->n_bytes = 0;
	all->sequence++;
}

/* Pass 1. place: of the event in its batch. */
static void add_errands(struct engine *e, const struct event *ev, unsigned place)
{
	unsigned type = type_index(e, ev->type), n = 0;
	struct dispatch *route = e->routes[type];
	struct arrival *arrival = &e->errands.arrivals[place];
	struct feed *const *feeds = NULL;
	struct errands *all = &e->errands;
	const struct key_group *group = NULL;
	const struct visit *visit = NULL;
	uint64_t matched = 0;

	*arrival = arrival_of(ev);
	e->errands.sequence++;
	if (!e->began)
		begin(e, arrival->m.now_ns);
	e->shared.stats.events++;
	e->seen[type].events++;
	e->seen[type].last_ns = arrival->m.now_ns;
	if (route)
		feeds = dispatch_find(route, ev, &n);
	for (unsigned i = 0; i < n; i++) {
		struct feed *feed = feeds[i];

		if (!expr_quick_match(feed->quick, ev))
			continue;
		feed->matched++;
		feed->last_ns = arrival->m.now_ns;
		matched += feed->stream->n_trackers;
		if (all->n == ERRANDS_MAX || all->n_bytes > KEYS_BYTES_MAX - KEY_BYTES_MAX) {
			run_errands(e);
			group = NULL;
			visit = NULL;
		}
		if (feed->group != group) {
			group = feed->group;
			visit = group ? get_visit(all, feed, ev) : NULL;
		}
		all->list[all->n++] = (struct errand){ feed, arrival, visit, NULL };
	}
	e->shared.stats.matched += matched;
}

void engine_feed(struct engine *e, const struct event *ev)
{
	add_errands(e, ev, 0);
	run_errands(e);
}

void engine_feed_batch(struct engine *e, const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned place = i % BATCH_EVENTS;

		add_errands(e, &events[i], place);
		if (place == BATCH_EVENTS - 1)
			run_errands(e);
	}
	run_errands(e);
}

static void tick_tracker(struct engine *e, struct tracker *t, uint64_t now_ns,
			 int64_t wall_offset_ns)
{
	uint64_t (*clock)(void) = e->shared.conf.cost_clock;
	uint64_t from_ns = clock ? clock() : 0;

	tracker_tick(t, now_ns, wall_offset_ns);
	if (clock)
		t->tick_cost_ns += clock() - from_ns;
}

void engine_tick(struct engine *e, uint64_t now_ns, int64_t wall_offset_ns)
{
	if (!e->began)
		begin(e, now_ns);
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_tick(e->streams[i], now_ns);
	for (unsigned i = 0; i < e->n_trackers; i++)
		if (judges_events(e->trackers[i].rule))
			tick_tracker(e, &e->trackers[i], now_ns, wall_offset_ns);
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_sweep(e->streams[i], now_ns);
	changes_tick(&e->shared, now_ns, wall_offset_ns);
}

void engine_loss(struct engine *e, const struct event_type *type, uint64_t lost, uint64_t now_ns)
{
	for (unsigned i = 0; lost > 0 && i < e->n_trackers; i++)
		if (judges_events(e->trackers[i].rule) &&
		    (e->trackers[i].rule->on == type || e->trackers[i].rule->with == type))
			tracker_loss(&e->trackers[i], lost, now_ns);
}

struct engine_shared *engine_shared(struct engine *e)
{
	return &e->shared;
}

struct tracker *engine_tracker(struct engine *e, unsigned rule)
{
	return &e->trackers[rule];
}

void engine_traffic(const struct engine *e, unsigned rule, struct rule_traffic *ret)
{
	const struct tracker *t = &e->trackers[rule];
	const struct rule *r = t->rule;

	*ret = (struct rule_traffic){ .matched = t->matched_before,
				      .last_match_ns = t->last_match_before_ns,
				      .cost_ns = t->cost_before_ns + t->tick_cost_ns };
	if (!judges_events(r))
		return;
	ret->events = e->seen[type_index(e, r->on)].events;
	ret->last_event_ns = e->seen[type_index(e, r->on)].last_ns;
	for (unsigned i = 0; i < e->n_feeds; i++) {
		const struct feed *feed = &e->feeds[i];

		if (feed->stream != t->stream)
			continue;
		ret->cost_ns += feed->cost_ns / t->stream->n_trackers;
		if (feed->source > 0)
			continue;
		ret->matched += feed->matched;
		if (feed->last_ns > ret->last_match_ns)
			ret->last_match_ns = feed->last_ns;
	}
}

void engine_adopt_traffic(struct engine *e, unsigned rule, const struct engine *old,
			  unsigned old_rule)
{
	struct tracker *t = &e->trackers[rule];
	struct rule_traffic before;

	engine_traffic(old, old_rule, &before);
	t->matched_before = before.matched;
	t->last_match_before_ns = before.last_match_ns;
	t->cost_before_ns = before.cost_ns;
	if (judges_events(t->rule))
		e->seen[type_index(e, t->rule->on)] = old->seen[type_index(e, t->rule->on)];
}

struct silences *engine_silences(struct engine *e)
{
	return changes_silences(&e->shared);
}

unsigned engine_silenced_alerts(const struct engine *e, const struct silence *s)
{
	return changes_silenced(&e->shared, s);
}

const struct engine_stats *engine_stats(const struct engine *e)
{
	return &e->shared.stats;
}

const struct engine_rule_stats *engine_rule_stats(const struct engine *e, unsigned rule)
{
	return &e->trackers[rule].stats;
}
