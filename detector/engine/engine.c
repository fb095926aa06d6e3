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

#include "engine/engine_parts.h"
#include "rule/expr_quick.h"

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
	engine_lay_out(e);
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
