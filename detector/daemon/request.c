/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/request.h"

#include <stdlib.h>
#include <string.h>

#include "rule/json_syntax.h"
#include "util/json_scan.h"

bool request_text(const struct request *r, const char *member, struct buf *out)
{
	struct json_span span;

	if (!json_find(r->text, r->len, member, &span) || r->text[span.at] == 'n')
		return false;
	json_span_text(r->text, span, out);
	return true;
}

/* The command asked for; NULL with a message to free. */
static const struct request_command *find_command(const struct request_command *table, size_t n,
						  const struct request *r, char **ret_error)
{
	CLEANUP(buf_fini) struct buf name = { 0 };
	AUTO_FREE char *message = NULL;
	size_t offset;

	if (!json_syntax_check(r->text, r->len, &offset, &message)) {
		*ret_error = xasprintf("byte %zu of the request: %s", offset, message);
		return NULL;
	}
	if (!request_text(r, "command", &name)) {
		*ret_error = xstrdup("the request names no \"command\"");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].name, buf_str(&name)) == 0)
			return &table[i];
	*ret_error = xasprintf("this daemon knows no command \"%s\"", buf_str(&name));
	return NULL;
}

void request_answer(const struct request_command *table, size_t n, void *ctx, const char *text,
		    size_t len, struct buf *out)
{
	const struct request r = { text, len };
	CLEANUP(buf_fini) struct buf members = { 0 };
	struct json body = { .out = &members };
	struct json j = { .out = out };
	AUTO_FREE char *error = NULL;
	const struct request_command *command = find_command(table, n, &r, &error);

	if (command)
		error = command->fn(ctx, &r, &body);
	json_open(&j, '{');
	json_member_bool(&j, "ok", !error);
	if (error)
		json_member_str(&j, "error", error);
	if (members.len > 0) {
		buf_addc(out, ',');
		buf_add(out, members.data, members.len);
	}
	json_close(&j, '}');
}
