/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/rule_doubt_text.h"

#include <string.h>

#define CONTAINER_ID_DIGITS 64

typedef char *doubt_fn(const struct expr_literal *l);

/* Names of processes, users, devices and the like have no stars. */
static char *doubt_star(const struct expr_literal *l)
{
	if (!memchr(l->text, '*', l->len))
		return NULL;
	return xasprintf("\"*\" stands for itself here; for a pattern write like '%s'", l->text);
}

/* The last name of what may be a path. */
static const char *last_name(const char *text)
{
	const char *slash = strrchr(text, '/');

	return slash ? slash + 1 : text;
}

static char *doubt_path(const struct expr_literal *l)
{
	char *star = doubt_star(l);

	if (star || l->text[0] == '/' || l->len == 0)
		return star;
	return xasprintf("%s is a whole path; for its end write like '*/%s'", l->f->name,
			 last_name(l->text));
}

static char *doubt_unit(const struct expr_literal *l)
{
	char *star = doubt_star(l);

	if (star || memchr(l->text, '.', l->len) || l->len == 0)
		return star;
	return xasprintf("a unit of systemd has its kind in its name: '%s.service'", l->text);
}

static char *doubt_container(const struct expr_literal *l)
{
	char *star = doubt_star(l);

	if (star || l->len == CONTAINER_ID_DIGITS || l->len == 0)
		return star;
	return xasprintf("container_id has %d digits; for the first of them write like '%s*'",
			 CONTAINER_ID_DIGITS, l->text);
}

static char *doubt_device(const struct expr_literal *l)
{
	char *star = doubt_star(l);

	if (star || strncmp(l->text, "/dev/", strlen("/dev/")) != 0)
		return star;
	return xasprintf("a device has no /dev/ in its name here: '%s'", last_name(l->text));
}

/* From other languages: "any text" in SQL. */
static char *doubt_glob(const struct expr_literal *l)
{
	if (strpbrk(l->text, "*?[") || !strchr(l->text, '%'))
		return NULL;
	return xasprintf("%% stands for itself in a glob; any text is *");
}

char *doubt_of_text(const struct expr_literal *l)
{
	static const struct {
		const char *field;
		doubt_fn *fn;
	} doubts[] = {
		{ "comm", doubt_star },	    { "parent_comm", doubt_star },
		{ "user", doubt_star },	    { "exe", doubt_path },
		{ "cgroup", doubt_path },   { "unit", doubt_unit },
		{ "device", doubt_device }, { "container_id", doubt_container },
	};

	if (l->glob)
		return doubt_glob(l);
	for (size_t i = 0; i < ARRAY_SIZE(doubts); i++)
		if (strcmp(l->f->name, doubts[i].field) == 0)
			return doubts[i].fn(l);
	return NULL;
}
