/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots in a ring, found through chains of a hash table of as many buckets. */
#include "event/known_processes.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

#define TEXT(member)                                                                               \
	{                                                                                          \
#member, offsetof(struct process, member)                                          \
	}

const struct process_text process_texts[] = {
	TEXT(exe),    TEXT(cmdline),	  TEXT(parent_comm), TEXT(user),
	TEXT(cgroup), TEXT(container_id), TEXT(unit),
};
const unsigned process_texts_n = ARRAY_SIZE(process_texts);

_Static_assert(sizeof(struct process) ==
		       sizeof(process_texts) / sizeof(process_texts[0]) * sizeof(const char *),
	       "each text of a process is carried in captures");

struct known {
	struct process_id id;
	uint32_t next;		/* in the chain; index + 1 */
	struct process process; /* texts are owned; exe is NULL in a free slot */
};

struct known_processes {
	struct process_lookup lookup; /* first: it is what is passed around */
	struct known *ring;
	uint32_t *buckets; /* index + 1 of the first in the chain */
	unsigned next;	   /* the slot to be used next */
};

const struct process_text *process_text_find(const char *name, size_t len)
{
	for (unsigned i = 0; i < process_texts_n; i++)
		if (strncmp(process_texts[i].name, name, len) == 0 &&
		    process_texts[i].name[len] == '\0')
			return &process_texts[i];
	return NULL;
}

static uint32_t *bucket_of(struct known_processes *t, const struct process_id *id)
{
	uint64_t hash = hash_bytes(HASH_INIT, &id->start_time_ns, sizeof(id->start_time_ns));

	return &t->buckets[hash_bytes(hash, &id->pid, sizeof(id->pid)) % KNOWN_PROCESSES_MAX];
}

static struct known *find(struct known_processes *t, const struct process_id *id)
{
	for (uint32_t i = *bucket_of(t, id); i; i = t->ring[i - 1].next)
		if (t->ring[i - 1].id.pid == id->pid &&
		    t->ring[i - 1].id.start_time_ns == id->start_time_ns)
			return &t->ring[i - 1];
	return NULL;
}

static const struct process *look_up(struct process_lookup *lookup, const struct event *ev)
{
	const struct process_id id = event_process_id(ev);
	const struct known *k = find((struct known_processes *)lookup, &id);

	return k ? &k->process : NULL;
}

struct known_processes *known_processes_new(void)
{
	struct known_processes *t = xcalloc(1, sizeof(*t));

	t->lookup.find = look_up;
	t->ring = xcalloc(KNOWN_PROCESSES_MAX, sizeof(*t->ring));
	t->buckets = xcalloc(KNOWN_PROCESSES_MAX, sizeof(*t->buckets));
	return t;
}

static void forget_texts(struct known *k)
{
	for (unsigned i = 0; i < process_texts_n; i++) {
		const char **text = process_text_of(&k->process, &process_texts[i]);

		free((char *)*text);
		*text = NULL;
	}
}

void known_processes_free(struct known_processes *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < KNOWN_PROCESSES_MAX; i++)
		forget_texts(&t->ring[i]);
	free(t->ring);
	free(t->buckets);
	free(t);
}

static void unlink_slot(struct known_processes *t, struct known *k)
{
	uint32_t index = (uint32_t)(k - t->ring) + 1;
	uint32_t *link = bucket_of(t, &k->id);

	while (*link != index)
		link = &t->ring[*link - 1].next;
	*link = k->next;
	forget_texts(k);
}

static struct known *add(struct known_processes *t, const struct process_id *id)
{
	struct known *k = &t->ring[t->next];
	uint32_t *bucket = bucket_of(t, id);

	if (k->process.exe)
		unlink_slot(t, k);
	*k = (struct known){ .id = *id, .next = *bucket };
	*bucket = t->next + 1;
	t->next = (t->next + 1) % KNOWN_PROCESSES_MAX;
	return k;
}

bool known_processes_has(struct known_processes *t, const struct process_id *id,
			 const struct process *p)
{
	struct known *k = find(t, id);

	for (unsigned i = 0; k && i < process_texts_n; i++)
		if (strcmp(*process_text_of(&k->process, &process_texts[i]),
			   *process_text_of((struct process *)p, &process_texts[i])) != 0)
			return false;
	return k != NULL;
}

void known_processes_put(struct known_processes *t, const struct process_id *id,
			 const struct process *p)
{
	struct known *k = find(t, id);

	if (k)
		forget_texts(k);
	else
		k = add(t, id);
	for (unsigned i = 0; i < process_texts_n; i++)
		*process_text_of(&k->process, &process_texts[i]) =
			xstrdup(*process_text_of((struct process *)p, &process_texts[i]));
}

struct process_lookup *known_processes_lookup(struct known_processes *t)
{
	return &t->lookup;
}
