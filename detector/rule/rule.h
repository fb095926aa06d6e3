/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiled rules: what the engine reads. Everything here is read-only after loading. */
#ifndef RULE_RULE_H
#define RULE_RULE_H

#include "event/event.h"
#include "rule/expr.h"
#include "rule/hook_conf.h"
#include "rule/template.h"
#include "stats/baseline.h"
#include "stats/window.h"

#define RULE_BY_MAX    4
#define RULE_NAME_MAX  64
#define RULE_HOOKS_MAX 16

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_CRITICAL };

/* A limit that may be absent. */
struct limit {
	bool set;
	double at; /* in the unit of the formula it is compared with */
};

/* One aggregate of a formula, over the events of one source; or, with AGGREGATE_NONE, a field. */
struct term {
	enum aggregate aggregate;
	unsigned source;	   /* 0: rule->on; 1: rule->with */
	const struct field *field; /* NULL: each event counts 1 */
	struct expr *where;	   /* of count(ret < 0): only these events; NULL: all */
	double quantile;	   /* AGGREGATE_QUANTILE: 0.99 for p99 */
	double scale; /* each value is multiplied by it: brings a rate of times to ms */
};

#define TERMS_MAX  8
#define OPS_MAX	   32
#define LEAVES_MAX 8

enum op_code { OP_TERM, OP_NUMBER, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_NEGATE };

/* One step of a formula in reverse Polish notation; the stack never holds more than OPS_MAX. */
struct op {
	enum op_code code;
	unsigned term; /* OP_TERM: index into terms */
	double number; /* OP_NUMBER */
};

/* What is measured: terms, and what is computed from them. Terms are all aggregates or all fields. */
struct formula {
	struct term terms[TERMS_MAX];
	unsigned n_terms;
	struct op ops[OPS_MAX];
	unsigned n_ops;
	enum unit unit; /* of the result */
	char *text;	/* as written: "sum(retransmits) / sum(segments)" */
};

/* Against the same formula over the window that ended `ago` earlier. */
struct comparison {
	uint64_t ago_ns; /* 0: there is no "change"; if it does not say, the window */
	bool relative;	 /* limits are shares of the earlier value: 0.5 for "50%" */
	struct limit above;
	struct limit below; /* negative: a fall */
};

/* All that is set must hold. above and below are strict: a value at the limit is not beyond it. */
struct leaf {
	struct formula value;
	uint64_t window_ns; /* 0: fields of single events */
	struct limit above, below;
	struct limit outside_low, outside_high; /* both or none: beyond either */
	struct comparison change;
	/* No event of the key for this long; 0: not given. Stands alone: the value has no terms,
	 * the text "absent" and the unit s. */
	uint64_t absent_ns;
	uint64_t min_samples;
	bool has_baseline;
	struct baseline_conf baseline;
};

enum node_kind { NODE_LEAF, NODE_ALL, NODE_ANY };

/* A tree of leaves in prefix order: `skip` is how many nodes it has with all below it. */
struct tree_node {
	enum node_kind kind;
	unsigned leaf; /* NODE_LEAF: index into leaves */
	unsigned skip;
};

/* The value of leaves[0] is the alert's value, its limit the alert's threshold, unless another leaf
 * alone made it fire. Only one leaf may be without a window, and then it is the only one. */
struct when {
	struct leaf leaves[LEAVES_MAX];
	unsigned n_leaves;
	struct tree_node nodes[2 * LEAVES_MAX]; /* ALL and ANY have two or more below them */
	unsigned n_nodes;
};

/* Beyond these limits of leaves[0] the alert has another severity: "critical": {"above": 50}. */
struct escalation {
	enum severity severity;
	struct limit above, below;
};

#define ESCALATIONS_MAX	 3
#define RULE_MEMBERS_MAX 4
#define INHIBITORS_MAX	 8

enum rule_kind {
	RULE_EVENTS,   /* judges events of a source */
	RULE_SEQUENCE, /* its members fired in this order within within_ns, on the same key */
	RULE_TOGETHER, /* its members fire at the same time, begun within within_ns */
};

/* While that rule fires for a key that agrees in all fields both rules have in "by", this one is not
 * said. */
struct inhibitor {
	unsigned rule; /* index into rule_set.rules */
};

/* How a firing alert ends. */
struct clearing {
	struct limit above; /* ends when value is above/below this ... */
	struct limit below;
	uint64_t for_ns; /* ... for this long, default 10 s; without limits, when the condition is
			    false */
};

struct label {
	char *name;
	char *value;		   /* as written */
	struct template *rendered; /* NULL: the value has no {{path}} */
};

struct rule {
	char *name;
	char *why; /* "" if not given */
	const char *file;
	unsigned line;
	enum rule_kind kind;

	/* kind RULE_EVENTS; on is NULL for the others, and judge empty */
	const struct event_type *on;
	struct expr *where;	       /* NULL: every event */
	const struct event_type *with; /* a second source that formulas read; NULL: none */
	struct expr *with_where;
	struct when judge;
	unsigned hits, of; /* N of the last M ticks instead of for_ns; 0: not given */
	uint64_t for_ns;
	struct escalation escalations[ESCALATIONS_MAX]; /* mildest first, all above `severity` */
	unsigned n_escalations;
	struct clearing clear;

	/* the other kinds */
	unsigned members[RULE_MEMBERS_MAX]; /* indices into rule_set.rules */
	unsigned n_members;
	uint64_t within_ns;

	const struct field *by[RULE_BY_MAX];	  /* of on, or of the first member's */
	unsigned n_by;				  /* 0: one key for all */
	const struct field *with_by[RULE_BY_MAX]; /* the same fields of `with` */
	uint64_t keep_ns; /* rules without a window: firing ends when nothing matched for this long;
			     rules made of rules: when not all of them fired for this long */
	uint64_t grace_ns;	 /* after the start: nothing fires */
	unsigned flap_changes;	 /* held firing after so many fire/resolve changes ... */
	uint64_t flap_window_ns; /* ... within this time, until quiet for as long; 0: never */
	struct inhibitor inhibitors[INHIBITORS_MAX];
	unsigned n_inhibitors;
	enum severity severity;
	bool quiet;	    /* "notify": false: counts for other rules, is never said */
	uint64_t repeat_ns; /* 0: never */
	struct label *labels;
	unsigned n_labels;
	struct template *summary;	/* NULL: the built-in text */
	unsigned hooks[RULE_HOOKS_MAX]; /* indices into rule_set.hooks */
	unsigned n_hooks;
	uint64_t identity; /* hash of all that the state depends on but limits: on, with, by, where,
			      values, windows; equal after a reload: the state is kept */
};

struct rule_set {
	struct rule *rules;
	unsigned n_rules;
	struct hook_conf *hooks;
	unsigned n_hooks;
	char **files; /* names of the files read */
	unsigned n_files;
	uint64_t digest; /* of their texts: tells apart what is not the same to the letter */
	unsigned refs;	 /* who holds it; 0: made by hand, and not counted */
	unsigned *index; /* a hash table of the rules' names: index into rules, plus 1 */
	unsigned index_size;
};

/* Holds the set until rule_set_free(). Returns it. */
const struct rule_set *rule_set_ref(const struct rule_set *set);

const char *severity_name(enum severity s);

#endif
