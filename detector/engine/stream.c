/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compute.h"
#include "engine/series.h"
#include "engine/tracker.h"
#include "util/hash.h"

/* Each key is looked at once in so many ticks for whether it can be forgotten; few keys each time. */
#define SWEEP_TICKS 60
#define SWEEP_LEAST 4096

static bool same_fields(const struct field *const *a, const struct field *const *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static bool same_condition(const struct expr *a, const struct expr *b)
{
	return expr_hash(a, HASH_INIT) == expr_hash(b, HASH_INIT);
}

uint64_t stream_class(const struct rule *rule)
{
	uint64_t hash = expr_hash(rule->where, HASH_INIT);

	hash = expr_hash(rule->with_where, hash);
	for (unsigned i = 0; i < rule->n_by; i++)
		hash = hash_bytes(hash, &rule->by[i], sizeof(rule->by[i]));
	return hash_bytes(hash, &rule->on, sizeof(rule->on));
}

bool stream_shared_by(const struct rule *a, const struct rule *b)
{
	return rule_is_windowed(a) && rule_is_windowed(b) && a->on == b->on && a->with == b->with &&
	       a->n_by == b->n_by && same_fields(a->by, b->by, a->n_by) &&
	       (!a->with || same_fields(a->with_by, b->with_by, a->n_by)) &&
	       same_condition(a->where, b->where) && same_condition(a->with_where, b->with_where);
}

struct stream *stream_new(struct engine_shared *shared, const struct rule *rule)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->shared = shared;
	s->rule = rule;
	s->windowed = rule_is_windowed(rule);
	key_fields(rule, 0, &s->fields[0]);
	if (rule->with)
		key_fields(rule, 1, &s->fields[1]);
	return s;
}

static void free_cells(const struct stream *s, struct keyed *k)
{
	for (unsigned i = 0; i < s->n_cells; i++) {
		unsigned char *at = (unsigned char *)k + s->cells[i].at;

		if (s->cells[i].counts)
			tally_clear((struct tally *)at);
		else
			window_free(*(struct window **)at);
	}
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->keys.high; i++) {
		struct keyed *k = keytable_at(&s->keys, i);

		if (!keytable_used(&s->keys, i))
			continue;
		for (unsigned j = 0; j < s->n_trackers; j++)
			tracker_forget(s->trackers[j], k);
		free_cells(s, k);
	}
	keytable_fini(&s->keys);
	for (unsigned i = 0; i < s->n_grids; i++)
		free(s->grids[i]);
	free(s->grids);
	free(s->cells);
	free(s->trackers);
	free(s);
}

static struct grid *get_grid(struct stream *s, uint64_t length_ns)
{
	struct grid *g;

	for (unsigned i = 0; i < s->n_grids; i++)
		if (s->grids[i]->length_ns == length_ns)
			return s->grids[i];
	g = xcalloc(1, sizeof(*g));
	*g = grid_of(length_ns);
	s->grids = xrealloc(s->grids, s->n_grids + 1, sizeof(struct grid *));
	s->grids[s->n_grids++] = g;
	return g;
}

static bool same_term(const struct term *a, const struct term *b)
{
	return a->aggregate == b->aggregate && a->source == b->source && a->field == b->field &&
	       a->quantile == b->quantile && a->scale == b->scale &&
	       same_condition(a->where, b->where);
}

static unsigned get_cell(struct stream *s, const struct term *term, uint64_t length_ns)
{
	struct grid *g = get_grid(s, length_ns);

	for (unsigned i = 0; i < s->n_cells; i++)
		if (s->cells[i].grid == g && same_term(s->cells[i].term, term))
			return i;
	s->cells = xrealloc(s->cells, s->n_cells + 1, sizeof(*s->cells));
	s->cells[s->n_cells] = (struct cell){
		.term = term,
		.where = term->where,
		.source = term->source,
		.grid = g,
		.counts = term->aggregate == AGGREGATE_COUNT ||
			  (term->aggregate == AGGREGATE_RATE && !term->field),
	};
	return s->n_cells++;
}

