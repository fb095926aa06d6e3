/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events from JSON: what event_write.h writes, the output of `kernelsight events`, or lines written
 * by hand, with any of the fields in any order. A derived field is put back into the members it
 * comes from (restore.h) where those are not given, and else not looked at. Texts about the process
 * (struct process) are kept with its identity and given back through event.processes.
 */
#ifndef EVENT_EVENT_READ_H
#define EVENT_EVENT_READ_H

#include "event/known_processes.h"
#include "util/json_line.h"

#define EVENT_READ_MESSAGE_MAX 240

struct event_read_error {
	const char *at; /* in the text */
	char message[EVENT_READ_MESSAGE_MAX];
};

struct event_reader; /* opaque */

struct event_reader *event_reader_new(void);
/* NULL is fine. */
void event_reader_free(struct event_reader *r);

/*
 * Reads the members that are left of an object into a record (of type->record_size bytes) which
 * holds what is not given. "on" is passed over. Wall-clock times become CLOCK_MONOTONIC by
 * wall_offset_ns. Texts about the process wait for event_reader_processes_put(). False, with the
 * first thing that is wrong in *ret_error: a key that is no field, or is there twice; a value that
 * is none of the field's; fields that contradict each other.
 */
bool event_read(struct event_reader *r, const struct event_type *type, int64_t wall_offset_ns,
		struct json_line *line, void *record, struct event_read_error *ret_error);

/* Has the last event that was read, into that record, a text that no event of its type has in that
 * field (event_field_texts())? Then *ret_error says so: of a test it is a mistake, a capture may be of
 * another version. The text it was read from must still be there. */
bool event_reader_odd_text(const struct event_reader *r, const void *record,
			   struct event_read_error *ret_error);

/* What is known of the processes, for struct event. */
struct known_processes *event_reader_processes(const struct event_reader *r);
/* Did the last event bring texts about its process that differ from what is known of it? Then they
 * take its place with the next call of event_reader_processes_put(). */
bool event_reader_news(const struct event_reader *r);
void event_reader_processes_put(struct event_reader *r);

#endif
