/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that a command is to use. */
#ifndef CLI_RULE_ARGS_H
#define CLI_RULE_ARGS_H

#include <stdio.h>

#include "cli/options.h"
#include "daemon/rule_files.h"

#define LOCAL_RULES "/etc/kernelsight/rules.d"

/* What -r named. */
struct rule_args {
	struct rule_files files;
	bool named; /* there was one */
};

/* Read function of -r. */
char *option_rules(const char *path, void *rule_args);
/*
 * After the options: without -r takes the rules of this machine or, where there are none, those that come
 * along. Returns NULL, or for the caller to free what is wrong: a file cannot be read, -r named none.
 */
char *rule_args_complete(struct rule_args *args);
/* Also for one that holds nothing. */
void rule_args_fini(struct rule_args *args);

/* Compiles them, prints every mistake and warning to `messages`, and returns NULL if there was a
 * mistake. */
struct rule_set *rule_args_load_to(const struct rule_files *files, FILE *messages);
/* The same, with standard error. */
struct rule_set *rule_args_load(const struct rule_files *files);

/* Read function of --max-keys, a number from 1 to 100,000,000 into an unsigned. */
char *option_max_keys(const char *text, void *target);

#endif
