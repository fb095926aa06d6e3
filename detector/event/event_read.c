/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For each type a list of the keys that its objects may have. Objects come with their keys in the
 * order of the table, so the key behind the last one is tried first.
 */
#include "event/event_read.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "event/member.h"
#include "event/restore.h"
#include "util/json_scan.h"
#include "util/nearest.h"

#define SLOTS_MAX   128 /* keys of one event */
#define RESTORE_MAX 64	/* rows of restore_table() */
#define NO_SLOT	    SLOTS_MAX

struct slot {
	const char *name;
	size_t name_len;
	char *written; /* "name": as it mostly stands in the text */
	const struct field *f;
	const struct process_text *text; /* it is one about the process */
	unsigned from[RESTORE_FROM_MAX]; /* the slots its restore sets; NO_SLOT */
	int restore;			 /* row of restore_table(); -1: none */
};

struct plan {
	struct slot slots[SLOTS_MAX];
	unsigned n;
	unsigned slot_of[RESTORE_MAX]; /* of the field that a row of restore_table() puts back */
};

struct event_reader {
	struct plan *plans; /* one for each of event_types() */
	struct known_processes *processes;
	/* what the last event said of its process, if that is news */
	bool news;
	struct process_id id;
	struct buf texts[8]; /* in the order of process_texts */
};

/* An object being read. */
struct reading {
	struct event_reader *r;
	const struct plan *plan;
	const struct event_type *type;
	int64_t wall_offset_ns;
	void *record;
	struct event_read_error *error;
	bool given[SLOTS_MAX + 1]; /* and false for NO_SLOT */
	uint64_t restores;	   /* rows of restore_table() to be done */
	struct json_member to_restore[RESTORE_MAX];
	struct value restored;
	bool has_texts;
};

static const struct field ts_field = {
	.name = "ts_ns",
	.type = FIELD_UINT,
	.size = sizeof(__u64),
	.per = 1,
};

/* --- the keys of a type ---------------------------------------------------------------------- */

static void add_slot(struct plan *plan, const struct field *f)
{
	struct slot *s = &plan->slots[plan->n];

	if (plan->n == SLOTS_MAX)
		abort(); /* a block in bpf/events.def that large is a mistake there */
	plan->n++;
	*s = (struct slot){ .name = f->name, .name_len = strlen(f->name), .f = f, .restore = -1 };
	s->written = xasprintf("\"%s\":", f->name);
	if (f->derive && f->type == FIELD_TEXT)
		s->text = process_text_find(f->name, s->name_len);
}

static unsigned slot_named(const struct plan *plan, const char *name)
{
	for (unsigned i = 0; name && i < plan->n; i++)
		if (strcmp(plan->slots[i].name, name) == 0)
			return i;
	return NO_SLOT;
}

static void set_restores(struct plan *plan)
{
	unsigned n;
	const struct restore *table = restore_table(&n);

	for (unsigned row = 0; row < n && row < RESTORE_MAX; row++) {
		unsigned i = slot_named(plan, table[row].name);

		if (i == NO_SLOT || !plan->slots[i].f->derive)
			continue;
		for (unsigned k = 0; k < RESTORE_FROM_MAX; k++)
			plan->slots[i].from[k] = slot_named(plan, table[row].from[k]);
		/* a field of that name which comes from something else is not this one */
		if (plan->slots[i].from[0] == NO_SLOT)
			continue;
		plan->slots[i].restore = (int)row;
		plan->slot_of[row] = i;
	}
}

/* The slots that a restore sets are found by the names of members, those of scaled ones too. */
static void name_members(struct plan *plan, const struct event_type *type)
{
	add_slot(plan, &ts_field);
	for (unsigned i = 0; i < type->n_fields; i++)
		add_slot(plan, &type->fields[i]);
	for (unsigned i = 0; i < type->n_hidden; i++)
		add_slot(plan, &type->hidden[i]);
	set_restores(plan);
}

struct event_reader *event_reader_new(void)
{
	struct event_reader *r = xcalloc(1, sizeof(*r));
	unsigned n;
	const struct event_type *types = event_types(&n);

	r->plans = xcalloc(n, sizeof(*r->plans));
	for (unsigned i = 0; i < n; i++)
		name_members(&r->plans[i], &types[i]);
	r->processes = known_processes_new();
	return r;
}

static void free_plans(struct event_reader *r)
{
	unsigned n;

	(void)event_types(&n);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < r->plans[i].n; k++)
			free(r->plans[i].slots[k].written);
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

/* --- messages -------------------------------------------------------------------------------- */

static bool PRINTF(3, 4) fail(struct reading *x, const char *at, const char *fmt, ...)
{
	va_list args;

	x->error->at = at;
	va_start(args, fmt);
	(void)vsnprintf(x->error->message, sizeof(x->error->message), fmt, args);
	va_end(args);
	return false;
}

