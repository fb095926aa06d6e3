/* SPDX-License-Identifier: BSD-2-Clause */
/* What is right with rules by themselves, but not with the alerts they will make. */
#ifndef DAEMON_RULE_CHECK_H
#define DAEMON_RULE_CHECK_H

#include "rule/rule_load.h"

/*
 * Adds an error for each {{path}} in a summary, an argument or a body that alerts of the rule (of a
 * hook: of some rule that uses it) do not have, and for each body that should be JSON and is not.
 * files are those that rule_load() made the set of.
 */
void rule_check_templates(const struct rule_set *set, const struct rule_file *files, unsigned n,
			  struct diags *d);

/* Adds a warning at a path in a rule, such as "on" or "with/on". */
void rule_check_warn(const struct rule_set *set, const struct rule_file *files, unsigned rule,
		     const char *path, const char *message, struct diags *d);

#endif
