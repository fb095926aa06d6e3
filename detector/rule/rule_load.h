/* SPDX-License-Identifier: BSD-2-Clause */
/* From JSON text to compiled rules, with every mistake reported at its place. */
#ifndef RULE_RULE_LOAD_H
#define RULE_RULE_LOAD_H

#include "rule/rule.h"
#include "util/diag.h"

/* One rule file in memory. */
struct rule_file {
	const char *name; /* for messages */
	const char *text;
	size_t len;
};

/*
 * Compiles n files into one rule set; hooks and defaults of one file hold for that file and the
 * rules of all files that name those hooks. Adds every mistake to diags. Returns NULL if there was
 * an error (warnings are none); the texts are not needed afterwards.
 */
struct rule_set *rule_load(const struct rule_file *files, unsigned n, struct diags *diags);
/* Lets go of the set, which is freed when nobody else holds it. NULL is fine. */
void rule_set_free(const struct rule_set *set);

/* How many times a regular expression of the rule was given up (rule/regex.h). */
uint64_t rule_given_up(const struct rule *r);

/* What a source must deliver so that no rule misses an event. */
struct demand {
	bool wanted;	 /* some rule is on this event */
	uint64_t fields; /* those that rules read: bit i for field i of the type */
	uint64_t
		floor_ns; /* of types with latency_ms: the shortest that can matter, 0 for all of them;
			      10 ms if no rule says one */
	/* syscall: every rule needs a blocked_ms over this; 0: some rule does not */
	uint64_t blocked_floor_ns;
	uint64_t syscalls[16]; /* syscall: bit n: native call n can match a rule */
};

#define DEMAND_SYSCALLS (16 * 64)
#define DEMAND_FLOOR_NS (10 * NS_PER_MS)

/* Derives the demand on one event type from all rules on it. */
void rule_demand(const struct rule_set *set, const struct event_type *type,
		 struct demand *ret_demand);

#endif
