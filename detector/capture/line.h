/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of a capture, or of an event stream without a header, as a call to the engine. */
#ifndef CAPTURE_LINE_H
#define CAPTURE_LINE_H

#include "capture/format.h"
#include "event/event_read.h"

enum entry_kind {
	ENTRY_EVENT,
	ENTRY_TICK,
	ENTRY_LOSS,
	ENTRY_RULES,   /* the rules were read again */
	ENTRY_NOTHING, /* a line that only says something about those after it */
	ENTRY_END,
};

struct capture_entry {
	enum entry_kind kind;
	struct event event;	       /* EVENT */
	uint64_t now_ns;	       /* TICK, LOSS, RULES: CLOCK_MONOTONIC */
	int64_t wall_offset_ns;	       /* TICK, RULES */
	const struct event_type *type; /* LOSS */
	uint64_t lost;		       /* LOSS */
	uint64_t rules;		       /* RULES: digest of the new ones */
	uint64_t events;	       /* END: how many the capture has */
	/*
	 * It changes what is known of a process: what was read before must be evaluated before
	 * line_reader_go_on() lets that change.
	 */
	bool news;
};

struct line_reader; /* opaque */

/* fallback: the type of events that do not say one in "on"; NULL: they must. */
struct line_reader *line_reader_new(const struct event_type *fallback);
/* NULL is fine. */
void line_reader_free(struct line_reader *r);

/* What the header says of the clock; without one events have their wall-clock times. */
void line_reader_clock(struct line_reader *r, int64_t wall_offset_ns);

/* Reads a line without its end into *ret_entry; an event goes to record, which has room for any. */
bool line_read(struct line_reader *r, const char *text, size_t len, void *record,
	       struct capture_entry *ret_entry, struct event_read_error *ret_error);
/* After an event: has it a text that none of its type has? As event_reader_odd_text(). */
bool line_has_odd_text(const struct line_reader *r, const void *record,
		       struct event_read_error *ret_error);
void line_reader_go_on(struct line_reader *r);

#endif
