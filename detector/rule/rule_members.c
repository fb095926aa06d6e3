/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys that a rule and the defaults of a file may have, and what reads each. */
#include "rule/formula.h"
#include "rule/rule_read.h"

static const char *const severities[] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
	[SEVERITY_CRITICAL] = "critical",
};

const char *severity_name(enum severity s)
{
	return severities[s];
}

static void read_keep(const struct node *n, void *target)
{
	struct rule *r = target;

	node_read_duration(n, &r->keep_ns);
	if (main_formula(r) && !main_is_event(r))
		node_warning(n,
			     "\"keep\" is for rules without a window; this one ends by \"clear\"");
}

static void read_severity(const struct node *n, void *target)
{
	struct rule *r = target;
	size_t severity;

	if (node_choice(n, "severity", severities, ARRAY_SIZE(severities), &severity))
		r->severity = (enum severity)severity;
}

static void refuse_in_event_rule(const struct node *n, void *target)
{
	(void)target;
	node_error_key(n, "\"%s\" is for rules with \"sequence\" or \"together\"", node_key(n));
}

static void refuse_in_composite(const struct node *n, void *target)
{
	(void)target;
	node_error_key(n, "\"%s\" is for rules on a source; this one is made of rules",
		       node_key(n));
}

static void read_notify(const struct node *n, void *target)
{
	struct rule *r = target;
	bool notify = true;

	node_read_bool(n, &notify);
	r->quiet = !notify;
}

/* Rows that more than one table has. */
#define ROW_NAME                                                                                   \
	{                                                                                          \
		.key = "name", .read = read_name, .offset = offsetof(struct rule, name),           \
		.required = true                                                                   \
	}
#define ROW_KEEP                                                                                   \
	{                                                                                          \
		.key = "keep", .read = read_keep, .min = SECOND_NS, .max = DURATION_MAX_NS         \
	}
#define ROW_REPEAT                                                                                 \
	{                                                                                          \
		.key = "repeat", .read = node_read_duration,                                       \
		.offset = offsetof(struct rule, repeat_ns), .max = DURATION_MAX_NS                 \
	}
#define ROW_GRACE                                                                                  \
	{                                                                                          \
		.key = "grace", .read = node_read_duration,                                        \
		.offset = offsetof(struct rule, grace_ns), .max = DURATION_MAX_NS                  \
	}
#define ROW_SEVERITY                                                                               \
	{                                                                                          \
		.key = "severity", .read = read_severity                                           \
	}
#define ROW_HOOKS                                                                                  \
	{                                                                                          \
		.key = "hooks", .read = read_rule_hooks                                            \
	}

/* What is said of an alert, to whom, and when not. */
#define ROWS_OF_ALERT                                                                              \
	{ .key = "summary", .read = read_summary }, ROW_HOOKS,                                     \
		{ .key = "notify", .read = read_notify }, ROW_REPEAT,                              \
		{ .key = "labels", .read = read_labels }, { .key = "inhibited_by" },               \
		{ .key = "flap", .read = read_flap }, ROW_GRACE

/* Read into a struct rule_draft; what others depend on comes first. Rows without a function are
 * read once all rules are known. */
static const struct member rule_members[] = {
	ROW_NAME,
	{ .key = "why", .read = read_why },
	{ .key = "on", .read = read_source, .required = true },
	{ .key = "where", .read = read_where },
	{ .key = "with", .read = read_with },
	{ .key = "by", .read = read_by },
	{ .key = "when", .read = read_when, .required = true },
	{ .key = "for", .read = read_for, .max = DURATION_MAX_NS },
	{ .key = "clear", .read = read_clear },
	ROW_KEEP,
	ROW_SEVERITY,
	{ .key = "warning", .read = read_escalation },
	{ .key = "error", .read = read_escalation },
	{ .key = "critical", .read = read_escalation },
	ROWS_OF_ALERT,
	{ .key = "sequence" },
	{ .key = "together" },
	{ .key = "within", .read = refuse_in_event_rule },
};

/* The same for a rule that is made of rules. */
static const struct member composite_members[] = {
	ROW_NAME,
	{ .key = "why", .read = read_why },
	{ .key = "sequence" },
	{ .key = "together" },
	{ .key = "within",
	  .read = node_read_duration,
	  .offset = offsetof(struct rule, within_ns),
	  .required = true,
	  .min = SECOND_NS,
	  .max = 24 * HOUR_NS },
	{ .key = "by" },
	ROW_KEEP,
	ROW_SEVERITY,
	ROWS_OF_ALERT,
	{ .key = "on", .read = refuse_in_composite, .refused = true },
	{ .key = "where", .read = refuse_in_composite, .refused = true },
	{ .key = "with", .read = refuse_in_composite, .refused = true },
	{ .key = "when", .read = refuse_in_composite, .refused = true },
	{ .key = "for", .read = refuse_in_composite, .refused = true },
	{ .key = "clear", .read = refuse_in_composite, .refused = true },
	{ .key = "warning", .read = refuse_in_composite, .refused = true },
	{ .key = "error", .read = refuse_in_composite, .refused = true },
	{ .key = "critical", .read = refuse_in_composite, .refused = true },
};

/* What a rule starts with; the same keys as there. */
static const struct member default_members[] = {
	ROW_HOOKS, ROW_REPEAT, ROW_SEVERITY, ROW_KEEP, ROW_GRACE,
};

static void read_event_rule(const struct node *n, struct rule_draft *draft)
{
	node_read(n, rule_members, ARRAY_SIZE(rule_members), draft);
}

static void read_composite(const struct node *n, struct rule_draft *draft)
{
	struct node sequence, together;
	bool in_order = node_member(n, "sequence", &sequence);

	draft->rule.kind = in_order ? RULE_SEQUENCE : RULE_TOGETHER;
	node_read(n, composite_members, ARRAY_SIZE(composite_members), draft);
	if (in_order && node_member(n, "together", &together))
		node_error_key(&together,
			       "\"together\" beside \"sequence\"; a rule has one of them");
}

void read_rule(const struct node *n, struct rule_draft *draft)
{
	(is_composite(n) ? read_composite : read_event_rule)(n, draft);
}

void read_defaults(const struct node *n, struct rule_draft *draft)
{
	node_read(n, default_members, ARRAY_SIZE(default_members), draft);
}
