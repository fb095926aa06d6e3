/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canary: a hook that has gone away makes no noise, and the silence looks like health. So now and
 * then kernelsight does something that the programs must see; if it is not among what they have
 * counted one second later, and again a second after that, the source is silent.
 */
#include "source/source_ops.h"

#define CANARY_EVERY_NS (10 * NS_PER_S)
#define CANARY_MISSED	2

static uint64_t seen(const struct source *s)
{
	struct source_stats stats;

	source_stats(s, &stats);
	return source_seen(&stats.counters);
}

static void send(struct source *s, uint64_t now_ns)
{
	s->canary.next_ns = now_ns + CANARY_EVERY_NS;
	s->canary.seen = seen(s);
	s->canary.waiting = s->ops->poke && s->ops->poke(s);
	if (!s->canary.waiting)
		s->canary.missed = 0;
}

void source_canary_tick(struct source *s, uint64_t now_ns)
{
	struct canary *c = &s->canary;

	if (c->waiting) {
		c->waiting = false;
		c->missed = seen(s) > c->seen ? 0 : c->missed + 1;
		if (c->missed)
			c->next_ns = now_ns;
	}
	if (now_ns >= c->next_ns)
		send(s, now_ns);
}

bool source_silent(const struct source *s)
{
	return s->canary.missed >= CANARY_MISSED;
}
