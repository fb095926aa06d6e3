/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program of an exec hook is given: its arguments and its environment. */
#ifndef HOOK_EXEC_ARGS_H
#define HOOK_EXEC_ARGS_H

#include "engine/alert.h"

/* Ends with NULL, as execve(2) wants it. {0} is an empty list. Owns the texts. */
struct strings {
	char **list;
	unsigned n;
};

void strings_fini(struct strings *s);

/* Adds the whole environment; the names are in hooks/README.md. */
void exec_env(const struct alert *a, struct strings *env);

/*
 * Adds the rendered arguments. NULL, or a message that the caller frees if one cannot be rendered:
 * a program must not run with half of what it was told.
 */
char *exec_argv(const struct hook_conf *conf, const struct alert *a, struct strings *argv);

#endif
