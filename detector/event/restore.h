/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other way of derive.h: derived fields back into the members they are computed from. By name,
 * for the DERIVED fields of bpf/events.def of which that is possible; the others are computed again.
 */
#ifndef EVENT_RESTORE_H
#define EVENT_RESTORE_H

#include "event/event.h"

#define RESTORE_FROM_MAX 3

/* What is at hand when a field is put back. */
struct restoring {
	const struct event_type *type;
	void *record; /* its other members are set already */
	int64_t wall_offset_ns;
	const struct field *from[RESTORE_FROM_MAX]; /* as named in struct restore */
	bool given[RESTORE_FROM_MAX]; /* is the field that from[] names given by itself? */
};

struct restore {
	const char *name;
	/* The fields, shown or hidden, that it sets: where all are given, it is not called. NULL: no
	 * more. */
	const char *from[RESTORE_FROM_MAX];
	/* False if no record has that value. */
	bool (*put)(const struct value *v, const struct restoring *r);
};

/* In the order in which they have to be put back. */
const struct restore *restore_table(unsigned *ret_n);

#endif
