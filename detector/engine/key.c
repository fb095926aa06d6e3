/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/key.h"

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

const struct field *key_start_time(const struct rule *rule)
{
	static const char name[] = "start_time_s";

	for (unsigned i = 0; i < rule->n_by; i++)
		if (!strcmp(rule->by[i]->name, "pid") || !strcmp(rule->by[i]->name, "tid"))
			return event_field_find(rule->on, name, strlen(name));
	return NULL;
}

static size_t pack_field(const struct field *f, const struct event *ev, unsigned char *ret_packed)
{
	struct value v;

	event_get(ev, f, &v);
	return pack_value(f->type, &v, ret_packed);
}

size_t key_pack(const struct rule *rule, const struct field *start_time, const struct event *ev,
		unsigned char ret_packed[KEY_BYTES_MAX])
{
	size_t len = 0;

	for (unsigned i = 0; i < rule->n_by; i++)
		len += pack_field(rule->by[i], ev, ret_packed + len);
	if (start_time)
		len += pack_field(start_time, ev, ret_packed + len);
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
