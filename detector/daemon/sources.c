/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sources.h"
#include "util/clock.h"

#include <stdlib.h>

#define SOURCES_MAX 32

struct sources {
	struct sources_conf conf;
	struct source *list[SOURCES_MAX];
	uint64_t lost[SOURCES_MAX]; /* at the last tick */
	unsigned n;
};

static bool on_idle(void *ctx)
{
	struct sources *s = ctx;
	bool may_sleep = true;

	for (unsigned i = 0; i < s->n; i++)
		may_sleep &= source_prepare_sleep(s->list[i]);
	return may_sleep;
}

static void attach(struct sources *s, const struct event_type *type, const struct demand *demand)
{
	struct source_conf conf = {
		.loop = s->conf.loop,
		.type = type,
		.demand = demand,
		.wall_offset_ns = clock_wall_offset_ns(),
		.on_event = s->conf.on_event,
		.ctx = s->conf.ctx,
	};
	AUTO_FREE char *error = NULL;
	struct source *source = source_new(&conf, &error);

	if (source)
		s->list[s->n++] = source;
	s->conf.on_report(s->conf.ctx, type, source ? source_route(source) : NULL, error);
}

struct sources *sources_new(const struct sources_conf *conf, char **ret_error)
{
	struct sources *s;
	unsigned n;
	const struct event_type *types = event_types(&n);

	if (!source_possible(ret_error))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->conf = *conf;
	for (unsigned i = 0; i < n && i < SOURCES_MAX; i++)
		if (conf->demands[i].wanted)
			attach(s, &types[i], &conf->demands[i]);
	loop_on_idle(conf->loop, on_idle, s);
	if (s->n)
		return s;
	*ret_error = xstrdup("no source is attached, nothing can be seen");
	sources_free(s);
	return NULL;
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	loop_on_idle(s->conf.loop, NULL, NULL);
	for (unsigned i = 0; i < s->n; i++)
		source_free(s->list[i]);
	free(s);
}

unsigned sources_count(const struct sources *s)
{
	return s->n;
}

const struct source *sources_at(const struct sources *s, unsigned i)
{
	return s->list[i];
}

static void report_loss(struct sources *s, unsigned i)
{
	struct source_stats stats;
	uint64_t lost;

	source_stats(s->list[i], &stats);
	lost = source_lost(&stats);
	if (lost > s->lost[i])
		s->conf.on_loss(s->conf.ctx, source_type(s->list[i]), lost - s->lost[i]);
	s->lost[i] = lost;
}

void sources_tick(struct sources *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	for (unsigned i = 0; i < s->n; i++) {
		source_tick(s->list[i], now_ns, wall_offset_ns);
		report_loss(s, i);
	}
}

void sources_stop(struct sources *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	for (unsigned i = 0; i < s->n; i++) {
		source_stop(s->list[i], now_ns, wall_offset_ns);
		report_loss(s, i);
	}
}
