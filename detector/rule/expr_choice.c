/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/expr_choice.h"

#include <string.h>

#include "rule/expr_tree.h"

/* How many bytes a glob begins with that stand for themselves. */
static size_t literal_prefix(const struct expr_text *glob)
{
	return strcspn(glob->bytes, "*?[\\");
}

static void offer(const struct expr *e, expr_choice_fn *fn, void *ctx)
{
	struct expr_choice choice = { .field = e->field, .n = e->n, .literals = e };

	if (e->negated)
		return;
	if (e->op == EXPR_LIKE && literal_prefix(&e->texts[0]) > 0)
		choice.prefix = true;
	else if (e->op != EXPR_IN || e->networks)
		return;
	fn(ctx, &choice);
}

void expr_each_choice(const struct expr *e, expr_choice_fn *fn, void *ctx)
{
	if (e->op == EXPR_AND)
		for (unsigned i = 0; i < e->n; i++)
			expr_each_choice(e->args[i], fn, ctx);
	else if (!e->args)
		offer(e, fn, ctx);
}

const char *expr_choice_text(const struct expr_choice *c, unsigned i, size_t *ret_len)
{
	const struct expr_text *text = &c->literals->texts[i];

	*ret_len = c->prefix ? literal_prefix(text) : text->len;
	return text->bytes;
}

double expr_choice_number(const struct expr_choice *c, unsigned i)
{
	return c->literals->numbers[i];
}