static bool fail_type(struct reading *x, const struct json_member *m, const char *expected)
{
	static const char *const found[] = {
		[JSON_STRING] = "a string", [JSON_NUMBER] = "the number",
		[JSON_TRUE] = "true",	    [JSON_FALSE] = "false",
		[JSON_NULL] = "null",	    [JSON_NESTED] = "a list or an object",
	};
	int shown = m->kind == JSON_NUMBER ? (int)(m->len < 40 ? m->len : 40) : 0;

	return fail(x, m->value - (m->kind == JSON_STRING),
		    "field \"%.*s\": found %s%s%.*s; expected %s", (int)m->key_len, m->key,
		    found[m->kind], shown ? " " : "", shown, m->value, expected);
}

static bool fail_whole(struct reading *x, const struct json_member *m, uint64_t max)
{
	char expected[80];

	(void)snprintf(expected, sizeof(expected), "a whole number from 0 to %llu",
		       (unsigned long long)max);
	return fail_type(x, m, expected);
}

static bool fail_signed(struct reading *x, const struct json_member *m, int64_t max)
{
	char expected[80];

	(void)snprintf(expected, sizeof(expected), "a whole number from %lld to %lld",
		       (long long)(-max - 1), (long long)max);
	return fail_type(x, m, expected);
}

