/* SPDX-License-Identifier: BSD-2-Clause */
/* From a value in JSON to the members of the record: its own, or those that a derived field is of. */
#include "event/event_read_parts.h"

#include <string.h>

#include "event/member.h"
#include "util/json_number.h"
#include "util/json_scan.h"

bool set_number(struct reading *x, const struct slot *s, const struct json_member *m)
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
		if (!json_unsigned(m, &v) || v > max)
			return fail_whole(x, m, max);
	} else if (f->type == FIELD_INT) {
		if (!json_signed(m, &i) || i > (int64_t)(max >> 1) || i < -(int64_t)(max >> 1) - 1)
			return fail_signed(x, m, (int64_t)(max >> 1));
		v = (uint64_t)i;
	} else if (!json_scaled(m, f->per, f->decimals, &v)) {
		return fail_type(x, m, "a number that is not negative");
	}
	member_store(x->record, f, v);
	return true;
}

bool set_text(struct reading *x, const struct slot *s, const struct json_member *m)
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
		return read_fail(x, m->value - 1, "field \"%s\": longer than %u bytes", s->name,
				 s->f->size);
	if (memchr(text, '\0', len))
		return read_fail(x, m->value - 1, "field \"%s\": a text cannot hold \\u0000",
				 s->name);
	memset(at, 0, s->f->size);
	memcpy(at, text, len);
	if (s->texts && len && !x->r->odd && !is_possible(s, text, len)) {
		x->r->odd = s;
		x->r->odd_at = m->value - 1;
		x->r->odd_type = x->type;
	}
	return true;
}

bool set_addr(struct reading *x, const struct slot *s, const struct json_member *m)
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

/* --- derived fields -------------------------------------------------------------------------- */

/* The value as a restore reads it. A decoded text is in *ret_decoded, for the caller to free. */
static bool get_derived(struct reading *x, const struct field *f, const struct json_member *m,
			struct value *v, char **ret_decoded)
{
	v->type = f->type;
	v->missing = false;
	switch (f->type) {
	case FIELD_UINT:
		if (!json_unsigned(m, &v->u))
			return fail_whole(x, m, UINT64_MAX);
		v->number = (double)v->u;
		return true;
	case FIELD_REAL:
		if (!json_double(m, &v->number))
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
		return fail_value(x, s, m->value - (m->kind == JSON_STRING),
				  v.type == FIELD_TEXT ? v.text : "",
				  v.type == FIELD_TEXT ? v.len : 0);
	for (unsigned i = 0; i < RESTORE_FROM_MAX; i++)
		if (s->from[i] != NO_SLOT)
			x->given[s->from[i]] = true;
	if (!came_back(x, s->f, &v))
		return read_fail(x, m->value - 1, "field \"%s\": the other fields say otherwise",
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

bool restore_all(struct reading *x)
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
