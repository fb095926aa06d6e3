/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sources.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/governor.h"
#include "daemon/self.h"
#include "util/clock.h"

struct sources {
	struct sources_conf conf;
	struct governor *governor;
	struct self *self; /* NULL unless its events are wanted */
	struct source_list list;
	const char *silent[SOURCES_MAX]; /* what it did not see at the last tick; NULL: nothing */
	unsigned started;		 /* the first so many of the list */
	uint64_t *lost;			 /* of each of event_types(), at the last tick */
};

static bool on_idle(void *ctx)
{
	struct sources *s = ctx;
	bool may_sleep = true;

	for (unsigned i = 0; i < s->list.n; i++)
		may_sleep &= source_prepare_sleep(s->list.at[i]);
	return may_sleep;
}

static bool wanted(const char *object, const struct demand *demands)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(types[i].object, object) == 0 && demands[i].wanted)
			return true;
	return false;
}

static int find(const struct sources *s, const char *object)
{
	for (unsigned i = 0; i < s->list.n; i++)
		if (strcmp(source_object(s->list.at[i]), object) == 0)
			return (int)i;
	return -1;
}

static void report(const struct sources *s, const char *object, const struct demand *demands,
		   const struct source *source, const char *error)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(types[i].object, object) == 0 && demands[i].wanted)
			s->conf.on_report(s->conf.ctx, &types[i],
					  source ? source_route(source) : NULL, error);
}

static void detach(struct sources *s, unsigned i)
{
	source_free(s->list.at[i]);
	s->list.n--;
	s->started -= i < s->started;
	memmove(&s->list.at[i], &s->list.at[i + 1], (s->list.n - i) * sizeof(struct source *));
	memmove(&s->silent[i], &s->silent[i + 1], (s->list.n - i) * sizeof(s->silent[0]));
}

static void catch_up(const struct sources *s)
{
	for (unsigned i = 0; i < s->started; i++)
		source_catch_up(s->list.at[i]);
}

/* A source that comes again counts from 0. */
static void forget_losses(struct sources *s, const char *object)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(types[i].object, object) == 0)
			s->lost[i] = 0;
}

/* It comes to the end of the list, to be started. */
static void load(struct sources *s, const char *object, const struct demand *demands)
{
	struct source_conf conf = {
		.loop = s->conf.loop,
		.object = object,
		.demands = demands,
		.event_limit = s->conf.event_limit,
		.wall_offset_ns = clock_wall_offset_ns(),
		.on_event = s->conf.on_event,
		.ctx = s->conf.ctx,
	};
	AUTO_FREE char *error = NULL;
	struct source *source = s->list.n < SOURCES_MAX ? source_new(&conf, &error) : NULL;

	if (!source) {
		report(s, object, demands, NULL, error);
		return;
	}
	forget_losses(s, object);
	s->silent[s->list.n] = NULL;
	s->list.at[s->list.n++] = source;
}

static void start_next(struct sources *s, const struct demand *demands)
{
	struct source *source = s->list.at[s->started];
	AUTO_FREE char *error = NULL;
	bool ok = source_start(source, processes_lookup(s->list.processes), &error);

	report(s, source_object(source), demands, ok ? source : NULL, error);
	if (ok)
		s->started++;
	else
		detach(s, s->started);
}

/*
 * To load a source takes long enough for the ring of another to fill up. So all are loaded before the
 * first is started, and those that are attached are read in between.
 */
static void start(struct sources *s, const struct demand *demands)
{
	if (!s->list.processes && s->started < s->list.n)
		s->list.processes = processes_new(s->conf.loop);
	while (s->started < s->list.n) {
		start_next(s, demands);
		catch_up(s);
	}
}

/* The events that are made here, without a BPF object. */
static void adjust_self(struct sources *s, const struct event_type *type,
			const struct demand *demand)
{
	if (demand->wanted && !s->self) {
		s->self = self_new();
	} else if (!demand->wanted) {
		self_free(s->self);
		s->self = NULL;
	}
	if (s->self)
		s->conf.on_report(s->conf.ctx, type, "kernelsight's own ledger and costs", NULL);
}

