/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and meaning of the members: docs/alerts.md. Every member is always there, null if unknown.
 */
#include "engine/alert_doc.h"

#include <math.h>

#include "engine/condition.h"
#include "engine/lifecycle.h"
#include "util/printable.h"
#include "util/timetext.h"

/* As json_member_str(), for texts where empty means unknown. */
static void member_known(struct json *j, const char *key, const char *s)
{
	json_member_str(j, key, s && s[0] ? s : NULL);
}

/* For ids of which -1 means unknown. */
static void member_id(struct json *j, const char *key, int64_t id)
{
	json_key(j, key);
	if (id < 0)
		json_null(j);
	else
		json_i64(j, id);
}

/* A number in the rule's unit, plain and for people: "value": 31.2, "value_text": "31.2 ms". */
static void member_quantity(struct json *j, const char *key, const char *text_key, double v,
			    enum unit unit)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	quantity_format(&text, v, unit);
	json_member_num(j, key, v);
	json_member_str(j, text_key, isfinite(v) ? buf_str(&text) : NULL);
}

static void member_time(struct json *j, const char *key, uint64_t ns, int64_t wall_offset_ns)
{
	char text[TIMETEXT_LEN + 1];

	timetext(ns + (uint64_t)wall_offset_ns, text);
	json_member_str(j, key, text);
}

static void write_rule(const struct rule *rule, struct json *j)
{
	json_key(j, "rule");
	json_open(j, '{');
	json_member_str(j, "name", rule->name);
	json_member_str(j, "source", rule->on ? rule->on->name : NULL);
	json_member_str(j, "why", rule->why);
	json_close(j, '}');
}

static void write_key(const struct transition *t, struct json *j)
{
	json_key(j, "key");
	json_open(j, '{');
	for (unsigned i = 0; i < t->rule->n_by; i++) {
		json_key(j, t->rule->by[i]->name);
		value_write_json(&t->key[i], j);
	}
	json_close(j, '}');
}

static void write_label(const struct label *label, const struct buf *doc, struct json *j)
{
	CLEANUP(buf_fini) struct buf raw = { 0 }, text = { 0 };
	const char *missing;

	if (!label->rendered) {
		json_member_str(j, label->name, label->value);
		return;
	}
	(void)template_render(label->rendered, buf_str(doc), doc->len, ESCAPE_NONE, &raw, &missing);
	(void)printable_add(&text, buf_str(&raw), raw.len, LABEL_TEXT_MAX, " ");
	json_key(j, label->name);
	json_strn(j, buf_str(&text), text.len);
}

void alert_write_labels(const struct transition *t, const struct buf *doc, struct buf *out)
{
	struct json j = { .out = out, .need_comma = true };

	json_key(&j, "labels");
	json_open(&j, '{');
	for (unsigned i = 0; i < t->rule->n_labels; i++)
		write_label(&t->rule->labels[i], doc, &j);
	json_close(&j, '}');
}

static void write_baseline(const struct transition *t, struct json *j)
{
	const struct baseline *b = t->baseline;
	const struct leaf *l = t->leaf;

	json_key(j, "baseline");
	if (!b) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_member_num(j, "center", b->center);
	json_member_num(j, "spread", b->spread);
	json_member_u64(j, "samples", b->samples);
	json_member_num(j, "age_s", (double)b->learnt_ns / (double)NS_PER_S);
	json_member_num(j, "limit", baseline_limit(b, &l->baseline, leaf_side(l)));
	json_member_num(j, "score", baseline_score(b, &l->baseline, t->value));
	json_close(j, '}');
}

static double window_s(const struct leaf *l)
{
	return l ? (double)l->window_ns / (double)NS_PER_S : 0;
}

