/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/source_ops.h"

#define DRAIN_BUDGET 4096  /* records in one go; then the other watches have their turn */
#define RING_RECORDS 65536 /* more than any ring holds */
#define POLL_NS	     (1 * NS_PER_MS)

static const struct source_ops *const all_ops[] = {
	&syscall_source_ops, &sched_source_ops, &fault_source_ops,
	&net_source_ops,     &tcp_source_ops,	&io_source_ops,
};

const struct source_ops *source_find_ops(const char *object)
{
	static const struct source_ops plain = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(all_ops); i++)
		if (strcmp(all_ops[i]->object, object) == 0)
			return all_ops[i];
	return &plain;
}

void source_emit(struct source *s, const struct event_type *type, const void *record)
{
	struct event ev = {
		.type = type,
		.record = record,
		.wall_offset_ns = s->wall_offset_ns,
		.processes = s->processes,
	};

	if (source_delivers(s, type))
		s->conf.on_event(s->conf.ctx, &ev);
}

static void emit_record(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;

	if (size >= s->types[0]->record_size)
		source_emit(s, s->types[0], record);
}

/* Records may keep coming: look again soon, and leave the bell alone until nothing is there. */
static void drain_up_to(struct source *s, unsigned budget)
{
	record_fn *fn = s->ops->on_record ? s->ops->on_record : emit_record;
	unsigned n = bpf_object_drain(s->object, budget, fn, s);

	s->polling = n > 0;
	if (s->polling)
		loop_timer_set(s->poll, n < budget ? POLL_NS : 0);
}

static void drain(struct source *s)
{
	drain_up_to(s, DRAIN_BUDGET);
}

static void on_poll(void *ctx)
{
	drain(ctx);
}

static void on_bell(void *ctx, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	drain(ctx);
}

bool source_prepare_sleep(struct source *s)
{
	struct source_control *control = bpf_object_control(s->object);

	if (s->polling)
		return true;
	__atomic_store_n(&control->reader_sleeps, 1, __ATOMIC_SEQ_CST);
	if (!bpf_object_ring_pending(s->object))
		return true;
	__atomic_store_n(&control->reader_sleeps, 0, __ATOMIC_SEQ_CST);
	loop_timer_set(s->poll, 0);
	return false;
}

bool source_possible(char **ret_error)
{
	return bpf_object_possible(ret_error);
}

/* Takes of all types and demands those of this object. */
static void take_demands(struct source *s, const struct demand *demands)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	s->n_types = 0;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(types[i].object, s->conf.object) != 0)
			continue;
		s->types[s->n_types] = &types[i];
		s->demands[s->n_types++] = demands[i];
	}
}

static bool load(struct source *s, char **ret_error)
{
	AUTO_FREE char *left_out = NULL;

	source_parts_probe(s);
	left_out = source_parts_left_out(s);
	s->object = bpf_object_new(s->conf.object, left_out, ret_error);
	return s->object != NULL;
}

/* Attaches what belongs to no part, then the parts that are asked for. */
static bool attach(struct source *s, char **ret_error)
{
	struct buf parts = { 0 };
	bool ok;

	for (unsigned i = 0; i < s->ops->n_parts; i++)
		if (s->parts[i].way)
			buf_addf(&parts, "%s ", s->parts[i].way->programs);
	ok = bpf_object_attach_but(s->object, buf_str(&parts), ret_error);
	buf_fini(&parts);
	if (ok)
		source_parts_apply(s);
	return ok;
}

static bool watch(struct source *s, char **ret_error)
{
	s->poll = loop_timer_new(s->conf.loop, on_poll, s);
	s->watch = loop_watch(s->conf.loop, bpf_object_ring_fd(s->object), LOOP_READ,
			      PRIORITY_SOURCE, on_bell, s);
	if (!s->watch)
		*ret_error = xasprintf("cannot watch the ring: %s", strerror(errno));
	return s->watch != NULL;
}

struct source *source_new(const struct source_conf *conf, char **ret_error)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->conf = *conf;
	s->wall_offset_ns = conf->wall_offset_ns;
	s->ops = source_find_ops(conf->object);
	take_demands(s, conf->demands);
	if (!load(s, ret_error) || !watch(s, ret_error)) {
		source_free(s);
		return NULL;
	}
	bpf_object_control(s->object)->limit_per_s = conf->event_limit;
	if (s->ops->prepare)
		s->ops->prepare(s);
	if (s->ops->push)
		s->ops->push(s);
	return s;
}

bool source_start(struct source *s, struct process_lookup *processes, char **ret_error)
{
	s->processes = processes;
	if (!attach(s, ret_error))
		return false;
	if (s->ops->started)
		s->ops->started(s);
	return true;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	loop_unwatch(s->watch);
	loop_timer_free(s->poll);
	if (s->ops->fini)
		s->ops->fini(s);
	bpf_object_free(s->object);
	source_parts_fini(s);
	buf_fini(&s->route);
	free(s);
}

