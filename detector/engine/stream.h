/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules that see the same events under the same keys, and what they share: one table of keys, one
 * condition, and one window for each different measure. In an entry of the table stand
 *
 *	struct keyed | cells: one for each different term and window
 *
 * so that what an event touches lies together; apart from it the marks, one for each rule. Streams whose
 * keys are of the same fields share a directory of them. A rule on single events has a stream of its
 * own, in which only the keys are that its alert is pending or firing for.
 */
#ifndef ENGINE_STREAM_H
#define ENGINE_STREAM_H

#include "engine/changes.h"
#include "engine/key.h"
#include "engine/keytable.h"
#include "stats/tally.h"
#include "stats/window.h"

#define STREAM_SOURCES 2

struct key_group;
struct tracker;

/* An event on its way into streams. */
struct arrival {
	const struct event *ev;
	struct moment m;    /* its time */
	uint64_t middle_ns; /* event_middle_ns(): where windows put it */
};

struct arrival arrival_of(const struct event *ev);

/* A term over a window: a struct tally in the entry if it only counts, else a pointer to a struct
 * window. */
struct cell {
	const struct term *term;
	const struct expr *where; /* that of the term */
	unsigned source;	  /* the same */
	bool counts;		  /* a tally */
	size_t at;		  /* offset in the entry */
	struct grid *grid;	  /* one for all cells of a length; of the stream */
	const struct cell *heir;  /* once other rules take over: where its windows go */
	uint64_t calm;		  /* a tally: with so many, no rule has anything to do on arrival */
};

struct stream {
	struct engine_shared *shared; /* borrowed */
	const struct rule *rule;      /* one of them: they agree in on, where, by and with */
	bool windowed;
	struct key_fields fields[STREAM_SOURCES];
	struct key_group *group; /* the engine's */
	struct keytable keys;
	struct cell *cells;
	unsigned n_cells;
	struct grid **grids;
	unsigned n_grids;
	struct tracker **trackers;
	unsigned n_trackers;
	/*
	 * All rules are judged on arrival and by tallies. Then an event is only counted, as long as
	 * no tally of its key is beyond what its rules say is calm for them (tracker.calm), all rules
	 * know the key and none keeps a series for it (keyed.settled).
	 */
	bool by_tallies;
	uint64_t calm_until_ns; /* the least of tracker.calm_until_ns; 0 unless by_tallies */
	uint64_t tick_ns;	/* of the latest tick: all windows have heard of it */
	uint32_t swept;		/* entries below are looked at for what can be forgotten */
};

/* What a rule knows of a key, apart from the entry. */
struct mark {
	struct series *series; /* NULL: nothing worth it */
	uint32_t listed;       /* place in one of the tracker's lists + 1; 0: in none */
	bool known;
	bool idle; /* it is the list of idle ones */
};

/* An entry has room for all rules of its stream. */
#define STREAM_TRACKERS_MAX 64

/* May these two rules be in one stream? */
bool stream_shared_by(const struct rule *a, const struct rule *b);
/* Equal for rules that may. */
uint64_t stream_class(const struct rule *rule);

/* For the rule of the first tracker. */
struct stream *stream_new(struct engine_shared *shared, const struct rule *rule);
void stream_free(struct stream *s);

/* Adds a tracker and the cells it needs; not after stream_start(). */
void stream_join(struct stream *s, struct tracker *t);
/* May these two be in one directory: do they take their keys from the same fields? */
bool stream_same_keys(const struct stream *a, const struct stream *b);
size_t stream_key_max(const struct stream *s);
/* All have joined. place: among the streams of the directory, which is borrowed. */
void stream_start(struct stream *s, struct directory *directory, unsigned place);

/* Some tracker's calm or calm_until_ns is another. */
void stream_look_again(struct stream *s);

/* The latest time that the windows of the key have heard of; they never slide back. */
static inline uint64_t stream_heard_ns(const struct stream *s, const struct keyed *k,
				       uint64_t now_ns)
{
	uint64_t latest_ns = k->last_ns > s->tick_ns ? k->last_ns : s->tick_ns;

	return now_ns > latest_ns ? now_ns : latest_ns;
}

static inline bool cell_is_for(const struct cell *c, unsigned source, const struct arrival *a)
{
	return c->source == source && (!c->where || expr_match(c->where, a->ev));
}

/* Counts a point in all tallies that it is for. True if no rule has anything to do about it. */
static inline bool stream_count(const struct stream *s, unsigned source, const struct arrival *a,
				struct keyed *k)
{
	const struct cell *end = s->cells + s->n_cells;
	uint64_t latest_ns = stream_heard_ns(s, k, 0);
	bool calm = latest_ns < s->calm_until_ns && k->settled;

	for (const struct cell *c = s->cells; c < end; c++) {
		struct tally *tally = (struct tally *)((unsigned char *)k + c->at);

		if (cell_is_for(c, source, a))
			calm &= tally_add(tally, c->grid, a->m.now_ns, latest_ns) <= c->calm;
	}
	return calm;
}

/* Parts of stream_take(): the windows of the key have the event; and neither they nor the rules. */
void stream_tell_rules(struct stream *s, unsigned source, const struct arrival *a, struct keyed *k);
void stream_take_whole(struct stream *s, unsigned source, const struct arrival *a, struct keyed *k);

/* With windows: takes in an event of that source that satisfies its condition. k: the entry of its
 * key, as stream_get() says it. */
static inline void stream_take(struct stream *s, unsigned source, const struct arrival *a,
			       struct keyed *k)
{
	if (a->m.now_ns > k->last_ns)
		k->last_ns = a->m.now_ns;
	if (!s->by_tallies || a->middle_ns != a->m.now_ns)
		stream_take_whole(s, source, a, k);
	else if (!stream_count(s, source, a, k))
		stream_tell_rules(s, source, a, k);
}

/* Without: the same. */
void stream_take_point(struct stream *s, const struct arrival *a);

/* A key as key_pack() gave it; lends the bytes. */
struct table_key stream_key(const struct stream *s, const unsigned char *bytes, size_t len);
/* The entry of a key; made if need be, where there is room; else NULL. */
struct keyed *stream_get(struct stream *s, const struct table_key *key);
/* Removes the entry if no rule knows the key any more. */
void stream_release(struct stream *s, struct keyed *k);

/* Before the rules have their tick. */
void stream_tick(struct stream *s, uint64_t now_ns);
/* After that: looks over a part of the keys, each once a minute, and forgets those that were silent for long. */
void stream_sweep(struct stream *s, uint64_t now_ns);

/* Moves what a cell holds of a key, unless that is nothing, to a cell of the same term and length. */
void cell_move(const struct cell *to, struct keyed *to_key, const struct cell *from,
	       struct keyed *from_key);

/* Value and samples of a cell of an entry. */
double stream_value(const struct stream *s, const struct cell *c, struct keyed *k, uint64_t now_ns);
uint64_t stream_samples(const struct stream *s, const struct cell *c, struct keyed *k,
			uint64_t now_ns);

#endif
