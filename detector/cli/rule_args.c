/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/rule_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/rule_check.h"
#include "daemon/shipped_rules.h"

bool rule_args_default(struct rule_files *files, char **ret_error)
{
	if (access(LOCAL_RULES, F_OK) == 0 && !rule_files_add(files, LOCAL_RULES, ret_error))
		return false;
	if (files->n == 0)
		shipped_rules_add(files);
	return true;
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

bool parse_max_keys(const char *text, unsigned *ret_keys)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n == 0 || n > 100000000)
		return false;
	*ret_keys = (unsigned)n;
	return true;
}
