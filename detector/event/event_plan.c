/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/event_plan.h"

#include <stdlib.h>
#include <string.h>

static const struct field ts_field = {
	.name = "ts_ns",
	.type = FIELD_UINT,
	.size = sizeof(__u64),
	.per = 1,
};

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

void plan_init(struct plan *plan, const struct event_type *type)
{
	add_slot(plan, &ts_field);
	for (unsigned i = 0; i < type->n_fields; i++) {
		add_slot(plan, &type->fields[i]);
		plan->slots[plan->n - 1].texts = event_field_texts(type, &type->fields[i]);
	}
	for (unsigned i = 0; i < type->n_hidden; i++)
		add_slot(plan, &type->hidden[i]);
	set_restores(plan);
}

void plan_fini(struct plan *plan)
{
	for (unsigned i = 0; i < plan->n; i++)
		free(plan->slots[i].written);
}

static bool is_slot(const struct slot *s, const struct json_member *m)
{
	return s->name_len == m->key_len && memcmp(s->name, m->key, m->key_len) == 0;
}

unsigned plan_find(const struct plan *plan, const struct json_member *m, unsigned from)
{
	for (unsigned i = from; i < plan->n; i++)
		if (is_slot(&plan->slots[i], m))
			return i;
	for (unsigned i = 0; i < from && i < plan->n; i++)
		if (is_slot(&plan->slots[i], m))
			return i;
	return NO_SLOT;
}
