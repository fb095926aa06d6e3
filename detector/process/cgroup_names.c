/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/cgroup_names.h"

#include <string.h>

#define ID_LEN	 64
#define TASK_LEN 32 /* of a Fargate task's id */

/* One name of a path. */
struct name {
	const char *text;
	size_t len;
};

static bool ends_with(struct name n, const char *suffix)
{
	size_t len = strlen(suffix);

	return n.len > len && memcmp(n.text + n.len - len, suffix, len) == 0;
}

static size_t count_of(struct name n, const char *set)
{
	size_t count = 0;

	while (count < n.len && n.text[count] && strchr(set, n.text[count]))
		count++;
	return count;
}

static size_t hex_digits(struct name n)
{
	return count_of(n, "0123456789abcdef");
}

static bool is_fargate_task(struct name n)
{
	struct name rest = { n.text + TASK_LEN + 1, n.len - TASK_LEN - 1 };

	return n.len > TASK_LEN + 1 && hex_digits(n) == TASK_LEN && n.text[TASK_LEN] == '-' &&
	       count_of(rest, "0123456789") == rest.len;
}

/* What stands behind the last '-' or ':'. */
static struct name last_part(struct name n)
{
	size_t at = n.len;

	while (at > 0 && n.text[at - 1] != '-' && n.text[at - 1] != ':')
		at--;
	return (struct name){ n.text + at, n.len - at };
}

static struct name id_in(struct name n)
{
	struct name id;

	if (is_fargate_task(n))
		return n;
	if (ends_with(n, ".scope"))
		n.len -= strlen(".scope");
	id = last_part(n);
	if (id.len != ID_LEN || hex_digits(id) != ID_LEN ||
	    memmem(n.text, n.len, "conmon", strlen("conmon")))
		return (struct name){ 0 };
	return id;
}

const char *cgroup_container_id(const char *path, size_t *ret_len)
{
	size_t end = strlen(path);

	while (end > 0) {
		size_t start = end;
		struct name id;

		while (start > 0 && path[start - 1] != '/')
			start--;
		id = id_in((struct name){ path + start, end - start });
		if (id.len) {
			*ret_len = id.len;
			return id.text;
		}
		end = start > 0 ? start - 1 : 0;
	}
	return NULL;
}

/* The types of unit that have processes. */
static bool is_unit(struct name n)
{
	return ends_with(n, ".service") || ends_with(n, ".scope") || ends_with(n, ".socket") ||
	       ends_with(n, ".mount") || ends_with(n, ".swap");
}

const char *cgroup_unit(const char *path, size_t *ret_len)
{
	while (*path == '/') {
		struct name n = { path + 1, strcspn(path + 1, "/") };

		path = n.text + n.len;
		if (ends_with(n, ".slice"))
			continue;
		if (!is_unit(n))
			return NULL;
		if (n.text[0] == '_') { /* put there by systemd where the kernel has such a file */
			n.text++;
			n.len--;
		}
		*ret_len = n.len;
		return n.text;
	}
	return NULL;
}
