/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that a command is to use. */
#ifndef CLI_RULE_ARGS_H
#define CLI_RULE_ARGS_H

#include <stdio.h>

#include "daemon/rule_files.h"

#define LOCAL_RULES "/etc/kernelsight/rules.d"

/* Without -r: the rules of this machine or, where there are none, those that come along. For
 * *ret_error see rule_files_add(). */
bool rule_args_default(struct rule_files *files, char **ret_error);

/* Compiles them, prints every mistake and warning to `messages`, and returns NULL if there was a
 * mistake. */
struct rule_set *rule_args_load_to(const struct rule_files *files, FILE *messages);
/* The same, with standard error. */
struct rule_set *rule_args_load(const struct rule_files *files);

/* The number of --max-keys, from 1 to 100,000,000; false if it is none. */
bool parse_max_keys(const char *text, unsigned *ret_keys);

#endif
