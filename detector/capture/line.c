/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_scan.h"
#include "util/nearest.h"

struct line_reader {
	const struct event_type *fallback;
	struct event_reader *events;
	int64_t wall_offset_ns;
	struct event blank; /* its type and record: what event_blank() made last */
	void *blank_record;
	/* of the last line, if it was about a process that is known otherwise */
	bool news;
	struct process_id id;
	struct buf texts[8]; /* in the order of process_texts */
};

struct line_reader *line_reader_new(const struct event_type *fallback)
{
	struct line_reader *r = xcalloc(1, sizeof(*r));

	r->fallback = fallback;
	r->events = event_reader_new();
	r->blank_record = xcalloc(1, record_size_max());
	return r;
}

void line_reader_free(struct line_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(r->texts); i++)
		buf_fini(&r->texts[i]);
	event_reader_free(r->events);
	free(r->blank_record);
	free(r);
}

void line_reader_clock(struct line_reader *r, int64_t wall_offset_ns)
{
	r->wall_offset_ns = wall_offset_ns;
}

static bool PRINTF(3, 4) fail(struct event_read_error *e, const char *at, const char *fmt, ...)
{
	va_list args;

	e->at = at;
	va_start(args, fmt);
	(void)vsnprintf(e->message, sizeof(e->message), fmt, args);
	va_end(args);
	return false;
}

static bool is_key(const struct json_member *m, const char *key)
{
	return m->key_len == strlen(key) && memcmp(m->key, key, m->key_len) == 0;
}

/* --- numbers and sources --------------------------------------------------------------------- */

static bool number(const struct json_member *m, bool may_be_negative, uint64_t *ret,
		   struct event_read_error *e)
{
	char text[24], *end;
	bool negative = m->len > 0 && *m->value == '-';

	if (m->kind == JSON_NUMBER && m->len < sizeof(text) && (may_be_negative || !negative)) {
		memcpy(text, m->value, m->len);
		text[m->len] = '\0';
		*ret = negative ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
		if (*end == '\0')
			return true;
	}
	return fail(e, m->key - 1, "\"%.*s\" must be a whole number", (int)m->key_len, m->key);
}

static bool find_type(const struct json_member *m, const struct event_type **ret,
		      struct event_read_error *e)
{
	const char *names[64], *near;
	unsigned n;
	const struct event_type *types = event_types(&n);
	char name[64];

