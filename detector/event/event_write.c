/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/event_write.h"

#include <string.h>

#include "event/known_processes.h"
#include "event/member.h"

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