void stream_join(struct stream *s, struct tracker *t)
{
	const struct when *w = &t->rule->judge;

	s->trackers = xrealloc(s->trackers, s->n_trackers + 1, sizeof(struct tracker *));
	s->trackers[s->n_trackers++] = t;
	t->stream = s;
	for (unsigned i = 0; s->windowed && i < w->n_leaves; i++)
		for (unsigned j = 0; j < w->leaves[i].value.n_terms; j++)
			t->cells[i][j] =
				get_cell(s, &w->leaves[i].value.terms[j], w->leaves[i].window_ns);
}

bool stream_same_keys(const struct stream *a, const struct stream *b)
{
	return memcmp(a->fields, b->fields, sizeof(a->fields)) == 0;
}

size_t stream_key_max(const struct stream *s)
{
	size_t key_max = key_bytes_max(&s->fields[0]), other = key_bytes_max(&s->fields[1]);

	return key_max > other ? key_max : other;
}

/* Gives the cells that count, or the others, their places in an entry; returns where they end. */
static size_t place_cells(struct stream *s, bool counts, size_t size, size_t at)
{
	for (unsigned i = 0; i < s->n_cells; i++) {
		if (s->cells[i].counts != counts)
			continue;
		s->cells[i].at = at;
		at += size;
	}
	return at;
}

void stream_start(struct stream *s, struct directory *directory, unsigned place)
{
	size_t end = place_cells(s, true, sizeof(struct tally), KEYED_BYTES);

	end = place_cells(s, false, sizeof(struct window *), (end + 7) / 8 * 8);
	keytable_init(&s->keys, s->shared->conf.max_keys, directory, place, end - KEYED_BYTES,
		      s->n_trackers * sizeof(struct mark));
	for (unsigned i = 0; i < s->n_trackers; i++)
		s->trackers[i]->place = i;
	stream_look_again(s);
}

static bool judges_by_tallies(const struct stream *s, const struct tracker *t)
{
	for (unsigned i = 0; t->on_arrival && i < t->rule->judge.n_leaves; i++)
		if (!s->cells[t->cells[i][0]].counts)
			return false;
	return t->on_arrival;
}

/* How many make the value that; one less where it may be a rounding. */
static uint64_t count_of(const struct cell *c, double value)
{
	double count = value;

	if (c->term->aggregate == AGGREGATE_RATE)
		count = value * ((double)c->grid->length_ns / (double)NS_PER_S) / c->term->scale -
			1;
	return count >= 1 ? (count < 1e18 ? (uint64_t)count : UINT64_MAX) : 0;
}

void stream_look_again(struct stream *s)
{
	s->by_tallies = s->windowed;
	s->calm_until_ns = UINT64_MAX;
	for (unsigned i = 0; i < s->n_cells; i++)
		s->cells[i].calm = UINT64_MAX;
	for (unsigned i = 0; i < s->n_trackers; i++) {
		const struct tracker *t = s->trackers[i];

		s->by_tallies &= judges_by_tallies(s, t);
		for (unsigned j = 0; s->by_tallies && j < t->rule->judge.n_leaves; j++) {
			struct cell *c = &s->cells[t->cells[j][0]];
			uint64_t calm = count_of(c, t->calm[j]);

			c->calm = calm < c->calm ? calm : c->calm;
		}
		if (t->calm_until_ns < s->calm_until_ns)
			s->calm_until_ns = t->calm_until_ns;
	}
	if (!s->by_tallies)
		s->calm_until_ns = 0;
	s->keys.apart_too = !s->by_tallies;
}

struct arrival arrival_of(const struct event *ev)
{
	return (struct arrival){
		.ev = ev,
		.m = { event_time_ns(ev), ev->wall_offset_ns },
		.middle_ns = event_middle_ns(ev),
	};
}

