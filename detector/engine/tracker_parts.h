/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the tracker share, and nobody else looks into:
 *
 *	tracker.c         how a rule is judged, its lists of keys, what is kept of a key
 *	tracker_take.c    an event arrives
 *	tracker_tick.c    a second has passed
 *	tracker_judge.c   what is measured of a key, the verdict, and the life of its alert
 *	tracker_report.c  what is said of the alert
 *	tracker_adopt.c   another engine takes over
 */
#ifndef ENGINE_TRACKER_PARTS_H
#define ENGINE_TRACKER_PARTS_H

#include "engine/distance.h"
#include "engine/series.h"
#include "engine/tracker.h"

static inline uint64_t at_least(uint64_t v, uint64_t least)
{
	return v > least ? v : least;
}

static inline struct keyed *tracker_entry(const struct tracker *t, uint32_t number)
{
	return keytable_at(&t->stream->keys, number);
}

/* --- tracker.c ------------------------------------------------------------------------------- */

/* Are there losses in the rule's windows? */
bool tracker_is_degraded(const struct tracker *t, uint64_t now_ns);

/* Puts the key into the list of idle or of busy ones, and out of the other. */
void tracker_enlist(struct tracker *t, struct keyed *k, bool idle);
void tracker_unlist(struct tracker *t, struct mark *mark);

/* The rule knows the key from now on, if it did not. */
void tracker_know(struct tracker *t, struct mark *mark);
/* The series of a key; made if there is none. */
struct series *tracker_need_series(struct tracker *t, struct keyed *k, uint64_t now_ns);
/* The entry of a key that the rule knows, packed; else NULL. */
struct keyed *tracker_find(struct tracker *t, const unsigned char *key, size_t len);

/* --- tracker_judge.c ------------------------------------------------------------------------- */

void tracker_read_windows(const struct tracker *t, struct keyed *k, const struct series *s,
			  uint64_t now_ns, struct reading *ret);
/* Without a window: of the latest event. */
void tracker_read_point(const struct series *s, struct reading *ret);
/* Judged on arrival: is a leaf beyond tracker.near? ret_value is that of the last one looked at. */
bool tracker_is_near(const struct tracker *t, struct keyed *k, uint64_t now_ns, double *ret_value);

/* Reads the windows of a key, and lets its alert go on by what they say. */
void tracker_judge(struct tracker *t, struct keyed *k, struct series *s, struct reading *ret,
		   const struct moment *m);
/* Lets the alert go on: does the condition hold, and does what ends it? Bit i of held: leaf i holds. */
void tracker_advance(struct tracker *t, struct keyed *k, struct series *s, bool holds, bool clears,
		     const struct reading *r, unsigned held, const struct moment *m);
/* The phase of the key's alert has changed: keyed_apart.held follows. */
void tracker_hold(const struct tracker *t, const struct keyed *k, enum phase before,
		  enum phase after);

/* Notes that a key came so near; r is the reading of leaf d->leaf. */
void tracker_note_miss(struct tracker *t, const struct distance *d, const struct leaf_reading *r,
		       const struct keyed *k, uint64_t now_ns);
/* The same of one that is packed. */
void tracker_note_miss_of(struct tracker *t, const struct distance *d, const struct leaf_reading *r,
			  const unsigned char *key, size_t len, uint64_t now_ns);

/* --- tracker_take.c -------------------------------------------------------------------------- */

/* Without a window: did nothing match for so long that it is over? Not known while events were
 * lost. */
bool tracker_gone_quiet(const struct tracker *t, const struct series *s, const struct moment *m);

/* --- tracker_report.c ------------------------------------------------------------------------ */

/* Of the tracker's rule, in its set. */
unsigned tracker_rule_index(const struct tracker *t);
/* Hands a change of the key's alert to changes_take(). */
void tracker_report(struct tracker *t, struct keyed *k, struct series *s, enum change change,
		    const struct reading *r, unsigned held, const struct moment *m);
/* Hands to changes_met() whether the condition of a firing alert is met. */
void tracker_tell_met(struct tracker *t, const struct keyed *k, const struct series *s, bool met);

#endif
