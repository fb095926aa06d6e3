/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/alert.h"

#include <stdlib.h>
#include <string.h>

#include "engine/alert_doc.h"
#include "engine/key.h"
#include "util/json_scan.h"

/* The document again, with another text at its place. Returns the place behind that. */
static size_t insert(const struct buf *doc, size_t at, const struct buf *text, struct buf *out)
{
	buf_add(out, doc->data, at);
	buf_add(out, buf_str(text), text->len);
	buf_add(out, doc->data + at, doc->len - at);
	return at + text->len;
}

/* The member "summary" with the comma before it. */
static void write_summary(const struct buf *summary, struct buf *out)
{
	struct json j = { .out = out, .need_comma = true };

	json_key(&j, "summary");
	json_strn(&j, buf_str(summary), summary->len);
}

static void set_texts(struct alert *a, const struct transition *t,
		      const struct process_info *process, const struct host_info *host)
{
	CLEANUP(buf_fini) struct buf plain = { 0 }, doc = { 0 }, labels = { 0 }, member = { 0 };
	struct buf whole = { 0 }, summary = { 0 }, key = { 0 };
	size_t at = alert_write_doc(t, process, host, &plain);

	alert_write_labels(t, &plain, &labels);
	at = insert(&plain, at, &labels, &doc);
	alert_write_summary(t, process, &doc, &summary);
	write_summary(&summary, &member);
	(void)insert(&doc, at, &member, &whole);
	key_text(t->rule, t->key, ",", &key);
	a->doc_len = whole.len;
	a->doc = buf_steal(&whole);
	a->summary = buf_steal(&summary);
	a->key = buf_steal(&key);
	a->identity = xasprintf("%s/%s/%s", host->name ? host->name : "", t->rule->name, a->key);
}

/* Finds the one process that it has. */
struct known_process {
	struct process_lookup lookup; /* first */
	struct process process;
};

static const struct process *find_known(struct process_lookup *lookup, const struct event *ev)
{
	(void)ev;
	return &((struct known_process *)lookup)->process;
}

static const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

static struct known_process known(const struct process_info *p)
{
	return (struct known_process){
		.lookup = { find_known },
		.process = {
			.exe = text_or_empty(p->exe),
			.cmdline = text_or_empty(p->cmdline),
			.parent_comm = text_or_empty(p->parent_comm),
			.user = text_or_empty(p->user),
			.cgroup = text_or_empty(p->cgroup),
			.container_id = text_or_empty(p->container_id),
			.unit = text_or_empty(p->unit),
		},
	};
}

struct alert *alert_new(const struct transition *t, const struct process_info *process,
			const struct host_info *host)
{
	struct alert *a = xcalloc(1, sizeof(*a));
	struct transition shown = *t;
	struct known_process known_process;

	if (process) {
		known_process = known(process);
		shown.event.processes = &known_process.lookup;
	}
	a->refs = 1;
	memcpy(a->id, t->id, sizeof(a->id));
	memcpy(a->incident, t->incident, sizeof(a->incident));
	a->state = t->state;
	a->repeat = t->repeat;
	a->severity = t->severity;
	a->rule = xstrdup(t->rule->name);
	a->n_hooks = t->rule->n_hooks;
	memcpy(a->hooks, t->rule->hooks, sizeof(a->hooks));
	set_texts(a, &shown, process, host);
	return a;
}

struct alert *alert_ref(struct alert *a)
{
	a->refs++;
	return a;
}

void alert_unref(struct alert *a)
{
	if (!a || --a->refs > 0)
		return;
	free(a->rule);
	free(a->key);
	free(a->identity);
	free(a->summary);
	free(a->doc);
	free(a);
}

bool alert_text(const struct alert *a, const char *path, struct buf *out)
{
	struct json_span span;

	if (!json_find(a->doc, a->doc_len, path, &span) || a->doc[span.at] == 'n')
		return false;
	json_span_text(a->doc, span, out);
	return true;
}
