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
#define PACKERS_MAX    16

/* In errands.keys, with zeros up to a multiple of 8. */
struct packed_key {
	uint64_t hash;
	unsigned at, len;
};

/* An event on its way into a stream. */
struct errand {
	const struct event *event;
	struct feed *feed;
	struct packed_key key;
	uint32_t number; /* of the entry that is likely the key's */
};

struct errands {
	struct errand list[ERRANDS_MAX];
	unsigned n;
	unsigned char keys[KEYS_BYTES_MAX];
	unsigned keys_len;
	/* The latest key of each of the first few ways to pack one, and whose it is. */
	struct packed_key packed[PACKERS_MAX];
	const struct event *packed_of[PACKERS_MAX];
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
	for (unsigned i = 0; i < e->n_streams; i++)
		stream_start(e->streams[i]);
	free(x.heads);
	free(x.next);
}

/* The same number for all that take their key from the same fields; PACKERS_MAX for the rest. */
static unsigned packer_of(const struct engine *e, const struct key_fields *fields)
{
	unsigned next = 0;

	for (unsigned i = 0; i + 1 < e->n_feeds; i++) {
		const struct feed *f = &e->feeds[i];

		if (memcmp(&f->stream->fields[f->source], fields, sizeof(*fields)) == 0)
			return f->packer;
		if (f->packer >= next)
			next = f->packer + 1;
	}
	return next < PACKERS_MAX ? next : PACKERS_MAX;
}

static void add_feed(struct engine *e, struct stream *s, unsigned source,
		     const struct event_type *type, const struct expr *where)
{
	struct feed *feed = &e->feeds[e->n_feeds++];
	struct dispatch **route = &e->routes[type_index(e, type)];

	*feed = (struct feed){
		.stream = s, .source = source, .where = where, .quick = expr_quick_new(where, type)
	};
	feed->packer = packer_of(e, &s->fields[source]);
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
	for (unsigned i = 0; i < e->n_trackers; i++)
		tracker_fini(&e->trackers[i]);
	changes_free(e->shared.changes);
	free(e->shared.began_ns);
	for (unsigned i = 0; i < e->n_feeds; i++)
		expr_quick_free(e->feeds[i].quick);
	free(e->routes);
	free(e->seen);
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

static void count_match(struct engine *e, struct feed *feed, uint64_t now_ns)
{
	feed->matched++;
	feed->last_ns = now_ns;
	e->shared.stats.matched += feed->stream->n_trackers;
}

static struct packed_key pack(struct errands *all, const struct feed *feed, const struct event *ev)
{
	const struct stream *s = feed->stream;
	struct packed_key key = { .at = all->keys_len };
	unsigned char *at = &all->keys[key.at];

	key.len = (unsigned)key_pack(&s->fields[feed->source], ev, at);
	memset(at + key.len, 0, 8);
	key.hash = stream_hash(s, at, key.len);
	all->keys_len += (key.len + 7) / 8 * 8;
	return key;
}

/* Streams that take their key from the same fields share it. */
static struct packed_key get_key(struct errands *all, const struct feed *feed,
				 const struct event *ev)
{
	unsigned packer = feed->packer;

	if (packer >= PACKERS_MAX)
		return pack(all, feed, ev);
	if (all->packed_of[packer] != ev) {
		all->packed[packer] = pack(all, feed, ev);
		all->packed_of[packer] = ev;
	}
	return all->packed[packer];
}

static void look_ahead(struct errands *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct errand *errand = &all->list[i];
		const struct stream *s = errand->feed->stream;

		if (s->windowed)
			errand->number = keytable_guess(&s->keys, errand->key.hash);
	}
}

static void run_errand(struct errands *all, const struct errand *errand)
{
	struct stream *s = errand->feed->stream;

	if (s->windowed)
		stream_take(s, errand->feed->source, errand->event, &all->keys[errand->key.at],
			    errand->key.len, errand->key.hash, errand->number);
	else
		stream_take_point(s, errand->event);
}

static void run_measured(struct engine *e, const struct errand *errand)
{
	uint64_t from_ns = e->shared.conf.cost_clock();

	run_errand(&e->errands, errand);
	errand->feed->cost_ns += (e->shared.conf.cost_clock() - from_ns) * COST_SAMPLE;
	e->until_sample = COST_SAMPLE;
}

/* Passes 2 and 3. */
static void run_errands(struct engine *e)
{
	struct errands *all = &e->errands;
	bool measured = e->shared.conf.cost_clock != NULL;

	if (all->n > 1)
		look_ahead(all);
	for (unsigned i = 0; i < all->n; i++) {
		if (measured && --e->until_sample == 0)
			run_measured(e, &all->list[i]);
		else
			run_errand(all, &all->list[i]);
	}
	all->n = 0;
	all->keys_len = 0;
	memset(all->packed_of, 0, sizeof(all->packed_of));
}

static void add_errand(struct engine *e, struct feed *feed, const struct event *ev)
{
	struct errands *all = &e->errands;
	struct errand *errand;

	if (all->n == ERRANDS_MAX || all->keys_len + KEY_BYTES_MAX + 8 > KEYS_BYTES_MAX)
		run_errands(e);
	errand = &all->list[all->n++];
	errand->event = ev;
	errand->feed = feed;
	errand->number = KEYTABLE_NONE;
	if (!feed->stream->windowed)
		return;
	errand->key = get_key(all, feed, ev);
	keytable_prefetch(&feed->stream->keys, errand->key.hash);
}

static void add_errands(struct engine *e, const struct event *ev)
{
	unsigned type = type_index(e, ev->type), n;
	struct dispatch *route = e->routes[type];
	uint64_t now_ns = event_time_ns(ev);
	struct feed *const *feeds;

	if (!e->began)
		begin(e, now_ns);
	e->shared.stats.events++;
	e->seen[type].events++;
	e->seen[type].last_ns = now_ns;
	if (!route)
		return;
	feeds = dispatch_find(route, ev, &n);
	for (unsigned i = 0; i < n; i++) {
		if (!expr_quick_match(feeds[i]->quick, ev))
			continue;
		count_match(e, feeds[i], now_ns);
		add_errand(e, feeds[i], ev);
	}
}

void engine_feed(struct engine *e, const struct event *ev)
{
	add_errands(e, ev);
	run_errands(e);
}

void engine_feed_batch(struct engine *e, const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_errands(e, &events[i]);
		if ((i + 1) % BATCH_EVENTS == 0)
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

const struct engine_stats *engine_stats(const struct engine *e)
{
	return &e->shared.stats;
}

const struct engine_rule_stats *engine_rule_stats(const struct engine *e, unsigned rule)
{
	return &e->trackers[rule].stats;
}
