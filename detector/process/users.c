/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/users.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define USERS_MAX 65536 /* those behind them in the file have no name here */

struct user {
	uint32_t uid;
	unsigned line;
	char *name;
};

struct users {
	char *path;
	struct stat read;  /* the file as it was read last */
	struct user *list; /* by uid, then by line */
	unsigned n;
};

static int compare(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static void forget(struct users *u)
{
	while (u->n > 0)
		free(u->list[--u->n].name);
	free(u->list);
	u->list = NULL;
}

static void add(struct users *u, const struct passwd *p)
{
	if ((u->n & (u->n - 1)) == 0) /* full at each power of two */
		u->list = xrealloc(u->list, u->n ? 2 * u->n : 1, sizeof(*u->list));
	u->list[u->n] = (struct user){ p->pw_uid, u->n, xstrdup(p->pw_name) };
	u->n++;
}

static void read_all(struct users *u)
{
	FILE *f = fopen(u->path, "re");
	const struct passwd *p;

	forget(u);
	while (f && u->n < USERS_MAX && (p = fgetpwent(f)))
		add(u, p);
	if (f)
		(void)fclose(f);
	if (u->n)
		qsort(u->list, u->n, sizeof(*u->list), compare);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void users_refresh(struct users *u)
{
	struct stat now;

	if (stat(u->path, &now) < 0 || same(&now, &u->read))
		return;
	u->read = now;
	read_all(u);
}

struct users *users_new(const char *path)
{
	struct users *u = xcalloc(1, sizeof(*u));

	u->path = xstrdup(path);
	users_refresh(u);
	return u;
}

void users_free(struct users *u)
{
	if (!u)
		return;
	forget(u);
	free(u->path);
	free(u);
}

const char *users_name(const struct users *u, uint32_t uid)
{
	unsigned from = 0, to = u->n;

	while (from < to) {
		unsigned middle = from + (to - from) / 2;

		if (u->list[middle].uid < uid)
			from = middle + 1;
		else
			to = middle;
	}
	return from < u->n && u->list[from].uid == uid ? u->list[from].name : "";
}
