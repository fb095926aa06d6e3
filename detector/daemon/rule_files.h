/* SPDX-License-Identifier: BSD-2-Clause */
/* Rule files from disk into memory. */
#ifndef DAEMON_RULE_FILES_H
#define DAEMON_RULE_FILES_H

#include "rule/rule_load.h"

#define RULE_FILE_MAX_BYTES (4 << 20)

struct rule_files {
	struct rule_file *files; /* names and texts are owned */
	unsigned n;
};

/*
 * Adds the file at path, or of a directory its *.json but schema.json and those with a dot in front,
 * in byte order of names. False if something cannot be read or is too large; then *ret_error is "PATH: why",
 * which the caller frees, and what was read before is still there.
 */
bool rule_files_add(struct rule_files *f, const char *path, char **ret_error);
/* Also for one that holds nothing. */
void rule_files_fini(struct rule_files *f);

#endif
