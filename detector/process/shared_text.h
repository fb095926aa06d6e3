/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts that many processes have: counted references, and how many bytes all of them take. Of each
 * path of a cgroup there is one.
 */
#ifndef PROCESS_SHARED_TEXT_H
#define PROCESS_SHARED_TEXT_H

#include "util/base.h"

#define CGROUP_BUCKETS 256

struct text {
	unsigned refs;
	size_t size; /* of all of it */
	char s[];
};

struct cgroup {
	struct cgroup *next; /* in its bucket */
	unsigned refs;
	size_t size; /* of it and its texts */
	char *path;
	char *container_id;
	char *unit;
};

/* All 0: there are none. */
struct shared_texts {
	size_t bytes;
	struct cgroup *cgroups[CGROUP_BUCKETS];
};

/* With one reference, the caller's. */
struct text *text_new(struct shared_texts *all, const char *s, size_t len);
/* NULL is fine for these two. */
struct text *text_ref(struct text *t);
void text_unref(struct shared_texts *all, struct text *t);
/* Puts a text, whose reference it takes, in the place of another one. */
void text_set(struct shared_texts *all, struct text **at, struct text *t);

/* The one of that path, with one more reference, the caller's. */
struct cgroup *cgroup_get(struct shared_texts *all, const char *path);
/* NULL is fine. */
void cgroup_unref(struct shared_texts *all, struct cgroup *g);

#endif
