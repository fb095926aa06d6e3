/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditions of one part, built by hand. */
#ifndef TESTS_ONE_LEAF_H
#define TESTS_ONE_LEAF_H

#include "rule/rule.h"

/* window_ns: 0 for AGGREGATE_NONE. */
static inline struct when one_leaf(struct term term, enum unit unit, const char *text,
				   uint64_t window_ns, struct limit above)
{
	struct when w = { .n_leaves = 1, .n_nodes = 1 };

	if (term.scale == 0)
		term.scale = 1;
	w.nodes[0] = (struct tree_node){ .kind = NODE_LEAF, .skip = 1 };
	w.leaves[0] = (struct leaf){ .window_ns = window_ns, .above = above };
	w.leaves[0].value = (struct formula){
		.terms = { term }, .n_terms = 1, .n_ops = 1, .unit = unit, .text = (char *)text
	};
	return w;
}

#endif
