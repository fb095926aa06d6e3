/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canary: a hook that has gone away makes no noise, and the silence looks like health. So what the
 * source has seen is compared with what must have happened: what the kernel counts anyway, or what
 * kernelsight does from time to time for the source to see. If in ten seconds something happened and
 * nothing of it was seen, and again in the next second or later, that path is dead.
 *
 * What happened is read before what was seen is fetched, and at the beginning after it: so all that
 * happened in between can have been seen.
 */
#include "source/source_ops.h"

#define WINDOW_NS (10 * NS_PER_S)
#define AGAIN_NS  NS_PER_S /* after a window in which nothing was seen */
#define MISSED	  2

static unsigned count(const struct source *s)
{
	unsigned n = 0;

	while (n < SOURCE_SIGNS_MAX && s->ops->signs && s->ops->signs[n].name)
		n++;
	return n;
}

static bool is_due(const struct source *s, uint64_t now_ns)
{
	return s->canary.open && now_ns >= s->canary.ends_ns;
}

void source_canary_before(struct source *s, uint64_t now_ns)
{
	for (unsigned i = 0; is_due(s, now_ns) && i < count(s); i++) {
		struct sign_state *state = &s->canary.signs[i];
		uint64_t now = 0;

		state->happened = state->told && s->ops->signs[i].happened(s, &now) &&
				  now > state->happened_before;
	}
}

static void judge(struct source *s)
{
	for (unsigned i = 0; i < count(s); i++) {
		struct sign_state *state = &s->canary.signs[i];

		if (s->ops->signs[i].seen(s) != state->seen_before)
			state->missed = 0;
		else if (state->happened)
			state->missed++;
	}
}

static void open_window(struct source *s, uint64_t now_ns)
{
	bool missed = false;

	for (unsigned i = 0; i < count(s); i++) {
		struct sign_state *state = &s->canary.signs[i];

		state->seen_before = s->ops->signs[i].seen(s);
		state->told = s->ops->signs[i].happened(s, &state->happened_before);
		missed |= state->missed > 0;
	}
	if (s->ops->poke && s->ops->poke(s))
		s->canary.pokes++;
	s->canary.open = true;
	s->canary.ends_ns = now_ns + (missed ? AGAIN_NS : WINDOW_NS);
}

void source_canary_after(struct source *s, uint64_t now_ns)
{
	if (s->canary.open && !is_due(s, now_ns))
		return;
	if (s->canary.open)
		judge(s);
	open_window(s, now_ns);
}

void source_canary_forget(struct source *s)
{
	s->canary.open = false;
	for (unsigned i = 0; i < SOURCE_SIGNS_MAX; i++)
		s->canary.signs[i].missed = 0;
}

bool source_canary_poked(const struct source *s, uint64_t *ret)
{
	*ret = s->canary.pokes;
	return true;
}

uint64_t source_canary_seen(const struct source *s)
{
	struct source_stats stats;

	source_stats(s, &stats);
	return source_seen(&stats.counters);
}

const char *source_silent(const struct source *s)
{
	for (unsigned i = 0; i < count(s); i++)
		if (s->canary.signs[i].missed >= MISSED)
			return s->ops->signs[i].name;
	return NULL;
}