struct table_key stream_key(const struct stream *s, const unsigned char *bytes, size_t len)
{
	/* With the seed, nobody can choose names that all fall into one place. */
	return (struct table_key){ bytes, len, hash_keyed(s->shared->conf.hash_seed, bytes, len) };
}

static void remove_entry(struct stream *s, struct keyed *k)
{
	for (unsigned i = 0; i < s->n_trackers; i++)
		tracker_forget(s->trackers[i], k);
	free_cells(s, k);
	keytable_remove(&s->keys, k);
}

static void count_evicted(struct stream *s, struct keyed *k)
{
	for (unsigned i = 0; i < s->n_trackers; i++) {
		if (!tracker_mark(s->trackers[i], k)->known)
			continue;
		s->shared->stats.evicted++;
		s->trackers[i]->stats.evicted++;
	}
}

/* Room for one more key, made by forgetting one that was quiet for long if need be. */
static bool make_room(struct stream *s)
{
	struct keyed *quiet;

	if (s->keys.n < s->keys.max)
		return true;
	quiet = keytable_quiet(&s->keys);
	if (quiet) {
		count_evicted(s, quiet);
		remove_entry(s, quiet);
		return true;
	}
	for (unsigned i = 0; i < s->n_trackers; i++) {
		s->shared->stats.refused++;
		s->trackers[i]->stats.refused++;
	}
	return false;
}

struct keyed *stream_get(struct stream *s, const struct table_key *key)
{
	struct keyed *k = keytable_find(&s->keys, key);

	if (!k && make_room(s))
		k = keytable_add(&s->keys, key);
	return k;
}

static void add_to_window(const struct stream *s, const struct cell *c, struct window **w,
			  const struct event *ev, uint64_t at_ns, double share)
{
	const struct term *t = c->term;
	bool adds_up = t->aggregate == AGGREGATE_SUM || t->aggregate == AGGREGATE_RATE;
	struct value v;

	event_get(ev, t->field, &v);
	if (v.missing)
		return;
	if (!*w)
		*w = window_new(t->aggregate, t->quantile, c->grid->length_ns);
	(void)window_samples(*w, s->tick_ns);
	if (t->aggregate == AGGREGATE_DISTINCT)
		window_add_hash(*w, at_ns, value_hash(&v, s->shared->conf.hash_seed));
	else
		window_add(*w, at_ns, v.number * t->scale * (adds_up ? share : 1));
}

/* A sample that is longer than the window, after a late tick, brings what falls into the window. */
static void add_to_cell(const struct stream *s, const struct cell *c, struct keyed *k,
			const struct arrival *a, uint64_t latest_ns)
{
	unsigned char *at = (unsigned char *)k + c->at;
	uint64_t at_ns = a->middle_ns, half_window_ns = c->grid->length_ns / 2;
	uint64_t half_sample_ns = a->m.now_ns - at_ns;
	double share = 1;

	if (half_sample_ns > half_window_ns) {
		share = (double)half_window_ns / (double)half_sample_ns;
		at_ns = a->m.now_ns - half_window_ns;
	}
	if (c->counts)
		(void)tally_add((struct tally *)at, c->grid, at_ns, latest_ns);
	else
		add_to_window(s, c, (struct window **)at, a->ev, at_ns, share);
}

/* Puts the event into all windows that it is for. */
static void add_to_cells(const struct stream *s, struct keyed *k, unsigned source,
			 const struct arrival *a, uint64_t latest_ns)
{
	for (unsigned i = 0; i < s->n_cells; i++)
		if (cell_is_for(&s->cells[i], source, a))
			add_to_cell(s, &s->cells[i], k, a, latest_ns);
}

static bool is_settled(const struct stream *s, struct keyed *k)
{
	for (unsigned i = 0; i < s->n_trackers; i++) {
		const struct mark *mark = tracker_mark(s->trackers[i], k);

		if (!mark->known || mark->series)
			return false;
	}
	return true;
}

