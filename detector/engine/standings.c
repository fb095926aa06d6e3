/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of alerts. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "engine/changes_parts.h"
#include "engine/kept.h"
#include "engine/projection.h"

static int compare(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return packed_compare(x->packed, x->len, y->packed, y->len);
}

static struct standings *list_of(struct changes *ch, const struct standing *s)
{
	return s->fires ? &ch->rules[s->rule].firing : &ch->rules[s->rule].quiet;
}

struct standing *standing_find(const struct changes *ch, unsigned rule, const unsigned char *packed,
			       size_t len)
{
	const struct standing wanted = { .rule = rule, .packed = packed, .len = len };
	struct standing *const *found = tfind(&wanted, &ch->tree, compare);

	return found ? *found : NULL;
}

void standing_put_in(struct changes *ch, struct standing *s)
{
	(void)tsearch(s, &ch->tree, compare);
	TAILQ_INSERT_TAIL(list_of(ch, s), s, link);
	ch->rules[s->rule].n++;
}

void standing_take_out(struct changes *ch, struct standing *s)
{
	(void)tdelete(s, &ch->tree, compare);
	TAILQ_REMOVE(list_of(ch, s), s, link);
	ch->rules[s->rule].n--;
}

struct standing *standing_add(struct changes *ch, const struct alert_change *c)
{
	struct standing *s = xcalloc(1, sizeof(*s) + c->packed_len);

	if (c->packed_len)
		memcpy(s->bytes, c->packed_key, c->packed_len);
	s->packed = s->bytes;
	s->len = c->packed_len;
	s->rule = c->rule;
	standing_put_in(ch, s);
	return s;
}

void standing_drop(struct changes *ch, struct standing *s)
{
	standing_take_out(ch, s);
	flap_fini(&s->flap);
	silence_unref(s->silence);
	free(s->latest);
	free(s->first);
	free(s);
}

void standing_set_fires(struct changes *ch, struct standing *s, bool fires)
{
	TAILQ_REMOVE(list_of(ch, s), s, link);
	s->fires = fires;
	TAILQ_INSERT_TAIL(list_of(ch, s), s, link);
}

void standing_keep(struct standing *s, const struct transition *t)
{
	struct transition *latest = transition_keep(t);

	free(s->latest);
	s->latest = latest;
}
