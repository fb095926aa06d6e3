/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/event_read_parts.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/nearest.h"

bool read_fail(struct reading *x, const char *at, const char *fmt, ...)
{
	va_list args;

	x->error->at = at;
	va_start(args, fmt);
	(void)vsnprintf(x->error->message, sizeof(x->error->message), fmt, args);
	va_end(args);
	return false;
}

bool fail_type(struct reading *x, const struct json_member *m, const char *expected)
{
	static const char *const found[] = {
		[JSON_STRING] = "a string", [JSON_NUMBER] = "the number",
		[JSON_TRUE] = "true",	    [JSON_FALSE] = "false",
		[JSON_NULL] = "null",	    [JSON_NESTED] = "a list or an object",
	};
	int shown = m->kind == JSON_NUMBER ? (int)(m->len < 40 ? m->len : 40) : 0;

	return read_fail(x, m->value - (m->kind == JSON_STRING),
			 "field \"%.*s\": found %s%s%.*s; expected %s", (int)m->key_len, m->key,
			 found[m->kind], shown ? " " : "", shown, m->value, expected);
}

bool fail_whole(struct reading *x, const struct json_member *m, uint64_t max)
{
	char expected[80];

	(void)snprintf(expected, sizeof(expected), "a whole number from 0 to %llu",
		       (unsigned long long)max);
	return fail_type(x, m, expected);
}

bool fail_signed(struct reading *x, const struct json_member *m, int64_t max)
{
	char expected[80];

	(void)snprintf(expected, sizeof(expected), "a whole number from %lld to %lld",
		       (long long)(-max - 1), (long long)max);
	return fail_type(x, m, expected);
}

bool fail_key(struct reading *x, const struct json_member *m)
{
	const char *names[SLOTS_MAX], *near;
	AUTO_FREE char *key = xstrndup(m->key, m->key_len < 64 ? m->key_len : 64);

	for (unsigned i = 0; i < x->plan->n; i++)
		names[i] = x->plan->slots[i].name;
	near = nearest(key, names, x->plan->n);
	return read_fail(x, m->key - 1, "source %s has no field \"%s\"%s%s%s", x->type->name, key,
			 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}