void source_adjust(struct source *s, const struct demand *demands)
{
	take_demands(s, demands);
	source_parts_renew(s);
}

const char *source_object(const struct source *s)
{
	return s->conf.object;
}

const char *source_name(const struct source *s)
{
	return s->types[0]->name;
}

static int index_of(const struct source *s, const char *name)
{
	for (unsigned i = 0; i < s->n_types; i++)
		if (strcmp(s->types[i]->name, name) == 0)
			return (int)i;
	return -1;
}

const struct event_type *source_type(const struct source *s, const char *name)
{
	return s->types[index_of(s, name)];
}

const struct demand *source_demand(const struct source *s, const char *name)
{
	return &s->demands[index_of(s, name)];
}

int source_kernel_setting(const char *path)
{
	FILE *f = fopen(path, "re");
	int first = f ? fgetc(f) : EOF;

	if (f)
		(void)fclose(f);
	return first;
}

bool source_delivers(const struct source *s, const struct event_type *type)
{
	for (unsigned i = 0; i < s->n_types; i++)
		if (s->types[i] == type)
			return s->demands[i].wanted;
	return false;
}

const char *source_route(const struct source *s)
{
	struct buf *route = (struct buf *)&s->route;

	buf_reset(route);
	bpf_object_hooks(s->object, route);
	source_parts_describe(s, route);
	return buf_str(route);
}

unsigned source_cpus(const struct source *s)
{
	return bpf_object_cpus(s->object);
}

const struct source_counters *source_stats_per_cpu(const struct source *s)
{
	return bpf_object_counters(s->object);
}

static void add(struct source_counters *sum, const struct source_counters *c)
{
	sum->filtered += c->filtered;
	sum->aggregated += c->aggregated;
	sum->emitted += c->emitted;
	sum->ring_full += c->ring_full;
	sum->no_storage += c->no_storage;
	sum->map_full += c->map_full;
	sum->rate_limited += c->rate_limited;
	sum->points_full += c->points_full;
	sum->socket_ends += c->socket_ends;
}

static uint64_t lost_in_kernel(const struct source_counters *c)
{
	return c->ring_full + c->no_storage + c->map_full + c->rate_limited;
}

uint64_t source_seen(const struct source_counters *c)
{
	return c->filtered + c->aggregated + c->emitted + lost_in_kernel(c);
}

void source_stats(const struct source *s, struct source_stats *ret_stats)
{
	const struct source_counters *per_cpu = source_stats_per_cpu(s);

	*ret_stats = (struct source_stats){
		.not_run = bpf_object_not_run(s->object),
		.lost_here = s->lost_here,
	};
	for (unsigned i = 0; i < source_cpus(s); i++)
		add(&ret_stats->counters, &per_cpu[i]);
}

uint64_t source_lost(const struct source_stats *stats)
{
	return lost_in_kernel(&stats->counters) + stats->not_run + stats->lost_here;
}

uint64_t source_lost_of(const struct source *s, const struct event_type *type,
			const struct source_stats *stats)
{
	uint64_t points = stats->counters.rate_limited + stats->counters.points_full;
	uint64_t all = source_lost(stats);

	if (s->n_types == 1)
		return all;
	if (s->ops->read_here && strcmp(s->ops->read_here, type->name) == 0)
		return stats->lost_here;
	if (type->kind == EVENT_POINT)
		return points + stats->not_run;
	/* while the counters are read they go on: that of points is read last */
	return all > points ? all - points : 0;
}

uint64_t source_run_time_ns(const struct source *s)
{
	return bpf_object_run_time_ns(s->object, NULL);
}

uint64_t source_walk_time_ns(const struct source *s)
{
	return bpf_object_walk_time_ns(s->object);
}

int source_measure(void)
{
	return bpf_object_measure();
}

uint64_t source_memory_bytes(const struct source *s)
{
	return bpf_object_memory_bytes(s->object);
}

void source_tick(struct source *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	s->wall_offset_ns = wall_offset_ns;
	s->lost_here += bpf_object_follow_cpus(s->object);
	source_canary_before(s, now_ns);
	drain(s);
	if (s->ops->tick)
		s->ops->tick(s, now_ns);
	source_canary_after(s, now_ns);
}

void source_catch_up(struct source *s)
{
	drain_up_to(s, RING_RECORDS);
}

void source_detach(struct source *s)
{
	bpf_object_detach(s->object, NULL);
}

void source_stop(struct source *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	source_detach(s);
	while (bpf_object_ring_pending(s->object))
		drain(s);
	s->stopping = true;
	source_tick(s, now_ns, wall_offset_ns);
}
