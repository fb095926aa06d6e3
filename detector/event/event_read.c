/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/event_read_parts.h"

#include <stdlib.h>
#include <string.h>

#include "util/json_scan.h"

struct event_reader *event_reader_new(void)
{
	struct event_reader *r = xcalloc(1, sizeof(*r));
	unsigned n;
	const struct event_type *types = event_types(&n);

	r->plans = xcalloc(n, sizeof(*r->plans));
	for (unsigned i = 0; i < n; i++)
		plan_init(&r->plans[i], &types[i]);
	r->processes = known_processes_new();
	return r;
}

static void free_plans(struct event_reader *r)
{
	unsigned n;

	(void)event_types(&n);
	for (unsigned i = 0; i < n; i++)
		plan_fini(&r->plans[i]);
	free(r->plans);
}

void event_reader_free(struct event_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(r->texts); i++)
		buf_fini(&r->texts[i]);
	known_processes_free(r->processes);
	free_plans(r);
	free(r);
}

/* Keeps a text about the process until the event is read. */
static bool keep_process_text(struct reading *x, const struct slot *s, const struct json_member *m)
{
	struct buf *out = &x->r->texts[s->text - process_texts];
	AUTO_FREE char *decoded = NULL;

	if (m->kind != JSON_STRING && m->kind != JSON_NULL)
		return fail_type(x, m, "a string");
	if (!x->has_texts)
		for (unsigned i = 0; i < process_texts_n; i++)
			buf_reset(&x->r->texts[i]);
	x->has_texts = true;
	if (m->kind == JSON_NULL)
		return true;
	decoded = xcalloc(1, m->len);
	buf_add(out, decoded, json_unescape_bytes(m->value, m->len, decoded));
	return true;
}

/* What the kept texts say of the process, if it is not known yet. The record is complete. */
static void take_process_texts(struct reading *x)
{
	struct event_reader *r = x->r;
	struct event ev = { .type = x->type, .record = x->record };
	struct process p;

	r->id = event_process_id(&ev);
	for (unsigned i = 0; i < process_texts_n; i++)
		*process_text_of(&p, &process_texts[i]) = buf_str(&r->texts[i]);
	r->news = !known_processes_has(r->processes, &r->id, &p);
}

static bool set(struct reading *x, const struct slot *s, const struct json_member *m)
{
	if (s->text)
		return keep_process_text(x, s, m);
	if (s->f->derive) {
		if (s->restore >= 0 && m->kind != JSON_NULL) {
			x->restores |= 1ull << s->restore;
			x->to_restore[s->restore] = *m;
		}
		return true;
	}
	if (s->f->type == FIELD_TEXT)
		return set_text(x, s, m);
	if (s->f->type == FIELD_ADDR)
		return set_addr(x, s, m);
	return set_number(x, s, m);
}

static bool take(struct reading *x, const struct json_member *m, unsigned i)
{
	if (i == NO_SLOT)
		return (m->key_len == 2 && memcmp(m->key, "on", 2) == 0) || fail_key(x, m);
	if (x->given[i])
		return read_fail(x, m->key - 1, "field \"%s\" is there twice",
				 x->plan->slots[i].name);
	x->given[i] = true;
	return set(x, &x->plan->slots[i], m);
}

/* Reads the next member and finds its slot, as json_line_next(). */
static int next_member(const struct plan *plan, struct json_line *line, unsigned *slot,
		       struct json_member *ret)
{
	unsigned expected = *slot == NO_SLOT ? 1 : *slot + 1;
	int more;

	if (expected < plan->n) {
		const struct slot *s = &plan->slots[expected];

		more = json_line_expect(line, s->written, s->name_len + 3, ret);
		if (more) {
			*slot = expected;
			return more;
		}
	}
	more = json_line_next(line, ret);
	if (more > 0)
		*slot = plan_find(plan, ret, expected);
	return more;
}

bool event_read(struct event_reader *r, const struct event_type *type, int64_t wall_offset_ns,
		struct json_line *line, void *record, struct event_read_error *ret_error)
{
	unsigned n, slot = NO_SLOT;
	struct json_member m;
	int more;
	struct reading x;

	x.r = r;
	x.plan = &r->plans[type - event_types(&n)];
	x.type = type;
	x.wall_offset_ns = wall_offset_ns;
	x.record = record;
	x.error = ret_error;
	x.restores = 0;
	x.has_texts = false;
	memset(x.given, 0, sizeof(x.given));
	r->news = false;
	r->odd = NULL;
	while ((more = next_member(x.plan, line, &slot, &m)) > 0)
		if (!take(&x, &m, slot))
			return false;
	if (more < 0)
		return read_fail(&x, line->at, "this is not JSON");
	if (!restore_all(&x))
		return false;
	if (x.has_texts)
		take_process_texts(&x);
	return true;
}

struct known_processes *event_reader_processes(const struct event_reader *r)
{
	return r->processes;
}

bool event_reader_news(const struct event_reader *r)
{
	return r->news;
}

void event_reader_processes_put(struct event_reader *r)
{
	struct process p;

	for (unsigned i = 0; i < process_texts_n; i++)
		*process_text_of(&p, &process_texts[i]) = buf_str(&r->texts[i]);
	if (r->news)
		known_processes_put(r->processes, &r->id, &p);
	r->news = false;
}

bool event_reader_odd_text(const struct event_reader *r, const void *record,
			   struct event_read_error *ret_error)
{
	struct reading x = { .type = r->odd_type, .error = ret_error };
	const char *text;

	if (!r->odd)
		return false;
	text = (const char *)record + r->odd->f->offset;
	(void)fail_value(&x, r->odd, r->odd_at, text, strnlen(text, r->odd->f->size));
	return true;
}
