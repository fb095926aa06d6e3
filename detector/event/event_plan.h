/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys that an event of one type may have as JSON, and what each is read into. Objects come with
 * their keys in the order of the plan, so the slot behind the last one is tried first.
 */
#ifndef EVENT_EVENT_PLAN_H
#define EVENT_EVENT_PLAN_H

#include "event/known_processes.h"
#include "event/restore.h"
#include "util/json_line.h"

#define SLOTS_MAX   128 /* keys of one event */
#define RESTORE_MAX 64	/* rows of restore_table() */
#define NO_SLOT	    SLOTS_MAX

struct slot {
	const char *name;
	size_t name_len;
	char *written; /* "name": as it mostly stands in the text */
	const struct field *f;
	const char *const *texts;	 /* event_field_texts() */
	const struct process_text *text; /* it is one about the process */
	unsigned from[RESTORE_FROM_MAX]; /* the slots its restore sets; NO_SLOT */
	int restore;			 /* row of restore_table(); -1: none */
};

struct plan {
	struct slot slots[SLOTS_MAX];
	unsigned n;
	unsigned slot_of[RESTORE_MAX]; /* of the field that a row of restore_table() puts back */
};

/* Lists the fields of the type, shown or hidden, in an empty plan. The slots that a restore sets are
 * found by the names of members, those of scaled ones too. */
void plan_init(struct plan *plan, const struct event_type *type);
void plan_fini(struct plan *plan);
/* The slot of a key, looked for from `from` on; NO_SLOT if there is none. */
unsigned plan_find(const struct plan *plan, const struct json_member *m, unsigned from);

#endif
