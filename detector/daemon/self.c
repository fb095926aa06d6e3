/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/self.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

#define SELF_SOURCES_MAX 32

struct self {
	uint64_t began_ns;
	uint64_t own_cpu_ns;
	struct before {
		const char *object;
		struct source_stats stats;
	} before[SELF_SOURCES_MAX];
	unsigned n;
};

struct self *self_new(void)
{
	return xcalloc(1, sizeof(struct self));
}

void self_free(struct self *self)
{
	free(self);
}

static struct before *get_before(struct self *self, const char *object)
{
	for (unsigned i = 0; i < self->n; i++)
		if (strcmp(self->before[i].object, object) == 0)
			return &self->before[i];
	if (self->n == SELF_SOURCES_MAX)
		return NULL;
	self->before[self->n] = (struct before){ .object = object };
	return &self->before[self->n++];
}

/* A source that was attached anew counts from 0 again. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static void set_ledger(struct ev_self *e, const struct source_stats *now,
		       const struct source_stats *before)
{
	const struct source_counters *c = &now->counters, *b = &before->counters;

	e->seen = since(source_seen(c), source_seen(b));
	e->filtered = since(c->filtered, b->filtered);
	e->aggregated = since(c->aggregated, b->aggregated);
	e->emitted = since(c->emitted, b->emitted);
	e->lost = since(source_lost(now), source_lost(before));
	e->ring_full = since(c->ring_full, b->ring_full);
	e->no_storage = since(c->no_storage, b->no_storage);
	e->map_full = since(c->map_full, b->map_full);
	e->rate_limited = since(c->rate_limited, b->rate_limited);
	e->not_run = since(now->not_run, before->not_run);
	e->lost_here = since(now->lost_here, before->lost_here);
}

static void set_cost(struct ev_self *e, double cost_ns_per_s)
{
	double share = cost_ns_per_s / (double)NS_PER_S / (double)sysconf(_SC_NPROCESSORS_ONLN);

	if (isnan(cost_ns_per_s)) {
		e->cpu_time_ns = e->cpu_share_ppm = NOT_MEASURED;
		return;
	}
	e->cpu_time_ns = (uint64_t)(cost_ns_per_s * (double)e->interval_ns / NS_PER_S);
	e->cpu_share_ppm = (uint64_t)(share * 1e6);
}

static uint64_t resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	if (f)
		(void)fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What has become of it since the last time. */
static void set_changes(struct self *self, struct ev_self *e, const char *object,
			const struct source_stats *now)
{
	struct before *before = get_before(self, object);

	if (!before)
		return;
	set_ledger(e, now, &before->stats);
	before->stats = *now;
}

static void set_source(struct self *self, struct ev_self *e, const struct source *source,
		       const struct governor *governor)
{
	struct source_stats now;

	(void)snprintf(e->source, sizeof(e->source), "%s", source_name(source));
	source_stats(source, &now);
	set_changes(self, e, source_object(source), &now);
	set_cost(e, governor_cost_ns(governor, source));
	e->memory_bytes = source_memory_bytes(source);
	e->given_up = governor_given_up(source);
	e->silent = source_silent(source) != NULL;
}

static void set_processes(struct self *self, struct ev_self *e, const struct processes *processes,
			  const struct governor *governor)
{
	static const char name[] = "processes";
	struct source_stats now;

	(void)snprintf(e->source, sizeof(e->source), "%s", name);
	processes_stats(processes, &now);
	set_changes(self, e, name, &now);
	set_cost(e, governor_processes_cost_ns(governor));
	e->memory_bytes = processes_memory_bytes(processes);
}

static void set_program(struct self *self, struct ev_self *e)
{
	uint64_t cpu_ns = clock_process_cpu_ns();

	(void)snprintf(e->source, sizeof(e->source), "kernelsight");
	set_cost(e, (double)(cpu_ns - self->own_cpu_ns) * NS_PER_S / (double)e->interval_ns);
	self->own_cpu_ns = cpu_ns;
	e->memory_bytes = resident_bytes();
}

void self_tick(struct self *self, const struct source_list *list, const struct governor *governor,
	       uint64_t now_ns, int64_t wall_offset_ns, source_event_fn *on_event, void *ctx)
{
	unsigned n = list->n, all = n + (list->processes != NULL);

	for (unsigned i = 0; self->began_ns && i <= all; i++) {
		struct ev_self record = { .ts_ns = now_ns, .interval_ns = now_ns - self->began_ns };
		struct event ev = {
			.type = event_type_find("self", strlen("self")),
			.record = &record,
			.wall_offset_ns = wall_offset_ns,
		};

		if (i < n)
			set_source(self, &record, list->at[i], governor);
		else if (i < all)
			set_processes(self, &record, list->processes, governor);
		else
			set_program(self, &record);
		on_event(ctx, &ev);
	}
	if (!self->began_ns)
		self->own_cpu_ns = clock_process_cpu_ns();
	self->began_ns = now_ns;
}
