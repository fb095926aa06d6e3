/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/rule_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/rule_check.h"
#include "daemon/shipped_rules.h"

char *option_rules(const char *path, void *rule_args)
{
	struct rule_args *args = rule_args;
	char *error = NULL;

	args->named = true;
	(void)rule_files_add(&args->files, path, &error);
	return error;
}

char *rule_args_complete(struct rule_args *args)
{
	char *error = NULL;

	if (args->named)
		return args->files.n ? NULL : xstrdup("no *.json in the directory of -r");
	if (access(LOCAL_RULES, F_OK) == 0 && !rule_files_add(&args->files, LOCAL_RULES, &error))
		return error;
	if (args->files.n == 0)
		shipped_rules_add(&args->files);
	return NULL;
}

void rule_args_fini(struct rule_args *args)
{
	rule_files_fini(&args->files);
}

struct rule_set *rule_args_load_to(const struct rule_files *files, FILE *messages)
{
	struct diags *diags = diags_new();
	struct rule_set *set = rule_load(files->files, files->n, diags);

	if (set)
		rule_check_templates(set, files->files, files->n, diags);
	if (diags_errors(diags)) {
		rule_set_free(set);
		set = NULL;
	}
	diags_print(diags, messages);
	diags_free(diags);
	return set;
}

struct rule_set *rule_args_load(const struct rule_files *files)
{
	return rule_args_load_to(files, stderr);
}

char *option_max_keys(const char *text, void *target)
{
	uint64_t n;
	char *error = option_number(text, 1, 100000000, &n);

	*(unsigned *)target = (unsigned)n;
	return error;
}