/* How each part of the rule's condition stood; an empty list for a rule made of others. */
static void write_conditions(const struct transition *t, struct json *j)
{
	json_key(j, "conditions");
	json_open(j, '[');
	for (unsigned i = 0; i < t->n_conditions; i++) {
		const struct condition_seen *c = &t->conditions[i];

		json_open(j, '{');
		json_member_str(j, "text", c->leaf->value.text);
		json_member_str(j, "unit", unit_name(leaf_unit(c->leaf)));
		json_member_num(j, "window_s", window_s(c->leaf));
		json_member_num(j, "value", c->value);
		json_member_num(j, "limit", c->limit);
		json_member_bool(j, "held", c->held);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* What the alert of a rule made of others was made of; an empty list for the rest. */
static void write_members(const struct transition *t, struct json *j)
{
	json_key(j, "members");
	json_open(j, '[');
	for (unsigned i = 0; i < t->n_members; i++) {
		json_open(j, '{');
		json_member_str(j, "rule", t->members[i].rule->name);
		member_time(j, "started", t->members[i].began_ns, t->event.wall_offset_ns);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_flapping(const struct transition *t, struct json *j)
{
	json_key(j, "flapping");
	if (!t->flapping) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_member_u64(j, "changes", t->flapping);
	json_close(j, '}');
}

/* Why no hook was told; of the alert itself it says nothing. */
static void write_silence(const struct transition *t, struct json *j)
{
	json_key(j, "silenced");
	if (!t->silence) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_member_u64(j, "id", t->silence->id);
	json_member_str(j, "comment", t->silence->comment);
	member_time(j, "until", t->silence->until_ns, t->wall_offset_ns);
	json_close(j, '}');
}

static void write_evidence(const struct transition *t, struct json *j)
{
	enum unit unit = t->leaf ? leaf_unit(t->leaf) : UNIT_NONE;

	member_quantity(j, "value", "value_text", t->value, unit);
	json_member_str(j, "unit", unit_name(unit));
	member_quantity(j, "threshold", "threshold_text", t->threshold, unit);
	json_member_num(j, "window_s", window_s(t->leaf));
	json_member_u64(j, "samples", t->samples);
	write_baseline(t, j);
	write_conditions(t, j);
	write_members(t, j);
	write_flapping(t, j);
	write_silence(t, j);
	json_key(j, "quality");
	json_open(j, '{');
	json_member_str(j, "state", t->quality == QUALITY_COMPLETE ? "complete" : "degraded");
	json_member_u64(j, "lost", t->lost);
	json_close(j, '}');
}

static void write_times(const struct transition *t, struct json *j)
{
	uint64_t duration_ns = elapsed_ns(t->ended_ns, t->started_ns);

	/* By the clock of the event, so that all transitions of an incident say the same. */
	member_time(j, "started", t->started_ns, t->event.wall_offset_ns);
	if (t->ended_ns) {
		member_time(j, "ended", t->ended_ns, t->wall_offset_ns);
		json_member_num(j, "duration_s", (double)duration_ns / (double)NS_PER_S);
	} else {
		json_member_str(j, "ended", NULL);
		json_member_str(j, "duration_s", NULL);
	}
	json_member_str(j, "reason", t->reason);
}

static void write_process(const struct process_info *p, struct json *j)
{
	json_key(j, "process");
	if (!p || p->pid < 0) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	member_id(j, "pid", p->pid);
	member_known(j, "comm", p->comm);
	member_known(j, "exe", p->exe);
	member_known(j, "cmdline", p->cmdline);
	member_id(j, "uid", p->uid);
	member_known(j, "user", p->user);
	member_id(j, "ppid", p->ppid);
	member_known(j, "parent", p->parent_comm);
	member_known(j, "cgroup", p->cgroup);
	member_known(j, "container_id", p->container_id);
	member_known(j, "unit", p->unit);
	json_close(j, '}');
}

static void write_host(const struct host_info *host, struct json *j)
{
	json_key(j, "host");
	json_open(j, '{');
	member_known(j, "name", host->name);
	member_known(j, "kernel", host->kernel);
	member_known(j, "boot_id", host->boot_id);
	json_close(j, '}');
}

size_t alert_write_doc(const struct transition *t, const struct process_info *process,
		       const struct host_info *host, struct buf *out)
{
	struct json j = { .out = out };
	size_t summary_at;

	json_open(&j, '{');
	json_member_u64(&j, "version", 1);
	json_member_str(&j, "id", t->id);
	json_member_str(&j, "incident", t->incident);
	json_member_str(&j, "state", t->state == ALERT_FIRING ? "firing" : "resolved");
	json_member_bool(&j, "repeat", t->repeat);
	json_member_str(&j, "severity", severity_name(t->severity));
	write_rule(t->rule, &j);
	write_key(t, &j);
	summary_at = out->len;
	write_evidence(t, &j);
	write_times(t, &j);
	json_key(&j, "event");
	if (t->event.type)
		event_write_json(&t->event, &j);
	else
		json_null(&j);
	write_process(process, &j);
	write_host(host, &j);
	json_close(&j, '}');
	return summary_at;
}
