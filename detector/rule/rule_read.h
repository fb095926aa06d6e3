/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files that read the parts of a rule file; of no use to others. */
#ifndef RULE_RULE_READ_H
#define RULE_RULE_READ_H

#include "rule/json_object.h"
#include "rule/rule.h"

#define RULES_MAX	1000 /* in all files together, as are hooks */
#define HOOKS_MAX	256
#define LABELS_MAX	32
#define LABEL_MAX	500 /* characters */
#define WHY_MAX		2000
#define SECOND_NS	NS_PER_S
#define HOUR_NS		(3600 * NS_PER_S)
#define DURATION_MAX_NS (30 * 24 * HOUR_NS)

/* What the rows of a rule read into. The rule is first, so rows that need nothing else may take
 * their target for a struct rule. */
struct rule_draft {
	struct rule rule;
	const struct rule_set *set; /* its hooks are all read */
};

/* Is it a name for a rule, hook or label: letters, digits, "_", "." and "-", at most RULE_NAME_MAX?
 * Reports any other; name is the text of the node or its key. */
bool name_is_valid(const struct node *n, const char *name);

/* A text with {{path}} in it; NULL and a message if it is none. The caller frees it. */
struct template *read_template(const struct node *n);

/* Rows that read into a rule. */
void read_when(const struct node *n, void *rule);  /* needs on */
void read_clear(const struct node *n, void *rule); /* needs on and when */
void read_rule_hooks(const struct node *n, void *draft);

/* Writes the parts of the rule that follow from what was read: judge, identity. */
void rule_complete(struct rule *r);
/* rule_identity.c: of a rule that is complete but for it. */
uint64_t rule_identity(const struct rule *r);

/* Adds the hooks of a file's "hooks" to the set. */
void hooks_read(const struct node *n, const char *file, struct rule_set *set);
/* Warns of the hooks under "hooks" that no rule uses. */
void hooks_warn_unused(const struct node *n, const struct rule_set *set);

/* rule_demand.c: the latency from which on the rule asks for calls; -INFINITY if it says none. */
double rule_floor_ms(const struct rule *r, const struct field *latency);

/* rule_doubt.c: warns of what a rule without mistakes can hardly mean. */
void warn_of_doubts(const struct node *n, const struct rule *r);

/* hook_conf.c: reads one hook into *h, which has a name. */
void hook_conf_read(const struct node *n, struct hook_conf *h);
void hook_conf_fini(struct hook_conf *h);

#endif
