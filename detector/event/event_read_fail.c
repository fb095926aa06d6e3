/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/event_read_parts.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "event/syscalls.h"
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

bool is_possible(const struct slot *s, const char *text, size_t len)
{
	AUTO_FREE char *copy = NULL;

	for (const char *const *t = s->texts; *t; t++)
		if (strncmp(*t, text, len) == 0 && (*t)[len] == '\0')
			return true;
	copy = xstrndup(text, len);
	for (const char *const *t = s->texts; *t; t++)
		if (fnmatch(*t, copy, 0) == 0)
			return true;
	return false;
}

/* "; did you mean "read"?", or all that there is. */
static void add_hint(const struct slot *s, const char *text, struct buf *out)
{
	const char *near = NULL;
	size_t n = 0;

	while (s->texts && s->texts[n])
		n++;
	if (s->texts)
		near = nearest(text, s->texts, n);
	else if (strcmp(s->name, "syscall_name") == 0)
		(void)syscall_known(text, &near);
	if (near) {
		buf_addf(out, "; did you mean \"%s\"?", near);
		return;
	}
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s%s", i ? ", " : "; allowed are ", s->texts[i]);
}

bool fail_value(struct reading *x, const struct slot *s, const char *at, const char *text,
		size_t len)
{
	CLEANUP(buf_fini) struct buf hint = { 0 };
	AUTO_FREE char *copy = xstrndup(text, len);

	add_hint(s, copy, &hint);
	return read_fail(x, at, "field \"%s\": no event of source %s has that value%s", s->name,
			 x->type->name, buf_str(&hint));
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
