/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commas are what makes it hard: all are taken out of the object and of "rules", and put back behind
 * each part that another one follows. There is room for one, where one was.
 */
#include "trial/inline_rules.h"

#include <string.h>

struct copy {
	const char *text;
	size_t len;
	const char *without;
	char *out;
	size_t end; /* of the last part that was kept; 0: none yet */
	struct json_span rules;
};

static void blank(char *out, const char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		out[i] = text[i] == '\n' ? '\n' : ' ';
}

static void keep(struct copy *c, size_t from, size_t to)
{
	if (c->end)
		c->out[c->end] = ',';
	memcpy(c->out + from, c->text + from, to - from);
	c->end = to;
}

static void take_rule(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	struct copy *c = ctx;

	(void)key;
	(void)key_len;
	if (c->text[value.at] != '"')
		keep(c, value.at, value.at + value.len);
}

static void take_member(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	struct copy *c = ctx;

	if (key_len == strlen(c->without) && memcmp(key, c->without, key_len) == 0)
		return;
	keep(c, value.key, value.at + value.len);
	if (key_len == strlen("rules") && memcmp(key, "rules", key_len) == 0)
		c->rules = value;
}

char *inline_rules(const char *text, size_t len, const char *without)
{
	struct copy c = {
		.text = text, .len = len, .without = without, .out = xcalloc(1, len + 1)
	};
	struct json_span root;

	blank(c.out, text, 0, len);
	if (!json_find(text, len, "", &root) || text[root.at] != '{')
		return c.out;
	c.out[root.at] = '{';
	c.out[root.at + root.len - 1] = '}';
	json_each(text, len, root, take_member, &c);
	if (c.rules.len > 1 && text[c.rules.at] == '[') {
		blank(c.out, text, c.rules.at + 1, c.rules.at + c.rules.len - 1);
		c.end = 0;
		json_each(text, len, c.rules, take_rule, &c);
	}
	return c.out;
}
