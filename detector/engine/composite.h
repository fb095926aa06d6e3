/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is it a sequence, do they fire together? The verdict on the alerts of a composite rule's members
 * for one of its keys; knows nothing but when they began and which of them fire.
 *
 * Of each member the latest BEGINS_MAX beginnings count; those that no other could join within the
 * rule's time are forgotten first.
 */
#ifndef ENGINE_COMPOSITE_H
#define ENGINE_COMPOSITE_H

#include "rule/rule.h"

#define BEGINS_MAX 8

struct begin {
	uint64_t at_ns;
	bool fires; /* its alert has not resolved */
};

struct member {
	struct begin begins[BEGINS_MAX];
	unsigned n;
	unsigned unlisted; /* alerts that fire and are no longer in begins */
};

struct composite {
	struct member members[RULE_MEMBERS_MAX];
	uint64_t latest_ns; /* beginning */
};

/* What made it fire. */
struct composite_verdict {
	bool holds;
	uint64_t begins_ns[RULE_MEMBERS_MAX]; /* of each member's alert */
	uint64_t first_ns;		      /* the earliest of them */
};

/* An alert of that member (index into rule->members) began. */
void composite_begin(struct composite *c, unsigned member, uint64_t at_ns);
/* One that began then has resolved. */
void composite_end(struct composite *c, unsigned member, uint64_t at_ns);

/*
 * RULE_SEQUENCE: the members' alerts began in this order, the last at most rule->within_ns after the
 * first; one that has resolved since counts too, and of two that began at once either came first.
 * RULE_TOGETHER: alerts of all members fire, and began at most rule->within_ns apart.
 */
struct composite_verdict composite_judge(const struct composite *c, const struct rule *rule);
/* A sequence that fired is used up: its beginnings make no second one. */
void composite_use(struct composite *c, const struct rule *rule,
		   const struct composite_verdict *verdict);
/* How many alerts of a member fire. */
unsigned composite_firing(const struct composite *c, unsigned member);
/* Do alerts of all members fire? */
bool composite_all_fire(const struct composite *c, const struct rule *rule);
/* Is there nothing left that could ever matter? */
bool composite_idle(const struct composite *c, const struct rule *rule, uint64_t now_ns);

#endif
