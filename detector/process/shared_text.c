/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/shared_text.h"

#include <stdlib.h>
#include <string.h>

#include "process/cgroup_names.h"
#include "util/hash.h"

struct text *text_new(struct shared_texts *all, const char *s, size_t len)
{
	size_t size = sizeof(struct text) + len + 1;
	struct text *t = xcalloc(1, size);

	t->refs = 1;
	t->size = size;
	memcpy(t->s, s, len);
	all->bytes += size;
	return t;
}

struct text *text_ref(struct text *t)
{
	if (t)
		t->refs++;
	return t;
}

void text_unref(struct shared_texts *all, struct text *t)
{
	if (!t || --t->refs > 0)
		return;
	all->bytes -= t->size;
	free(t);
}

void text_set(struct shared_texts *all, struct text **at, struct text *t)
{
	text_unref(all, *at);
	*at = t;
}

static struct cgroup **bucket_of(struct shared_texts *all, const char *path)
{
	return &all->cgroups[hash_bytes(HASH_INIT, path, strlen(path)) % CGROUP_BUCKETS];
}

static char *part_of(const char *part, size_t len)
{
	return part ? xstrndup(part, len) : xstrdup("");
}

static struct cgroup *cgroup_new(struct shared_texts *all, const char *path)
{
	struct cgroup *g = xcalloc(1, sizeof(*g));
	size_t id_len = 0, unit_len = 0;
	const char *id = cgroup_container_id(path, &id_len);
	const char *unit = cgroup_unit(path, &unit_len);

	g->path = xstrdup(path);
	g->container_id = part_of(id, id_len);
	g->unit = part_of(unit, unit_len);
	g->size = sizeof(*g) + strlen(path) + id_len + unit_len + 3;
	all->bytes += g->size;
	return g;
}

struct cgroup *cgroup_get(struct shared_texts *all, const char *path)
{
	struct cgroup **bucket = bucket_of(all, path);
	struct cgroup *g = *bucket;

	while (g && strcmp(g->path, path) != 0)
		g = g->next;
	if (!g) {
		g = cgroup_new(all, path);
		g->next = *bucket;
		*bucket = g;
	}
	g->refs++;
	return g;
}

void cgroup_unref(struct shared_texts *all, struct cgroup *g)
{
	struct cgroup **at;

	if (!g || --g->refs > 0)
		return;
	at = bucket_of(all, g->path);
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	all->bytes -= g->size;
	free(g->path);
	free(g->container_id);
	free(g->unit);
	free(g);
}
