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
	double at; /* in the unit of the measure it is compared with */
};

/* What is measured: a field of the event itself, or an aggregate over the window. */
struct measure {
	enum aggregate aggregate;  /* AGGREGATE_NONE: the field of one event */
	const struct field *field; /* NULL for count() and rate(): each event counts 1 */
	double quantile;	   /* AGGREGATE_QUANTILE: 0.99 for p99 */
	enum unit unit;		   /* of the result */
	char *text;		   /* as written: "rate(context_switches)" */
};

/* All that is set must hold. above and below are strict: a value at the limit is not beyond it. */
struct condition {
	struct measure value;
	uint64_t window_ns; /* 0 with AGGREGATE_NONE */
	struct limit above;
	struct limit below;
	uint64_t min_samples;
	bool has_baseline;
	struct baseline_conf baseline;
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
	char *value;
};

struct rule {
	char *name;
	char *why; /* "" if not given */
	const char *file;
	unsigned line;

	const struct event_type *on;
	struct expr *where; /* NULL: every event */
	const struct field *by[RULE_BY_MAX];
	unsigned n_by; /* 0: one key for all */
	struct condition when;
	uint64_t for_ns;
	struct clearing clear;
	uint64_t keep_ns; /* rules without a window: firing ends when nothing matched for this long
			   */
	uint64_t repeat_ns; /* 0: never */
	enum severity severity;
	struct label *labels;
	unsigned n_labels;
	struct template *summary;	/* NULL: the built-in text */
	unsigned hooks[RULE_HOOKS_MAX]; /* indices into rule_set.hooks */
	unsigned n_hooks;
};

struct rule_set {
	struct rule *rules;
	unsigned n_rules;
	struct hook_conf *hooks;
	unsigned n_hooks;
	char **files; /* names of the files read */
	unsigned n_files;
};

const char *severity_name(enum severity s);

#endif
