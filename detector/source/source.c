/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/source_ops.h"

#define DRAIN_BUDGET 4096 /* records in one go; then the other watches have their turn */
#define POLL_NS	     (1 * NS_PER_MS)

static const struct source_ops *const all_ops[] = {
	&syscall_source_ops,
	&sched_source_ops,
	&tcp_source_ops,
};

static const struct source_ops *find_ops(const char *object)
{
	static const struct source_ops plain = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(all_ops); i++)
		if (strcmp(all_ops[i]->object, object) == 0)
			return all_ops[i];
	return &plain;
}

void source_emit(struct source *s, const void *record)
{
	struct event ev = {
		.type = s->conf.type,
		.record = record,
		.wall_offset_ns = s->wall_offset_ns,
	};

	s->conf.on_event(s->conf.ctx, &ev);
}

static void emit_record(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;

	if (size >= s->conf.type->record_size)
		source_emit(s, record);
}

/* Records may keep coming: look again soon, and leave the bell alone until nothing is there. */
static void drain(struct source *s)
{
	record_fn *fn = s->ops->on_record ? s->ops->on_record : emit_record;
	unsigned n = bpf_object_drain(s->object, DRAIN_BUDGET, fn, s);

	s->polling = n > 0;
	if (s->polling)
		loop_timer_set(s->poll, n < DRAIN_BUDGET ? POLL_NS : 0);
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

struct source *source_new(const struct source_conf *conf, char **ret_error)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->conf = *conf;
	s->demand = *conf->demand;
	s->wall_offset_ns = conf->wall_offset_ns;
	s->ops = find_ops(conf->type->object);
	s->object = bpf_object_new(conf->type->object, ret_error);
	if (!s->object) {
		source_free(s);
		return NULL;
	}
	if (s->ops->prepare)
		s->ops->prepare(s);
	if (!bpf_object_attach(s->object, ret_error)) {
		source_free(s);
		return NULL;
	}
	s->poll = loop_timer_new(conf->loop, on_poll, s);
	s->watch = loop_watch(conf->loop, bpf_object_ring_fd(s->object), LOOP_READ, PRIORITY_SOURCE,
			      on_bell, s);
	if (!s->watch) {
		*ret_error = xasprintf("cannot watch the ring: %s", strerror(errno));
		source_free(s);
		return NULL;
	}
	if (s->ops->started)
		s->ops->started(s);
	return s;
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
	free(s);
}

const struct event_type *source_type(const struct source *s)
{
	return s->conf.type;
}

const char *source_route(const struct source *s)
{
	return bpf_object_hooks(s->object);
}

void source_stats(const struct source *s, struct source_stats *ret_stats)
{
	struct source_counters sum;

	bpf_object_counters(s->object, &sum);
	*ret_stats = (struct source_stats){
		.filtered = sum.filtered,
		.emitted = sum.emitted,
		.lost_ring_full = sum.ring_full,
		.lost_no_storage = sum.no_storage,
		.lost_here = s->lost_here,
	};
}

uint64_t source_lost(const struct source_stats *stats)
{
	return stats->lost_ring_full + stats->lost_no_storage + stats->lost_here;
}

void source_tick(struct source *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	s->wall_offset_ns = wall_offset_ns;
	drain(s);
	if (s->ops->tick)
		s->ops->tick(s, now_ns);
}

void source_stop(struct source *s, uint64_t now_ns, int64_t wall_offset_ns)
{
	bpf_object_detach(s->object);
	while (bpf_object_ring_pending(s->object))
		drain(s);
	source_tick(s, now_ns, wall_offset_ns);
}
