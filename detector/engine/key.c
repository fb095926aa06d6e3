/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/key.h"

#include <stdlib.h>
#include <string.h>

#include "util/control.h"
#include "util/utf8.h"

#define ADDR_BYTES 16

static size_t pack_text(const struct value *v, unsigned char *ret_packed)
{
	size_t len = v->len < KEY_TEXT_MAX ? v->len : KEY_TEXT_MAX;

	ret_packed[0] = (unsigned char)len;
	if (len)
		memcpy(ret_packed + 1, v->text, len);
	return 1 + len;
}

static size_t pack_bytes(const void *data, size_t len, unsigned char *ret_packed)
{
	memcpy(ret_packed, data, len);
	return len;
}

static size_t pack_value(enum field_type type, const struct value *v, unsigned char *ret_packed)
{
	switch (type) {
	case FIELD_TEXT:
		return pack_text(v, ret_packed);
	case FIELD_ADDR:
		return pack_bytes(v->addr, ADDR_BYTES, ret_packed);
	case FIELD_UINT:
		return pack_bytes(&v->u, sizeof(v->u), ret_packed);
	case FIELD_INT:
		return pack_bytes(&v->i, sizeof(v->i), ret_packed);
	case FIELD_REAL:
		return pack_bytes(&v->number, sizeof(v->number), ret_packed);
	}
	return 0;
}

static const struct field *start_time_of(const struct event_type *type)
{
	static const char name[] = "start_time_s";

	return event_field_find(type, name, strlen(name));
}

static bool tells_processes_apart(const struct rule *rule)
{
	bool by_process = false;

	for (unsigned i = 0; i < rule->n_by; i++)
		by_process |=
			!strcmp(rule->by[i]->name, "pid") || !strcmp(rule->by[i]->name, "tid");
	return by_process && start_time_of(rule->on) && (!rule->with || start_time_of(rule->with));
}

void key_fields(const struct rule *rule, unsigned source, struct key_fields *ret)
{
	const struct field *const *by = source == 0 ? rule->by : rule->with_by;

	*ret = (struct key_fields){ .n = rule->n_by };
	for (unsigned i = 0; i < rule->n_by; i++)
		ret->fields[i] = by[i];
	if (tells_processes_apart(rule))
		ret->fields[ret->n++] = start_time_of(source == 0 ? rule->on : rule->with);
}

static size_t text_bytes_max(const struct field *f)
{
	return f->derive || f->size > KEY_TEXT_MAX ? KEY_TEXT_MAX : f->size;
}

size_t key_bytes_max(const struct key_fields *fields)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < fields->n; i++) {
		const struct field *f = fields->fields[i];

		if (f->type == FIELD_TEXT)
			bytes += 1 + text_bytes_max(f);
		else
			bytes += f->type == FIELD_ADDR ? ADDR_BYTES : sizeof(uint64_t);
	}
	return bytes;
}

size_t key_pack(const struct key_fields *fields, const struct event *ev,
		unsigned char ret_packed[KEY_BYTES_MAX])
{
	struct value v;
	size_t len = 0;

	for (unsigned i = 0; i < fields->n; i++) {
		event_get(ev, fields->fields[i], &v);
		len += pack_value(fields->fields[i]->type, &v, ret_packed + len);
	}
	return len;
}

size_t key_pack_values(const struct value *const *values, unsigned n,
		       unsigned char ret_packed[KEY_BYTES_MAX])
{
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += pack_value(values[i]->type, values[i], ret_packed + len);
	return len;
}

static size_t unpack_value(enum field_type type, const unsigned char *packed, struct value *ret)
{
	*ret = (struct value){ .type = type };
	switch (type) {
	case FIELD_TEXT:
		ret->text = (const char *)packed + 1;
		ret->len = packed[0];
		return 1 + ret->len;
	case FIELD_ADDR:
		ret->addr = packed;
		return ADDR_BYTES;
	case FIELD_UINT:
		memcpy(&ret->u, packed, sizeof(ret->u));
		ret->number = (double)ret->u;
		return sizeof(ret->u);
	case FIELD_INT:
		memcpy(&ret->i, packed, sizeof(ret->i));
		ret->number = (double)ret->i;
		return sizeof(ret->i);
	case FIELD_REAL:
		memcpy(&ret->number, packed, sizeof(ret->number));
		return sizeof(ret->number);
	}
	return 0;
}

void key_unpack(const struct rule *rule, const unsigned char *packed,
		struct value ret_values[RULE_BY_MAX])
{
	for (unsigned i = 0; i < rule->n_by; i++)
		packed += unpack_value(rule->by[i]->type, packed, &ret_values[i]);
}

static void escape_text(const struct value *v, struct buf *out)
{
	for (size_t at = 0; at < v->len;) {
		const char *s = v->text + at;
		size_t n = utf8_length(s, v->len - at);

		if (n == 0 || is_control(s, n)) {
			buf_addf(out, "\\x%02x", (unsigned char)*s);
			at++;
			continue;
		}
		if (*s == ',' || *s == '\\')
			buf_addc(out, '\\');
		buf_add(out, s, n);
		at += n;
	}
}

void key_text(const struct rule *rule, const struct value *values, const char *separator,
	      struct buf *out)
{
	for (unsigned i = 0; i < rule->n_by; i++) {
		buf_addf(out, "%s%s=", i ? separator : "", rule->by[i]->name);
		if (values[i].type == FIELD_TEXT)
			escape_text(&values[i], out);
		else
			value_write_text(&values[i], out);
	}
}

char *key_text_part(const char **at)
{
	struct buf part = { 0 };
	const char *s = *at;

	for (; *s && *s != ','; s++) {
		char hex[3] = "";

		if (*s != '\\' || !s[1]) {
			buf_addc(&part, *s);
			continue;
		}
		s++;
		if (*s == 'x' && s[1] && s[2]) {
			memcpy(hex, s + 1, 2);
			buf_addc(&part, (char)strtoul(hex, NULL, 16));
			s += 2;
		} else {
			buf_addc(&part, *s);
		}
	}
	*at = *s ? s + 1 : s;
	return part.data ? buf_steal(&part) : xstrdup("");
}
