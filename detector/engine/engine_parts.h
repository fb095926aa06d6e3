/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of an engine: engine_layout.c lays out what leads events to streams, engine.c leads them. */
#ifndef ENGINE_ENGINE_PARTS_H
#define ENGINE_ENGINE_PARTS_H

#include "engine/dispatch.h"
#include "engine/parts.h"
#include "engine/tracker.h"

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

static inline unsigned type_index(const struct engine *e, const struct event_type *type)
{
	return (unsigned)(type - e->types);
}

static inline bool judges_events(const struct rule *rule)
{
	return rule->kind == RULE_EVENTS;
}

/* From the trackers of the rules: which of them share a stream, which streams share a directory of
 * keys, and to which feeds an event of each type may go. */
void engine_lay_out(struct engine *e);

#endif
