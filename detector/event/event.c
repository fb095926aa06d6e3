/* SPDX-License-Identifier: BSD-2-Clause */
/* The descriptions that bpf/events.def expands to, and access to fields through them. */
#include "event/event.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

#include "event/derive.h"
#include "event/event_write.h"
#include "event/member.h"

#define TEXTS_MAX 16 /* that a field can be one of */

/* clang-format off */
#define IS_SIGNED(ctype) ((ctype)-1 < (ctype)1)
#define DECIMALS(per)                                                                              \
	((per) == 1e1 ? 1 : (per) == 1e2 ? 2 : (per) == 1e3 ? 3 : (per) == 1e4 ? 4 :               \
	 (per) == 1e5 ? 5 : (per) == 1e6 ? 6 : (per) == 1e7 ? 7 : (per) == 1e8 ? 8 :               \
	 (per) == 1e9 ? 9 : 0)

/* One function an event, since only inside one can `record` stand for that event's struct. */
#define EVENT(event, object, kind, help)                                                           \
	static const struct field *fields_of_##event(unsigned *ret_n)                              \
	{                                                                                          \
		typedef struct ev_##event record;                                                  \
		static const struct field list[] = {
#define STORED(type_, member, shown, per_, role_, unit_, help_)                                    \
	{ .name = #shown, .help = help_, .type = type_, .role = ROLE_##role_, .unit = UNIT_##unit_, \
	  .offset = offsetof(record, member), .size = sizeof(((record *)0)->member), .per = per_,   \
	  .decimals = DECIMALS(per_) },
#define NUM(ctype, name, role, unit, help)                                                         \
	STORED(IS_SIGNED(ctype) ? FIELD_INT : FIELD_UINT, name, name, 1, role, unit, help)
#define SCALED(member, name, per, role, unit, help)                                                \
	STORED(FIELD_REAL, member, name, per, role, unit, help)
#define TEXT(size, name, role, help) STORED(FIELD_TEXT, name, name, 1, role, NONE, help)
#define ADDR(name, role, help) STORED(FIELD_ADDR, name, name, 1, role, NONE, help)
#define DERIVED(type_, shown, role_, unit_, help_)                                                 \
	{ .name = #shown, .help = help_, .type = FIELD_##type_, .role = ROLE_##role_,              \
	  .unit = UNIT_##unit_, .per = 1, .derive = derive_##shown },
#define HIDDEN(ctype, name)
#define HIDDEN_TEXT(size, name)
#define END(event)                                                                                 \
		};                                                                                 \
		*ret_n = ARRAY_SIZE(list);                                                         \
		return list;                                                                       \
	}

#include "../bpf/events.def"

#undef EVENT
#undef NUM
#undef SCALED
#undef TEXT
#undef ADDR
#undef DERIVED
#undef HIDDEN
#undef HIDDEN_TEXT

/* The same for what is not shown. */
#define EVENT(event, object, kind, help)                                                           \
	static const struct field *hidden_of_##event(unsigned *ret_n)                              \
	{                                                                                          \
		typedef struct ev_##event record __attribute__((unused));                                                  \
		static const struct field list[] = {
#define NUM(ctype, name, role, unit, help)
#define SCALED(member, name, per, role, unit, help)
#define TEXT(size, name, role, help)
#define ADDR(name, role, help)
#define DERIVED(type, name, role, unit, help)
#define HIDDEN(ctype, name)                                                                        \
	STORED(IS_SIGNED(ctype) ? FIELD_INT : FIELD_UINT, name, name, 1, LABEL, NONE, "")
#define HIDDEN_TEXT(size, name) STORED(FIELD_TEXT, name, name, 1, LABEL, NONE, "")

#include "../bpf/events.def"

#undef EVENT
#undef NUM
#undef SCALED
#undef TEXT
#undef ADDR
#undef DERIVED
#undef HIDDEN
#undef HIDDEN_TEXT
#undef END

#define NUM(ctype, name, role, unit, help)
#define SCALED(member, name, per, role, unit, help)
#define TEXT(size, name, role, help)
#define ADDR(name, role, help)
#define DERIVED(type, name, role, unit, help)
#define HIDDEN(ctype, name)
#define HIDDEN_TEXT(size, name)

/* The fields that are one of a few texts, with these. */
struct choices {
	const char *field;
	const char *texts[TEXTS_MAX + 1];
};

#define EVENT(event, object, kind, help) static const struct choices choices_of_##event[] = {
#define TEXT_OF(size, name, role, help, ...) { #name, { __VA_ARGS__ } },
#define DERIVED_OF(name, role, help, ...)    { #name, { __VA_ARGS__ } },
#define END(event) { NULL, { NULL } } };
#include "../bpf/events.def"
#undef EVENT
#undef END

#define END(event)
#define EVENT(event, object_, kind_, help_)                                                        \
	{ .name = #event, .object = #object_, .help = help_, .kind = EVENT_##kind_,                \
	  .record_size = sizeof(struct ev_##event) },
static struct event_type types[] = {
#include "../bpf/events.def"
};
#undef EVENT

typedef const struct field *fields_fn(unsigned *ret_n);

#define EVENT(event, object, kind, help)                                                           \
	{ fields_of_##event, hidden_of_##event, choices_of_##event },
static const struct {
	fields_fn *shown, *hidden;
	const struct choices *choices;
} lists[] = {
#include "../bpf/events.def"
};

/* clang-format on */

static const struct field *field_named(const struct event_type *type, const char *name)
{
	return event_field_find(type, name, strlen(name));
}

static void describe(unsigned i)
{
	struct event_type *type = &types[i];

	type->fields = lists[i].shown(&type->n_fields);
	type->hidden = lists[i].hidden(&type->n_hidden);
	type->carried = event_carried(type);
	if (type->kind == EVENT_SAMPLE)
		type->interval = field_named(type, "interval_ms");
	type->process.pid = field_named(type, "pid");
	type->process.ppid = field_named(type, "ppid");
	type->process.uid = field_named(type, "uid");
	type->process.start_time = field_named(type, "start_time_s");
}

const struct event_type *event_types(unsigned *ret_n)
{
	if (!types[0].fields)
		for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
			describe(i);
	*ret_n = ARRAY_SIZE(types);
	return types;
}

static bool named(const char *candidate, const char *name, size_t len)
{
	return strncmp(candidate, name, len) == 0 && candidate[len] == '\0';
}

const struct event_type *event_type_find(const char *name, size_t len)
{
	unsigned n;
	const struct event_type *all = event_types(&n);

	for (unsigned i = 0; i < n; i++)
		if (named(all[i].name, name, len))
			return &all[i];
	return NULL;
}

const struct field *event_field_find(const struct event_type *type, const char *name, size_t len)
{
	for (unsigned i = 0; i < type->n_fields; i++)
		if (named(type->fields[i].name, name, len))
			return &type->fields[i];
	return NULL;
}

const struct event_type *event_field_type(const struct field *f)
{
	unsigned n;
	const struct event_type *all = event_types(&n), *type = all;

	while (type < all + n && !(f >= type->fields && f < type->fields + type->n_fields))
		type++;
	return type;
}

const char *const *event_field_texts(const struct event_type *type, const struct field *f)
{
	const struct choices *c = lists[type - types].choices;

	while (c->field && strcmp(c->field, f->name) != 0)
		c++;
	return c->field ? c->texts : NULL;
}

unsigned event_field_index(const struct event_type *type, const struct field *f)
{
	return (unsigned)(f - type->fields);
}

size_t record_size_max(void)
{
	size_t max = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		max = types[i].record_size > max ? types[i].record_size : max;
	return (max + 15) / 16 * 16;
}

void event_blank(const struct event_type *type, void *ret_record)
{
	memset(ret_record, 0, type->record_size);
	for (unsigned i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];

		if (!f->derive && member_can_miss(f))
			member_store(ret_record, f, member_not_measured(f));
	}
}

uint64_t event_time_ns(const struct event *ev)
{
	uint64_t ts_ns;

	memcpy(&ts_ns, ev->record, sizeof(ts_ns));
	return ts_ns;
}

uint64_t event_wall_ns(const struct event *ev)
{
	return event_time_ns(ev) + (uint64_t)ev->wall_offset_ns;
}

uint64_t event_middle_ns(const struct event *ev)
{
	struct value interval_ms;

	if (!ev->type->interval)
		return event_time_ns(ev);
	event_get(ev, ev->type->interval, &interval_ms);
	if (interval_ms.missing)
		return event_time_ns(ev);
	return event_time_ns(ev) - (uint64_t)(interval_ms.number * NS_PER_MS / 2);
}

void value_set_missing(struct value *v)
{
	v->missing = true;
	v->number = NAN;
	v->u = NOT_MEASURED;
}

static uint64_t load_field(const struct event *ev, const struct field *f)
{
	return f ? member_load(ev->record, f) : 0;
}

struct process_id event_process_id(const struct event *ev)
{
	return (struct process_id){
		.pid = (uint32_t)load_field(ev, ev->type->process.pid),
		.ppid = (uint32_t)load_field(ev, ev->type->process.ppid),
		.uid = (uint32_t)load_field(ev, ev->type->process.uid),
		.start_time_ns = load_field(ev, ev->type->process.start_time),
	};
}

void event_get(const struct event *ev, const struct field *f, struct value *ret)
{
	const unsigned char *at = (const unsigned char *)ev->record + f->offset;

	ret->type = f->type;
	ret->missing = false;
	if (f->derive) {
		f->derive(ev, ret);
		return;
	}
	if (member_missing(ev->record, f)) {
		value_set_missing(ret);
		return;
	}
	switch (f->type) {
	case FIELD_UINT:
		ret->u = member_load(ev->record, f);
		ret->number = (double)ret->u;
		break;
	case FIELD_INT:
		ret->i = member_load_signed(ev->record, f);
		ret->number = (double)ret->i;
		break;
	case FIELD_REAL:
		ret->number = (double)member_load(ev->record, f) / f->per;
		break;
	case FIELD_TEXT:
		ret->text = (const char *)at;
		ret->len = strnlen(ret->text, f->size);
		break;
	case FIELD_ADDR:
		ret->addr = at;
		break;
	}
}

void event_write_json(const struct event *ev, struct json *j)
{
	json_open(j, '{');
	for (unsigned i = 0; i < ev->type->n_fields; i++) {
		struct value v;

		event_get(ev, &ev->type->fields[i], &v);
		json_key(j, ev->type->fields[i].name);
		value_write_json(&v, j);
	}
	json_close(j, '}');
}

static const unsigned char v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

static const char *addr_text(const unsigned char *addr, char text[INET6_ADDRSTRLEN])
{
	if (memcmp(addr, v4_prefix, sizeof(v4_prefix)) == 0)
		return inet_ntop(AF_INET, addr + sizeof(v4_prefix), text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, addr, text, INET6_ADDRSTRLEN);
}

bool addr_parse(const char *s, unsigned char ret_addr[16])
{
	if (inet_pton(AF_INET, s, ret_addr + sizeof(v4_prefix)) == 1) {
		memcpy(ret_addr, v4_prefix, sizeof(v4_prefix));
		return true;
	}
	return inet_pton(AF_INET6, s, ret_addr) == 1;
}

void value_write_json(const struct value *v, struct json *j)
{
	char text[INET6_ADDRSTRLEN];

	if (v->missing) {
		json_null(j);
		return;
	}
	switch (v->type) {
	case FIELD_UINT:
		json_u64(j, v->u);
		break;
	case FIELD_INT:
		json_i64(j, v->i);
		break;
	case FIELD_REAL:
		json_num(j, v->number);
		break;
	case FIELD_TEXT:
		json_strn(j, v->text, v->len);
		break;
	case FIELD_ADDR:
		json_str(j, addr_text(v->addr, text));
		break;
	}
}

void value_write_text(const struct value *v, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	struct json j = { .out = out };

	if (v->type == FIELD_TEXT)
		buf_add(out, v->text, v->len);
	else if (v->type == FIELD_ADDR)
		buf_adds(out, addr_text(v->addr, text));
	else
		value_write_json(v, &j);
}
