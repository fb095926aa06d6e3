/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of processes, by identity (pid and start time), where it comes with the events themselves: from captures
 * and tests. Bounded: of more than KNOWN_PROCESSES_MAX processes the one put in first is forgotten.
 */
#ifndef EVENT_KNOWN_PROCESSES_H
#define EVENT_KNOWN_PROCESSES_H

#include "event/event.h"

#define KNOWN_PROCESSES_MAX 65536

/* The texts of a struct process, by the names that fields and captures have for them. */
struct process_text {
	const char *name;
	size_t offset; /* of the const char * in struct process */
};
extern const struct process_text process_texts[];
extern const unsigned process_texts_n;

/* The text of that name; NULL if there is none. */
const struct process_text *process_text_find(const char *name, size_t len);

static inline const char **process_text_of(struct process *p, const struct process_text *t)
{
	return (const char **)((char *)p + t->offset);
}

struct known_processes; /* opaque */

struct known_processes *known_processes_new(void);
/* NULL is fine. */
void known_processes_free(struct known_processes *t);

/* Does the table have just these texts for that process already? */
bool known_processes_has(struct known_processes *t, const struct process_id *id,
			 const struct process *p);
/* Copies the texts, in place of those it had. */
void known_processes_put(struct known_processes *t, const struct process_id *id,
			 const struct process *p);

/* For struct event. What it finds lasts until the next known_processes_put(). */
struct process_lookup *known_processes_lookup(struct known_processes *t);

#endif