static bool fail_key(struct reading *x, const struct json_member *m)
{
	const char *names[SLOTS_MAX], *near;
	AUTO_FREE char *key = xstrndup(m->key, m->key_len < 64 ? m->key_len : 64);

	for (unsigned i = 0; i < x->plan->n; i++)
		names[i] = x->plan->slots[i].name;
	near = nearest(key, names, x->plan->n);
	return fail(x, m->key - 1, "source %s has no field \"%s\"%s%s%s", x->type->name, key,
		    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Digits alone; false also if they are too many for 64 bits. */
static bool parse_digits(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if (len == 0 || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned char)s[i] - '0';

		if (digit > 9)
			return false;
		if (i < 19)
			v = v * 10 + digit;
		else if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return true;
}

static bool parse_double(const struct json_member *m, double *ret)
{
	char text[64];
	char *end;

	if (m->kind != JSON_NUMBER || m->len >= sizeof(text))
		return false;
	memcpy(text, m->value, m->len);
	text[m->len] = '\0';
	*ret = strtod(text, &end);
	return *end == '\0' && isfinite(*ret);
}

/* A whole number written with digits alone or not: 1e3, 5.0. */
static bool parse_unsigned(const struct json_member *m, uint64_t *ret)
{
	double v;

	if (m->kind != JSON_NUMBER)
		return false;
	if (parse_digits(m->value, m->len, ret))
		return true;
	if (!memchr(m->value, '.', m->len) && !memchr(m->value, 'e', m->len) &&
	    !memchr(m->value, 'E', m->len))
		return false;
	if (!parse_double(m, &v) || v < 0 || v > 0x1p53 || v != floor(v))
		return false;
	*ret = (uint64_t)v;
	return true;
}

static bool parse_signed(const struct json_member *m, int64_t *ret)
{
	struct json_member rest = *m;
	bool negative = m->kind == JSON_NUMBER && *m->value == '-';
	uint64_t v;

	rest.value += negative;
	rest.len -= negative;
	if (!parse_unsigned(&rest, &v) || v > (uint64_t)INT64_MAX + negative)
		return false;
	*ret = negative ? (int64_t)-v : (int64_t)v;
	return true;
}

/* A number with a decimal point as an integer of that many decimals, rounded. */
static bool parse_fixed(const char *s, size_t len, unsigned decimals, uint64_t *ret)
{
	const char *point = memchr(s, '.', len);
	size_t whole_len = point ? (size_t)(point - s) : len, taken;
	uint64_t v, fraction = 0;

	if (!parse_digits(s, whole_len, &v))
		return false;
	for (unsigned i = 0; i < decimals; i++)
		if (__builtin_mul_overflow(v, 10, &v))
			return false;
	if (point) {
		size_t n = len - whole_len - 1;

		taken = n < decimals ? n : decimals;
		if (taken && !parse_digits(point + 1, taken, &fraction))
			return false;
		for (size_t i = taken; i < decimals; i++)
			fraction *= 10;
		if (n > decimals && point[1 + decimals] >= '5')
			fraction++;
		for (size_t i = taken; i < n; i++)
			if (point[1 + i] < '0' || point[1 + i] > '9')
				return false;
	}
	return !__builtin_add_overflow(v, fraction, ret);
}

static bool parse_scaled(const struct json_member *m, const struct field *f, uint64_t *ret)
{
	double v;

	if (m->kind != JSON_NUMBER)
		return false;
	if (parse_fixed(m->value, m->len, f->decimals, ret))
		return true;
	if (!parse_double(m, &v) || v < 0 || v * f->per >= 0x1p63)
		return false;
	*ret = (uint64_t)(v * f->per + 0.5);
	return true;
}

static bool set_number(struct reading *x, const struct slot *s, const struct json_member *m)
{
	const struct field *f = s->f;
	uint64_t max = f->size < sizeof(max) ? (1ull << (8 * f->size)) - 1 : UINT64_MAX;
	uint64_t v;
	int64_t i;

	if (m->kind == JSON_NULL && member_can_miss(f)) {
		member_store(x->record, f, member_not_measured(f));
		return true;
	}
	if (f->type == FIELD_UINT) {
		if (!parse_unsigned(m, &v) || v > max)
			return fail_whole(x, m, max);
	} else if (f->type == FIELD_INT) {
		if (!parse_signed(m, &i) || i > (int64_t)(max >> 1) || i < -(int64_t)(max >> 1) - 1)
			return fail_signed(x, m, (int64_t)(max >> 1));
		v = (uint64_t)i;
	} else if (!parse_scaled(m, f, &v)) {
		return fail_type(x, m, "a number that is not negative");
	}
	member_store(x->record, f, v);
	return true;
}

/* --- texts ----------------------------------------------------------------------------------- */

static bool set_text(struct reading *x, const struct slot *s, const struct json_member *m)
{
	char *at = (char *)x->record + s->f->offset;
	AUTO_FREE char *decoded = NULL;
	const char *text = m->value;
	size_t len = m->len;

	if (m->kind != JSON_STRING)
		return fail_type(x, m, "a string");
	if (m->escaped) {
		decoded = xcalloc(1, len);
		len = json_unescape_bytes(m->value, m->len, decoded);
		text = decoded;
	}
	if (len > s->f->size)
		return fail(x, m->value - 1, "field \"%s\": longer than %u bytes", s->name,
			    s->f->size);
	if (memchr(text, '\0', len))
		return fail(x, m->value - 1, "field \"%s\": a text cannot hold \\u0000", s->name);
	memset(at, 0, s->f->size);
	memcpy(at, text, len);
	return true;
}

static bool set_addr(struct reading *x, const struct slot *s, const struct json_member *m)
{
	char text[64];

	if (m->kind != JSON_STRING || m->len >= sizeof(text))
		return fail_type(x, m, "an IPv4 or IPv6 address");
	memcpy(text, m->value, m->len);
	text[m->len] = '\0';
	if (addr_parse(text, (unsigned char *)x->record + s->f->offset))
		return true;
	return fail_type(x, m, "an IPv4 or IPv6 address");
}

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

/* --- derived fields -------------------------------------------------------------------------- */

/* The value as a restore reads it. A decoded text is in *ret_decoded, for the caller to free. */
static bool get_derived(struct reading *x, const struct field *f, const struct json_member *m,
			struct value *v, char **ret_decoded)
{
	v->type = f->type;
	v->missing = false;
	switch (f->type) {
	case FIELD_UINT:
		if (!parse_unsigned(m, &v->u))
			return fail_whole(x, m, UINT64_MAX);
		v->number = (double)v->u;
		return true;
	case FIELD_REAL:
		if (!parse_double(m, &v->number))
			return fail_type(x, m, "a number");
		return true;
	case FIELD_TEXT:
		if (m->kind != JSON_STRING)
			return fail_type(x, m, "a string");
		v->text = m->value;
		v->len = m->len;
		if (m->escaped) {
			*ret_decoded = xcalloc(1, m->len);
			v->len = json_unescape_bytes(m->value, m->len, *ret_decoded);
			v->text = *ret_decoded;
		}
		return true;
	default:
		return fail_type(x, m, "nothing: this field is computed");
	}
}

/* Some values say nothing without the right others: the type of a file of a call on none. */
static bool came_back(const struct reading *x, const struct field *f, const struct value *v)
{
	struct event ev = { .type = x->type,
			    .record = x->record,
			    .wall_offset_ns = x->wall_offset_ns };
	struct value now;

	if (f->type != FIELD_TEXT || f->role == ROLE_TIME)
		return true;
	event_get(&ev, f, &now);
	return now.len == v->len && memcmp(now.text, v->text, v->len) == 0;
}

static bool restore(struct reading *x, const struct slot *s, const struct restore *how,
		    const struct json_member *m)
{
	struct restoring to = {
		.type = x->type,
		.record = x->record,
		.wall_offset_ns = x->wall_offset_ns,
	};
	AUTO_FREE char *decoded = NULL;
	struct value v;

	for (unsigned i = 0; i < RESTORE_FROM_MAX; i++) {
		if (s->from[i] != NO_SLOT) {
			to.given[i] = x->given[s->from[i]];
			to.from[i] = x->plan->slots[s->from[i]].f;
		}
	}
	if (!get_derived(x, s->f, m, &v, &decoded))
		return false;
	if (!how->put(&v, &to))
		return fail(x, m->value - (m->kind == JSON_STRING),
			    "field \"%s\": no event of source %s has that value", s->name,
			    x->type->name);
	for (unsigned i = 0; i < RESTORE_FROM_MAX; i++)
		if (s->from[i] != NO_SLOT)
			x->given[s->from[i]] = true;
	if (!came_back(x, s->f, &v))
		return fail(x, m->value - 1, "field \"%s\": the other fields say otherwise",
			    s->name);
	return true;
}

static bool all_given(const struct reading *x, const struct slot *s)
{
	for (unsigned i = 0; i < RESTORE_FROM_MAX; i++)
		if (s->from[i] != NO_SLOT && !x->given[s->from[i]])
			return false;
	return true;
}

static bool restore_all(struct reading *x)
{
	unsigned n;
	const struct restore *table = restore_table(&n);

	for (uint64_t left = x->restores; left; left &= left - 1) {
		unsigned row = (unsigned)__builtin_ctzll(left);
		const struct json_member *m = &x->to_restore[row];
		const struct slot *s = &x->plan->slots[x->plan->slot_of[row]];

		if (!all_given(x, s) && !restore(x, s, &table[row], m))
			return false;
	}
	return true;
}

/* --- objects --------------------------------------------------------------------------------- */

static bool is_slot(const struct slot *s, const struct json_member *m)
{
	return s->name_len == m->key_len && memcmp(s->name, m->key, m->key_len) == 0;
}

/* The slot of a key, looked for from `from` on; NO_SLOT if there is none. */
static unsigned find_slot(const struct plan *plan, const struct json_member *m, unsigned from)
{
	for (unsigned i = from; i < plan->n; i++)
		if (is_slot(&plan->slots[i], m))
			return i;
	for (unsigned i = 0; i < from && i < plan->n; i++)
		if (is_slot(&plan->slots[i], m))
			return i;
	return NO_SLOT;
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

/* What the texts say of the process, if it is not known yet. */
static void take_texts(struct reading *x)
{
	struct event_reader *r = x->r;
	struct event ev = { .type = x->type, .record = x->record };
	struct process p;

	r->id = event_process_id(&ev);
	for (unsigned i = 0; i < process_texts_n; i++)
		*process_text_of(&p, &process_texts[i]) = buf_str(&r->texts[i]);
	r->news = !known_processes_has(r->processes, &r->id, &p);
}

static bool take(struct reading *x, const struct json_member *m, unsigned i)
{
	if (i == NO_SLOT)
		return (m->key_len == 2 && memcmp(m->key, "on", 2) == 0) || fail_key(x, m);
	if (x->given[i])
		return fail(x, m->key - 1, "field \"%s\" is there twice", x->plan->slots[i].name);
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
		*slot = find_slot(plan, ret, expected);
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
	while ((more = next_member(x.plan, line, &slot, &m)) > 0)
		if (!take(&x, &m, slot))
			return false;
	if (more < 0)
		return fail(&x, line->at, "this is not JSON");
	if (!restore_all(&x))
		return false;
	if (x.has_texts)
		take_texts(&x);
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

size_t record_size_max(void)
{
	size_t max = 0;
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++)
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

/* --- writing --------------------------------------------------------------------------------- */

static bool is_carried(const struct field *f)
{
	if (!f->derive)
		return true;
	if (f->role == ROLE_TIME)
		return strcmp(f->name, "timestamp") == 0;
	return f->type != FIELD_REAL && !process_text_find(f->name, strlen(f->name));
}

uint64_t event_carried(const struct event_type *type)
{
	uint64_t carried = 0;

	for (unsigned i = 0; i < type->n_fields && i < 64; i++)
		carried |= (uint64_t)is_carried(&type->fields[i]) << i;
	return carried;
}

static void write_field(const struct event *ev, const struct field *f, struct json *j)
{
	struct value v;

	json_key(j, f->name);
	if (!f->derive && f->type == FIELD_REAL && f->decimals > 0 &&
	    !member_missing(ev->record, f)) {
		json_fixed(j, member_load(ev->record, f), f->decimals);
		return;
	}
	event_get(ev, f, &v);
	if (v.type == FIELD_TEXT && !v.missing)
		json_bytes(j, v.text, v.len);
	else
		value_write_json(&v, j);
}

void event_write_whole(const struct event *ev, struct json *j)
{
	const struct event_type *type = ev->type;

	for (uint64_t left = type->carried; left; left &= left - 1)
		write_field(ev, &type->fields[__builtin_ctzll(left)], j);
	for (unsigned i = 0; i < type->n_hidden; i++)
		write_field(ev, &type->hidden[i], j);
}