static void adjust(struct sources *s, const char *object, const struct demand *demands)
{
	int i = find(s, object);

	if (i < 0 && wanted(object, demands)) {
		load(s, object, demands);
	} else if (i >= 0 && !wanted(object, demands)) {
		detach(s, (unsigned)i);
	} else if (i >= 0) {
		source_adjust(s->list.at[i], demands);
		report(s, object, demands, s->list.at[i], NULL);
	}
}

void sources_adjust(struct sources *s, const struct demand *demands)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++) {
		if (strcmp(types[i].object, SELF_OBJECT) != 0 &&
		    (i == 0 || strcmp(types[i].object, types[i - 1].object) != 0))
			adjust(s, types[i].object, demands);
		catch_up(s);
	}
	start(s, demands);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(types[i].object, SELF_OBJECT) == 0)
			adjust_self(s, &types[i], &demands[i]);
}

struct sources *sources_new(const struct sources_conf *conf, char **ret_error)
{
	struct sources *s;
	unsigned n;

	if (!source_possible(ret_error))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->conf = *conf;
	(void)event_types(&n);
	s->lost = xcalloc(n, sizeof(*s->lost));
	sources_adjust(s, conf->demands);
	loop_on_idle(conf->loop, on_idle, s);
	s->governor = governor_new(conf->loop, &s->list, conf->cpu_budget);
	if (s->list.n || s->self)
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
	governor_free(s->governor);
	self_free(s->self);
	for (unsigned i = 0; i < s->list.n; i++)
		source_free(s->list.at[i]);
	processes_free(s->list.processes);
	free(s->lost);
	free(s);
}

const char *sources_problem(const struct sources *s)
{
	return s->list.processes ? processes_problem(s->list.processes) : NULL;
}

const struct processes *sources_processes(const struct sources *s)
{
	return s->list.processes;
}

unsigned sources_count(const struct sources *s)
{
	return s->list.n;
}

struct source *sources_at(const struct sources *s, unsigned i)
{
	return s->list.at[i];
}

static void report_loss(struct sources *s, const struct source *source)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	struct source_stats stats;

	source_stats(source, &stats);
	for (unsigned i = 0; i < n; i++) {
		uint64_t lost;

		if (strcmp(types[i].object, source_object(source)) != 0)
			continue;
		lost = source_lost_of(source, &types[i], &stats);
		if (lost <= s->lost[i])
			continue;
		if (source_delivers(source, &types[i]))
			s->conf.on_loss(s->conf.ctx, &types[i], lost - s->lost[i]);
		s->lost[i] = lost;
	}
}

static void report_silence(struct sources *s, unsigned i)
{
	const char *now = source_silent(s->list.at[i]);

	if (now && now != s->silent[i])
		fprintf(stderr, "kernelsight: %s no longer sees what happens: %s\n",
			source_name(s->list.at[i]), now);
	s->silent[i] = now;
}

void sources_tick(struct sources *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	if (s->list.processes)
		processes_tick(s->list.processes, now_ns);
	for (unsigned i = 0; i < s->list.n; i++) {
		source_tick(s->list.at[i], now_ns, wall_offset_ns);
		report_loss(s, s->list.at[i]);
		report_silence(s, i);
	}
	if (s->self)
		self_tick(s->self, &s->list, s->governor, now_ns, wall_offset_ns, s->conf.on_event,
			  s->conf.ctx);
}

void sources_stop(struct sources *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	for (unsigned i = 0; i < s->list.n; i++) {
		source_detach(s->list.at[i]);
		catch_up(s);
	}
	for (unsigned i = 0; i < s->list.n; i++) {
		source_stop(s->list.at[i], now_ns, wall_offset_ns);
		report_loss(s, s->list.at[i]);
	}
}
