/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files that read the parts of a rule file; of no use to others. */
#ifndef RULE_RULE_READ_H
#define RULE_RULE_READ_H

#include "rule/json_object.h"
#include "rule/rule.h"

#define RULES_MAX	10000 /* in all files together, as are hooks */
#define HOOKS_MAX	256
#define LABELS_MAX	32
#define LABEL_MAX	500 /* characters */
#define WHY_MAX		2000
#define HITS_MAX	64    /* ticks that "for" looks back on */
#define NAMES_MAX	1000  /* lists and macros in all files together */
#define ITEMS_MAX	4096  /* in a list */
#define MACRO_MAX	16384 /* bytes of a macro's text */
#define SECOND_NS	NS_PER_S
#define HOUR_NS		(3600 * NS_PER_S)
#define DURATION_MAX_NS (30 * 24 * HOUR_NS)

/* "lists" and "macros" of all files. */
struct definitions {
	struct expr_names names;
	struct node *list_nodes; /* of each, where it stands */
	struct node *macro_nodes;
	uint64_t *macro_wrong; /* bit i: its mistake in conditions on event type i is reported */
};

/* What the rows of a rule read into. The rule is first, so rows that need nothing else may take
 * their target for a struct rule. */
struct rule_draft {
	struct rule rule;
	const struct rule_set *set; /* its hooks are all read */
	struct definitions *definitions;
	bool second_unknown; /* "with" names no source, which is reported */
};

/* rule_members.c: a rule, on events or on other rules, into a draft that holds the defaults. */
void read_rule(const struct node *n, struct rule_draft *draft);
/* The "defaults" of a file. */
void read_defaults(const struct node *n, struct rule_draft *draft);

/* rule_text.c. Is it a name for a rule, hook or label: letters, digits, "_", "." and "-", at most
 * RULE_NAME_MAX? Reports any other; name is the text of the node or its key. */
bool name_is_valid(const struct node *n, const char *name);
/* A text with {{path}} in it; NULL and a message if it is none. The caller frees it. */
struct template *read_template(const struct node *n);

/*
 * rule_names.c. Adds those of a file's "lists" or "macros"; reports those that cannot be. Mistakes in
 * the text of a macro show when a rule uses it, or at the end, in warn_unused_names().
 */
void lists_read(const struct node *n, struct definitions *d);
void macros_read(const struct node *n, struct definitions *d);
/* Reports macros without a meaning in any source; unless there are errors, warns of what no rule
 * uses. */
void names_finish(struct definitions *d, bool ok);
void definitions_fini(struct definitions *d);

/* Reports a mistake in the text of n, or in that of a macro which n uses; frees the message. */
void report_expr_error(const struct node *n, struct rule_draft *draft,
		       const struct event_type *type, struct expr_error *e);

/* A condition on the events of a type; NULL and a message if the node has none. */
struct expr *read_condition(const struct node *n, struct rule_draft *draft,
			    const struct event_type *type);

/* Rows that read into a draft, in the order in which they need each other; read_name() into a text. */
void read_name(const struct node *n, void *name);
void read_why(const struct node *n, void *draft);
void read_summary(const struct node *n, void *draft);
void read_labels(const struct node *n, void *draft);
void read_source(const struct node *n, void *draft);
void read_where(const struct node *n, void *draft);
void read_with(const struct node *n, void *draft);
void read_by(const struct node *n, void *draft);
void read_when(const struct node *n, void *draft);
void read_clear(const struct node *n, void *draft); /* this and the following need when */
void read_escalation(const struct node *n, void *draft);
void read_for(const struct node *n, void *draft);
void read_flap(const struct node *n, void *draft);
void read_rule_hooks(const struct node *n, void *draft);

/* Reads a quantity in the unit of the formula, which may be NULL: then its unit is not checked. */
bool read_quantity(const struct node *n, const struct formula *f, double *ret_number);
/* The same into a limit; a mistake leaves it as it was. */
void read_limit(const struct node *n, const struct formula *f, struct limit *ret_limit);
/* Reports limits that leave nothing between them. */
void check_band(const struct node *n, const struct limit *above, const struct limit *below);

/* Does the rule judge single events? Else it has a window. It has a condition. */
bool main_is_event(const struct rule *r);
/* The formula that the limits of clear and of other severities are compared with; NULL if it could
 * not be read. */
const struct formula *main_formula(const struct rule *r);

/* rule_compose.c. Is the rule one on other rules, a sequence or together? */
bool is_composite(const struct node *n);
/* Reads what names other rules, all of which are in the set. */
void compose_rule(const struct node *n, unsigned rule, struct rule_set *set);
/* Reports a rule that inhibits itself by way of others; all are composed. */
void check_inhibitors(const struct node *n, unsigned rule, const struct rule_set *set);

/* rule_index.c: adds the rule that stands at this index of the set, and has a name that is new. */
void rule_index_add(struct rule_set *set, unsigned rule);
/* The rule of that name; NULL if there is none. */
struct rule *rule_find(const struct rule_set *set, const char *name);

/* rule_identity.c: of a rule that is complete but for it. */
uint64_t rule_identity(const struct rule *r, const struct rule_set *set);

/* Adds the hooks of a file's "hooks" to the set. */
void hooks_read(const struct node *n, const char *file, struct rule_set *set);
/* Warns of the hooks under "hooks" that no rule uses. */
void hooks_warn_unused(const struct node *n, const struct rule_set *set);

/* rule_demand.c: the latency_ms from which on the rule asks for events of its first (0) or second (1)
 * source; -INFINITY if it says none, or they have no latency. */
double rule_floor_ms(const struct rule *r, unsigned source);

/* rule_doubt.c: warns of what a rule without mistakes can hardly mean. Can it ever fire? */
bool doubt_rule(const struct node *n, const struct rule *r);
/* rule_doubt_set.c: the same of rules beside each other; never[i]: rule i can not fire. */
void doubt_among_rules(const struct node *n, const struct rule_set *set, const struct rule *same,
		       const bool *never);
/* Of each rule an earlier one that fires for the same, or NULL; the caller frees the array. */
const struct rule **find_duplicates(const struct rule_set *set);

/* hook_conf.c: reads one hook into *h, which has a name. */
void hook_conf_read(const struct node *n, struct hook_conf *h);
void hook_conf_fini(struct hook_conf *h);

#endif