	*ret = m->kind == JSON_STRING ? event_type_find(m->value, m->len) : NULL;
	if (*ret)
		return true;
	if (m->kind != JSON_STRING)
		return fail(e, m->key - 1, "\"on\" must be the name of a source");
	for (unsigned i = 0; i < n && i < ARRAY_SIZE(names); i++)
		names[i] = types[i].name;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(m->len < 60 ? m->len : 60), m->value);
	near = nearest(name, names, n < ARRAY_SIZE(names) ? n : ARRAY_SIZE(names));
	return fail(e, m->value - 1, "no source \"%s\"%s%s%s", name,
		    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* A row of a short table of what a line may hold besides its first member. */
struct part {
	const char *key;
	bool is_signed;
	uint64_t *number; /* NULL: a source, into type */
	const struct event_type **type;
	bool required;
	bool seen;
};

static bool read_parts(struct json_line *l, struct part *parts, unsigned n,
		       struct event_read_error *e)
{
	struct json_member m;
	int more;

	while ((more = json_line_next(l, &m)) > 0) {
		unsigned i = 0;

		while (i < n && !is_key(&m, parts[i].key))
			i++;
		if (i == n)
			return fail(e, m.key - 1, "unknown key \"%.*s\" in this kind of line",
				    (int)(m.key_len < 60 ? m.key_len : 60), m.key);
		if (parts[i].number ? !number(&m, parts[i].is_signed, parts[i].number, e)
				    : !find_type(&m, parts[i].type, e))
			return false;
		parts[i].seen = true;
	}
	if (more < 0)
		return fail(e, l->at, "this is not JSON");
	for (unsigned i = 0; i < n; i++)
		if (parts[i].required && !parts[i].seen)
			return fail(e, l->end, "\"%s\" is missing", parts[i].key);
	return true;
}

/* --- the kinds of lines ---------------------------------------------------------------------- */

static bool read_tick(struct line_reader *r, struct json_line *l, const struct json_member *first,
		      struct capture_entry *ret, struct event_read_error *e)
{
	uint64_t offset = (uint64_t)r->wall_offset_ns;
	struct part parts[] = {
		{ .key = "wall_offset_ns", .is_signed = true, .number = &offset },
	};

	ret->kind = ENTRY_TICK;
	if (!number(first, false, &ret->now_ns, e) || !read_parts(l, parts, ARRAY_SIZE(parts), e))
		return false;
	ret->wall_offset_ns = (int64_t)offset;
	return true;
}

static bool read_loss(struct json_line *l, const struct json_member *first,
		      struct capture_entry *ret, struct event_read_error *e)
{
	struct part parts[] = {
		{ .key = "on", .type = &ret->type, .required = true },
		{ .key = "at_ns", .number = &ret->now_ns, .required = true },
	};

	ret->kind = ENTRY_LOSS;
	return number(first, false, &ret->lost, e) && read_parts(l, parts, ARRAY_SIZE(parts), e);
}

static bool read_rules(struct json_line *l, const struct json_member *first,
		       struct capture_entry *ret, struct event_read_error *e)
{
	uint64_t offset = 0;
	struct part parts[] = {
		{ .key = "at_ns", .number = &ret->now_ns, .required = true },
		{ .key = "wall_offset_ns", .is_signed = true, .number = &offset, .required = true },
	};
	char text[17], *end;

	if (first->kind != JSON_STRING || first->len != sizeof(text) - 1)
		return fail(e, first->key - 1, "\"rules\" must be 16 hexadecimal digits");
	memcpy(text, first->value, first->len);
	text[first->len] = '\0';
	ret->rules = strtoull(text, &end, 16);
	if (end != text + first->len)
		return fail(e, first->key - 1, "\"rules\" must be 16 hexadecimal digits");
	ret->kind = ENTRY_RULES;
	if (!read_parts(l, parts, ARRAY_SIZE(parts), e))
		return false;
	ret->wall_offset_ns = (int64_t)offset;
	return true;
}

static bool read_clock(struct line_reader *r, struct json_line *l, const struct json_member *first,
		       struct event_read_error *e)
{
	uint64_t offset;

	if (!number(first, true, &offset, e) || !read_parts(l, NULL, 0, e))
		return false;
	r->wall_offset_ns = (int64_t)offset;
	return true;
}

static bool read_process_member(struct line_reader *r, const struct json_member *m,
				struct event_read_error *e)
{
	const struct process_text *t = process_text_find(m->key, m->key_len);
	AUTO_FREE char *decoded = NULL;

	if (is_key(m, "start_time_ns"))
		return number(m, false, &r->id.start_time_ns, e);
	if (!t || m->kind != JSON_STRING)
		return fail(e, m->key - 1, "\"%.*s\" is no text about a process",
			    (int)(m->key_len < 60 ? m->key_len : 60), m->key);
	decoded = xcalloc(1, m->len + 1);
	buf_add(&r->texts[t - process_texts], decoded,
		json_unescape_bytes(m->value, m->len, decoded));
	return true;
}

static struct process said_of_process(const struct line_reader *r)
{
	struct process p;

	for (unsigned i = 0; i < process_texts_n; i++)
		*process_text_of(&p, &process_texts[i]) = buf_str(&r->texts[i]);
	return p;
}

static bool read_process(struct line_reader *r, struct json_line *l,
			 const struct json_member *first, struct event_read_error *e)
{
	struct json_member m;
	struct process p;
	uint64_t pid;
	int more;

	for (unsigned i = 0; i < process_texts_n; i++)
		buf_reset(&r->texts[i]);
	r->id = (struct process_id){ 0 };
	if (!number(first, false, &pid, e))
		return false;
	r->id.pid = (uint32_t)pid;
	while ((more = json_line_next(l, &m)) > 0)
		if (!read_process_member(r, &m, e))
			return false;
	if (more < 0)
		return fail(e, l->at, "this is not JSON");
	p = said_of_process(r);
	r->news = !known_processes_has(event_reader_processes(r->events), &r->id, &p);
	return true;
}

static bool read_event(struct line_reader *r, const struct event_type *type, struct json_line *l,
		       void *record, struct capture_entry *ret, struct event_read_error *e)
{
	if (r->blank.type != type) {
		event_blank(type, r->blank_record);
		r->blank.type = type;
	}
	memcpy(record, r->blank_record, type->record_size);
	ret->kind = ENTRY_EVENT;
	ret->event = (struct event){
		.type = type,
		.record = record,
		.wall_offset_ns = r->wall_offset_ns,
		.processes = known_processes_lookup(event_reader_processes(r->events)),
	};
	if (!event_read(r->events, type, r->wall_offset_ns, l, record, e))
		return false;
	ret->news = event_reader_news(r->events);
	return true;
}

/* An event that does not begin with its source. */
static bool read_plain(struct line_reader *r, const char *text, size_t len, void *record,
		       struct capture_entry *ret, struct event_read_error *e)
{
	const struct event_type *type = r->fallback;
	struct json_line l;
	struct json_member m;
	int more;

	(void)json_line_open(&l, text, len);
	while ((more = json_line_next(&l, &m)) > 0)
		if (is_key(&m, "on") && !find_type(&m, &type, e))
			return false;
	if (more < 0)
		return fail(e, l.at, "this is not JSON");
	if (!type)
		return fail(e, text, "no \"on\" in this event: of which source is it?");
	(void)json_line_open(&l, text, len);
	return read_event(r, type, &l, record, ret, e);
}

bool line_read(struct line_reader *r, const char *text, size_t len, void *record,
	       struct capture_entry *ret, struct event_read_error *e)
{
	struct json_line l;
	struct json_member first;
	const struct event_type *type;
	int more;

	*ret = (struct capture_entry){ .kind = ENTRY_NOTHING };
	r->news = false;
	if (!json_line_open(&l, text, len))
		return fail(e, text, "this is no JSON object");
	more = json_line_next(&l, &first);
	if (more <= 0)
		return fail(e, l.at, more ? "this is not JSON" : "an empty object");
	if (is_key(&first, "on"))
		return find_type(&first, &type, e) && read_event(r, type, &l, record, ret, e);
	if (is_key(&first, "tick"))
		return read_tick(r, &l, &first, ret, e);
	if (is_key(&first, "lost"))
		return read_loss(&l, &first, ret, e);
	if (is_key(&first, "rules"))
		return read_rules(&l, &first, ret, e);
	if (is_key(&first, "wall_offset_ns"))
		return read_clock(r, &l, &first, e);
	if (is_key(&first, "end")) {
		ret->kind = ENTRY_END;
		return number(&first, false, &ret->events, e) && read_parts(&l, NULL, 0, e);
	}
	if (is_key(&first, "process") && first.kind == JSON_NUMBER) {
		if (!read_process(r, &l, &first, e))
			return false;
		ret->news = r->news;
		return true;
	}
	return read_plain(r, text, len, record, ret, e);
}

bool line_has_odd_text(const struct line_reader *r, const void *record,
		       struct event_read_error *ret_error)
{
	return event_reader_odd_text(r->events, record, ret_error);
}

void line_reader_go_on(struct line_reader *r)
{
	struct process p;

	event_reader_processes_put(r->events);
	if (!r->news)
		return;
	p = said_of_process(r);
	known_processes_put(event_reader_processes(r->events), &r->id, &p);
	r->news = false;
}
