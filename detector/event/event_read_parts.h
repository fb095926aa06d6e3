/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files that read an event from JSON; of no use to others. */
#ifndef EVENT_EVENT_READ_PARTS_H
#define EVENT_EVENT_READ_PARTS_H

#include "event/event_plan.h"
#include "event/event_read.h"

struct event_reader {
	struct plan *plans; /* one for each of event_types() */
	struct known_processes *processes;
	/* of the last event: a field that is none of its few texts, and where that stands */
	const struct slot *odd;
	const char *odd_at;
	const struct event_type *odd_type;
	/* what the last event said of its process, if that is news */
	bool news;
	struct process_id id;
	struct buf texts[8]; /* in the order of process_texts */
};

/* An object being read. */
struct reading {
	struct event_reader *r;
	const struct plan *plan;
	const struct event_type *type;
	int64_t wall_offset_ns;
	void *record;
	struct event_read_error *error;
	bool given[SLOTS_MAX + 1]; /* and false for NO_SLOT */
	uint64_t restores;	   /* rows of restore_table() to be done */
	struct json_member to_restore[RESTORE_MAX];
	bool has_texts;
};

/* event_read_fail.c: these say what is wrong, and where in the text; all return false. */
bool PRINTF(3, 4) read_fail(struct reading *x, const char *at, const char *fmt, ...);
/* The value is not what is expected: "a string". */
bool fail_type(struct reading *x, const struct json_member *m, const char *expected);
/* It is no whole number from 0, or from -max - 1, to max. */
bool fail_whole(struct reading *x, const struct json_member *m, uint64_t max);
bool fail_signed(struct reading *x, const struct json_member *m, int64_t max);
/* No event has that text in the field: which one was meant, or could be. */
bool fail_value(struct reading *x, const struct slot *s, const char *at, const char *text,
		size_t len);
/* No field has that key. */
bool fail_key(struct reading *x, const struct json_member *m);

/* Can events have that text in the field, of which slot->texts says something? */
bool is_possible(const struct slot *s, const char *text, size_t len);

/* event_read_values.c: a value into the member of the record that the slot is of. */
bool set_number(struct reading *x, const struct slot *s, const struct json_member *m);
bool set_text(struct reading *x, const struct slot *s, const struct json_member *m);
bool set_addr(struct reading *x, const struct slot *s, const struct json_member *m);
/* Puts derived fields back into the members that are not given. */
bool restore_all(struct reading *x);

#endif
