/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which rules fire for which keys, as far as others are inhibited by them. An alert is inhibited
 * while one of a rule in its rule's "inhibited_by" fires for a key that agrees with its own in all
 * fields that both rules have in "by"; where they have none in common, for any key.
 */
#ifndef ENGINE_INHIBITION_H
#define ENGINE_INHIBITION_H

#include "rule/rule.h"

struct inhibition; /* opaque */

/* Borrows the rules. */
struct inhibition *inhibition_new(const struct rule_set *rules);
void inhibition_free(struct inhibition *in);

/* An alert of the rule (its index) began to fire, or ended; both in pairs. key: of rule->n_by. */
void inhibition_begin(struct inhibition *in, unsigned rule, const struct value *key);
void inhibition_end(struct inhibition *in, unsigned rule, const struct value *key);

/* The rule that inhibits an alert of this one now; NULL if none does. */
const struct rule *inhibition_by(const struct inhibition *in, unsigned rule,
				 const struct value *key);

#endif
