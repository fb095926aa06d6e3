/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/incidents.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "engine/alert_process.h"

struct incident {
	char id[ULID_LEN + 1];
	bool has_process;
	struct process_info process;
};

struct incidents {
	void *tree;		/* of struct incident by id: tsearch(3) */
	struct incident *ended; /* lent by the last call; goes with the next */
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct incident *)a)->id, ((const struct incident *)b)->id);
}

static void incident_free(void *incident)
{
	struct incident *i = incident;

	if (i && i->has_process)
		process_info_fini(&i->process);
	free(i);
}

struct incidents *incidents_new(void)
{
	return xcalloc(1, sizeof(struct incidents));
}

void incidents_free(struct incidents *all)
{
	if (!all)
		return;
	tdestroy(all->tree, incident_free);
	incident_free(all->ended);
	free(all);
}

static struct incident *find_or_add(struct incidents *all, const struct transition *t)
{
	struct incident key, *i;
	struct incident *const *found;

	memcpy(key.id, t->incident, sizeof(key.id));
	found = tfind(&key, &all->tree, compare);
	if (found)
		return *found;
	i = xcalloc(1, sizeof(*i));
	memcpy(i->id, t->incident, sizeof(i->id));
	i->has_process = t->event.type && process_of_event(&t->event, &i->process);
	(void)tsearch(i, &all->tree, compare);
	return i;
}

const struct process_info *incidents_process(struct incidents *all, const struct transition *t)
{
	struct incident *i = find_or_add(all, t);

	incident_free(all->ended);
	all->ended = NULL;
	if (t->state == ALERT_RESOLVED) {
		(void)tdelete(i, &all->tree, compare);
		all->ended = i;
	}
	return i->has_process ? &i->process : NULL;
}
