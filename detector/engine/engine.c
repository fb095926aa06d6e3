/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leads each event to the streams of rules that it may concern (dispatch.c, stream.c). What a batch
 * of events needs from memory is asked for ahead, in three passes over a few events each:
 *
 *	1  match conditions, pack and hash keys, ask for the place in the table of keys
 *	2  look there, and ask for the entries
 *	3  take the events in, in order
 */
#include "engine/engine.h"

#include <stdlib.h>

#include "engine/dispatch.h"
#include "engine/tracker.h"
#include "util/hash.h"

#define ERRANDS_MAX    256
#define BATCH_EVENTS   32
#define KEYS_BYTES_MAX (32 * 1024)

/* An event on its way into a stream. */
struct errand {
	const struct event *event;
	struct feed *feed;
	uint64_t hash;
	unsigned key_at, key_len; /* in keys */
};

struct errands {
	struct errand list[ERRANDS_MAX];
	unsigned n;
	unsigned char keys[KEYS_BYTES_MAX];
	unsigned keys_len;
};

struct engine {
	struct engine_shared shared;
	bool began;		  /* the first event or tick has come */
	struct tracker *trackers; /* one for each rule, in their order; unused for those that judge
				     no events */
	unsigned n_trackers;
	struct stream **streams;
	unsigned n_streams;
	struct feed *feeds; /* one or two for each stream */
	unsigned n_feeds;
	struct dispatch **routes; /* for each event type, in the order of event_types() */
	struct errands errands;
};

static unsigned type_index(const struct event_type *type)
{
	unsigned n;

	return (unsigned)(type - event_types(&n));
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
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_start(e->streams[i]);
	free(x.heads);
	free(x.next);
}

static void add_feed(struct engine *e, struct stream *s, unsigned source,
		     const struct event_type *type, const struct expr *where)
{
	struct feed *feed = &e->feeds[e->n_feeds++];
	struct dispatch **route = &e->routes[type_index(type)];

	*feed = (struct feed){ .stream = s, .source = source, .where = where };
	if (!*route)
		*route = dispatch_new();
	dispatch_add(*route, feed);
}

static void make_routes(struct engine *e)
{
	unsigned n_types;

	(void)event_types(&n_types);
	e->routes = xcalloc(n_types, sizeof(struct dispatch *));
	e->feeds = xcalloc(e->n_streams, STREAM_SOURCES * sizeof(*e->feeds));
	for (unsigned i = 0; i < e->n_streams; i++) {
		const struct rule *rule = e->streams[i]->rule;

		add_feed(e, e->streams[i], 0, rule->on, rule->where);
		if (rule->with)
			add_feed(e, e->streams[i], 1, rule->with, rule->with_where);
	}
	for (unsigned i = 0; i < n_types; i++)
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
	make_routes(e);
	return e;
}

void engine_free(struct engine *e)
{
	unsigned n_types;

	if (!e)
		return;
	(void)event_types(&n_types);
	for (unsigned i = 0; i < n_types; i++)
		dispatch_free(e->routes[i]);
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_free(e->streams[i]);
	for (unsigned i = 0; i < e->n_trackers; i++)
		tracker_fini(&e->trackers[i]);
	changes_free(e->shared.changes);
	free(e->shared.began_ns);
	free(e->routes);
	free(e->feeds);
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

static void count_match(struct engine *e, struct feed *feed)
{
	feed->matched++;
	e->shared.stats.matched += feed->stream->n_trackers;
}

static void pack(struct errands *all, struct errand *errand)
{
	const struct stream *s = errand->feed->stream;
	unsigned char *key = &all->keys[all->keys_len];

	errand->key_at = all->keys_len;
	errand->key_len = (unsigned)key_pack(&s->fields[errand->feed->source], errand->event, key);
	errand->hash = stream_hash(s, key, errand->key_len);
	all->keys_len += errand->key_len;
	keytable_prefetch(&s->keys, errand->hash);
}

/* Passes 2 and 3. */
static void run_errands(struct errands *all)
{
	for (unsigned i = 0; all->n > 1 && i < all->n; i++)
		if (all->list[i].feed->stream->windowed)
			keytable_prefetch_entry(&all->list[i].feed->stream->keys,
						all->list[i].hash);
	for (unsigned i = 0; i < all->n; i++) {
		const struct errand *errand = &all->list[i];
		struct stream *s = errand->feed->stream;

		if (s->windowed)
			stream_take(s, errand->feed->source, errand->event,
				    &all->keys[errand->key_at], errand->key_len, errand->hash);
		else
			stream_take_point(s, errand->event);
	}
	all->n = 0;
	all->keys_len = 0;
}

static void add_errand(struct errands *all, struct feed *feed, const struct event *ev)
{
	struct errand *errand;

	if (all->n == ERRANDS_MAX || all->keys_len + KEY_BYTES_MAX > KEYS_BYTES_MAX)
		run_errands(all);
	errand = &all->list[all->n++];
	*errand = (struct errand){ .event = ev, .feed = feed };
	if (feed->stream->windowed)
		pack(all, errand);
}

static void add_errands(struct engine *e, const struct event *ev)
{
	struct dispatch *route = e->routes[type_index(ev->type)];
	struct feed *const *feeds;
	unsigned n;

	if (!e->began)
		begin(e, event_time_ns(ev));
	e->shared.stats.events++;
	if (!route)
		return;
	feeds = dispatch_find(route, ev, &n);
	for (unsigned i = 0; i < n; i++) {
		if (feeds[i]->where && !expr_match(feeds[i]->where, ev))
			continue;
		count_match(e, feeds[i]);
		add_errand(&e->errands, feeds[i], ev);
	}
}

void engine_feed(struct engine *e, const struct event *ev)
{
	add_errands(e, ev);
	run_errands(&e->errands);
}

void engine_feed_batch(struct engine *e, const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_errands(e, &events[i]);
		if ((i + 1) % BATCH_EVENTS == 0)
			run_errands(&e->errands);
	}
	run_errands(&e->errands);
}

void engine_tick(struct engine *e, uint64_t now_ns, int64_t wall_offset_ns)
{
	if (!e->began)
		begin(e, now_ns);
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_tick(e->streams[i], now_ns);
	for (unsigned i = 0; i < e->n_trackers; i++)
		if (judges_events(e->trackers[i].rule))
			tracker_tick(&e->trackers[i], now_ns, wall_offset_ns);
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

const struct engine_stats *engine_stats(const struct engine *e)
{
	return &e->shared.stats;
}

const struct engine_rule_stats *engine_rule_stats(const struct engine *e, unsigned rule)
{
	return &e->trackers[rule].stats;
}