void stream_tell_rules(struct stream *s, unsigned source, const struct arrival *a, struct keyed *k)
{
	for (unsigned i = 0; i < s->n_trackers; i++)
		tracker_take(s->trackers[i], k, source, a->ev, &a->m);
	k->settled = s->by_tallies && is_settled(s, k);
}

void stream_take_whole(struct stream *s, unsigned source, const struct arrival *a, struct keyed *k)
{
	add_to_cells(s, k, source, a, stream_heard_ns(s, k, 0));
	stream_tell_rules(s, source, a, k);
}

void stream_take_point(struct stream *s, const struct arrival *a)
{
	struct tracker *t = s->trackers[0];
	unsigned char bytes[KEY_BYTES_MAX];
	struct table_key key;
	struct keyed *k;

	if (!tracker_minds(t, a->ev))
		return;
	key = stream_key(s, bytes, key_pack(&s->fields[0], a->ev, bytes));
	k = stream_get(s, &key);
	if (k)
		tracker_take_point(t, k, a->ev, &a->m);
}

void stream_release(struct stream *s, struct keyed *k)
{
	for (unsigned i = 0; i < s->n_trackers; i++)
		if (tracker_mark(s->trackers[i], k)->known)
			return;
	remove_entry(s, k);
}

static void sweep_entry(struct stream *s, struct keyed *k, uint64_t now_ns)
{
	for (unsigned i = 0; i < s->n_trackers; i++)
		if (tracker_can_forget(s->trackers[i], k, now_ns))
			tracker_forget(s->trackers[i], k);
	stream_release(s, k);
}

void stream_tick(struct stream *s, uint64_t now_ns)
{
	if (now_ns > s->tick_ns)
		s->tick_ns = now_ns;
}

void stream_sweep(struct stream *s, uint64_t now_ns)
{
	uint32_t n = s->keys.high / SWEEP_TICKS + SWEEP_LEAST;

	for (uint32_t i = 0; i < n && i < s->keys.high; i++) {
		s->swept = s->swept + 1 < s->keys.high ? s->swept + 1 : 0;
		if (keytable_used(&s->keys, s->swept))
			sweep_entry(s, keytable_at(&s->keys, s->swept), now_ns);
	}
}

void cell_move(const struct cell *to, struct keyed *to_key, const struct cell *from,
	       struct keyed *from_key)
{
	unsigned char *target = (unsigned char *)to_key + to->at;
	unsigned char *source = (unsigned char *)from_key + from->at;

	if (from->counts) {
		if (!tally_total((struct tally *)source))
			return;
		tally_clear((struct tally *)target);
		memcpy(target, source, sizeof(struct tally));
		memset(source, 0, sizeof(struct tally));
	} else if (*(struct window **)source) {
		window_free(*(struct window **)target);
		*(struct window **)target = *(struct window **)source;
		*(struct window **)source = NULL;
	}
}

double stream_value(const struct stream *s, const struct cell *c, struct keyed *k, uint64_t now_ns)
{
	unsigned char *at = (unsigned char *)k + c->at;
	uint64_t count;

	now_ns = stream_heard_ns(s, k, now_ns);
	if (!c->counts) {
		struct window *w = *(struct window **)at;

		return w ? window_value(w, now_ns) : window_value_of_nothing(c->term->aggregate);
	}
	count = tally_count((struct tally *)at, c->grid, now_ns);
	if (c->term->aggregate == AGGREGATE_COUNT)
		return (double)count;
	return (double)count * c->term->scale / ((double)c->grid->length_ns / (double)NS_PER_S);
}

uint64_t stream_samples(const struct stream *s, const struct cell *c, struct keyed *k,
			uint64_t now_ns)
{
	unsigned char *at = (unsigned char *)k + c->at;
	struct window *w;

	now_ns = stream_heard_ns(s, k, now_ns);
	if (c->counts)
		return tally_count((struct tally *)at, c->grid, now_ns);
	w = *(struct window **)at;
	return w ? window_samples(w, now_ns) : 0;
}
