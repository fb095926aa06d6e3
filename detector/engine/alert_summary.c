/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule's own summary says of the fault holds for each transition; what became of it is put in
 * front: "resolved after 31 s: ". The built-in summary names, in this order, what was measured, how
 * much, what is allowed, what is normal, what else held, whose it is, and the process:
 *
 *	rate(x) 41,200 /s over 5 s, limit 5,000 /s, normal 900 /s (pid=812), pingpong[812]
 *	slow-disk, then retransmits within 2 s (pid=812), pingpong[812]
 */
#include "engine/alert_doc.h"

#include <math.h>

#include "engine/condition.h"
#include "engine/key.h"
#include "engine/lifecycle.h"
#include "util/printable.h"

static void add_lead(const struct transition *t, struct buf *out)
{
	if (t->state == ALERT_RESOLVED) {
		buf_adds(out, "resolved after ");
		duration_format(out, elapsed_ns(t->ended_ns, t->started_ns));
		if (t->reason)
			buf_addf(out, " (%s)", t->reason);
		buf_adds(out, ": ");
	} else if (t->repeat && t->flapping) {
		buf_addf(out, "flapping, %llu changes: ", (unsigned long long)t->flapping);
	} else if (t->repeat) {
		buf_adds(out, "still firing: ");
	}
}

static void add_limit(const char *name, double at, enum unit unit, struct buf *out)
{
	buf_addf(out, ", %s ", name);
	quantity_format(out, at, unit);
}

/* "rate(x) 41,200 /s over 5 s" */
static void add_value(const struct leaf *l, double value, struct buf *out)
{
	if (l->absent_ns) {
		buf_adds(out, "no event for ");
		quantity_format(out, value, UNIT_S);
		return;
	}
	buf_addf(out, "%s ", l->value.text);
	if (isnan(value))
		buf_adds(out, "without samples");
	else
		quantity_format(out, value, l->value.unit);
	if (l->window_ns) {
		buf_adds(out, " over ");
		duration_format(out, l->window_ns);
	}
}

/* Which limit is shown is that of leaf_limit(). */
static const char *limit_name(const struct leaf *l, double value, double limit)
{
	bool below = l->outside_low.set ? value < limit : l->below.set;

	return below && !l->above.set ? "minimum" : "limit";
}

/* The other parts of the condition that held. */
static void add_others(const struct transition *t, struct buf *out)
{
	for (unsigned i = 0; i < t->n_conditions; i++) {
		const struct condition_seen *c = &t->conditions[i];

		if (c->leaf == t->leaf || !c->held)
			continue;
		buf_adds(out, ", ");
		add_value(c->leaf, c->value, out);
	}
}

static void add_measure(const struct transition *t, struct buf *out)
{
	const struct leaf *l = t->leaf;
	enum unit unit = leaf_unit(l);

	add_value(l, t->value, out);
	if (!isnan(t->threshold))
		add_limit(limit_name(l, t->value, t->threshold), t->threshold, unit, out);
	if (t->baseline)
		add_limit("normal", t->baseline->center, unit, out);
	add_others(t, out);
	if (t->lost)
		buf_addf(out, ", %llu event%s lost", (unsigned long long)t->lost, plural(t->lost));
}

/* "slow-disk, then retransmits within 2 s" */
static void add_members(const struct transition *t, struct buf *out)
{
	bool sequence = t->rule->kind == RULE_SEQUENCE;
	uint64_t last_ns = t->started_ns;

	for (unsigned i = 0; i < t->n_members; i++) {
		if (i)
			buf_adds(out, sequence ? ", then " : " and ");
		buf_adds(out, t->members[i].rule->name);
		if (t->members[i].began_ns > last_ns)
			last_ns = t->members[i].began_ns;
	}
	buf_adds(out, sequence ? " within " : " together, begun within ");
	duration_format(out, last_ns - t->started_ns);
}

static void add_builtin(const struct transition *t, const struct process_info *p, struct buf *out)
{
	if (t->n_members)
		add_members(t, out);
	else
		add_measure(t, out);
	if (t->rule->n_by) {
		buf_adds(out, " (");
		key_text(t->rule, t->key, ", ", out);
		buf_adds(out, ")");
	}
	if (p && p->pid >= 0 && p->comm[0])
		buf_addf(out, ", %s[%lld]", p->comm, (long long)p->pid);
	else if (p && p->pid >= 0)
		buf_addf(out, ", pid %lld", (long long)p->pid);
}

void alert_write_summary(const struct transition *t, const struct process_info *process,
			 const struct buf *doc, struct buf *out)
{
	CLEANUP(buf_fini) struct buf raw = { 0 };
	const char *missing;

	add_lead(t, &raw);
	if (t->rule->summary)
		(void)template_render(t->rule->summary, doc->data, doc->len, ESCAPE_NONE, &raw,
				      &missing);
	else
		add_builtin(t, process, &raw);
	(void)printable_add(out, buf_str(&raw), raw.len, SUMMARY_MAX, " ");
}
