/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/rule_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static bool fail(const char *path, const char *why, char **ret_error)
{
	*ret_error = xasprintf("%s: %s", path, why);
	return false;
}

/* Goes by what comes and not by the size, so that pipes work too. */
static bool read_all(int fd, const char *path, struct buf *out, char **ret_error)
{
	char block[16384];
	ssize_t n;

	do {
		n = read(fd, block, sizeof(block));
		if (n > 0)
			buf_add(out, block, (size_t)n);
		else if (n < 0 && errno != EINTR)
			return fail(path, strerror(errno), ret_error);
		if (out->len > RULE_FILE_MAX_BYTES)
			return fail(path, "larger than 4 MiB", ret_error);
	} while (n != 0);
	return true;
}

static bool add_file(struct rule_files *f, const char *path, char **ret_error)
{
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(buf_fini) struct buf text = { 0 };
	size_t len;

	if (fd < 0)
		return fail(path, strerror(errno), ret_error);
	if (!read_all(fd, path, &text, ret_error))
		return false;
	len = text.len;
	f->files = xrealloc(f->files, f->n + 1, sizeof(*f->files));
	f->files[f->n++] =
		(struct rule_file){ .name = xstrdup(path), .text = buf_steal(&text), .len = len };
	return true;
}

static int is_rule_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && strcmp(entry->d_name, "schema.json") != 0 && len > 5 &&
	       strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int byte_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_directory(struct rule_files *f, const char *path, char **ret_error)
{
	const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
	struct dirent **entries;
	int n = scandir(path, &entries, is_rule_file, byte_order);
	bool ok = true;

	if (n < 0)
		return fail(path, strerror(errno), ret_error);
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *file = xasprintf("%s%s%s", path, slash, entries[i]->d_name);

		ok = ok && add_file(f, file, ret_error);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

bool rule_files_add(struct rule_files *f, const char *path, char **ret_error)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(path, strerror(errno), ret_error);
	return S_ISDIR(st.st_mode) ? add_directory(f, path, ret_error)
				   : add_file(f, path, ret_error);
}

void rule_files_fini(struct rule_files *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		free((char *)f->files[i].name);
		free((char *)f->files[i].text);
	}
	free(f->files);
	*f = (struct rule_files){ 0 };
}
