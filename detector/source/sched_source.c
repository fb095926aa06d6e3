/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adds up what the threads of each process did in one second. The walk and the exits give deltas per
 * thread; one table per second, emptied at each tick, gives one event per process.
 */
#include <stdlib.h>
#include <string.h>

#include "source/source_ops.h"
#include "util/clock.h"
#include "util/hash.h"

#define TABLE_MAX (1 << 16) /* processes active in one second; more are counted as lost */

struct sched_state {
	struct ev_sched *samples; /* open addressing; free where ts_ns is 0 */
	unsigned capacity;	  /* a power of two */
	unsigned used;
	uint64_t began_ns; /* of the second that is being added up */
};

static struct ev_sched *slot(struct sched_state *state, uint32_t pid, uint64_t start_time_ns)
{
	uint64_t hash = hash_bytes(hash_bytes(HASH_INIT, &pid, sizeof(pid)), &start_time_ns,
				   sizeof(start_time_ns));

	for (uint64_t i = hash;; i++) {
		struct ev_sched *e = &state->samples[i & (state->capacity - 1)];

		if (!e->ts_ns || (e->pid == pid && e->start_time_ns == start_time_ns))
			return e;
	}
}

static void grow(struct sched_state *state)
{
	struct ev_sched *old = state->samples;
	unsigned n = state->capacity;

	state->capacity *= 2;
	state->samples = xcalloc(state->capacity, sizeof(*state->samples));
	for (unsigned i = 0; i < n; i++)
		if (old[i].ts_ns)
			*slot(state, old[i].pid, old[i].start_time_ns) = old[i];
	free(old);
}

static void on_delta(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;
	struct sched_state *state = s->state;
	const struct sched_delta *d = record;
	struct ev_sched *e;

	if (size < sizeof(*d))
		return;
	if (state->used * 2 > state->capacity && state->capacity < 2 * TABLE_MAX)
		grow(state);
	e = slot(state, d->pid, d->start_time_ns);
	if (!e->ts_ns) {
		if (state->used == TABLE_MAX) {
			s->lost_here++;
			return;
		}
		state->used++;
		*e = (struct ev_sched){ .pid = d->pid, .start_time_ns = d->start_time_ns };
	}
	e->ts_ns = d->ts_ns;
	e->ppid = d->ppid;
	e->uid = d->uid;
	e->kernel_thread = d->kernel_thread;
	e->exited |= d->exited;
	memcpy(e->comm, d->comm, sizeof(e->comm));
	e->voluntary_switches += (uint64_t)d->voluntary_switches;
	e->involuntary_switches += (uint64_t)d->involuntary_switches;
	e->wakeups += (uint64_t)d->wakeups;
	e->cpu_time_ns += (uint64_t)d->cpu_time_ns;
}

static void walk(struct source *s)
{
	if (bpf_object_walk(s->object, "on_walk", sizeof(struct sched_delta), on_delta, s) < 0)
		s->lost_here++;
}

static void prepare(struct source *s)
{
	struct sched_state *state = xcalloc(1, sizeof(*state));

	state->capacity = 256;
	state->samples = xcalloc(state->capacity, sizeof(*state->samples));
	s->state = state;
	bpf_object_control(s->object)->since_ns = clock_boottime_ns();
}

/* Marks where every thread stands now; only threads that are newer have done anything yet. */
static void started(struct source *s)
{
	struct sched_state *state = s->state;

	walk(s);
	state->began_ns = clock_monotonic_ns();
}

/* A walk that met an exit may have left a difference of one below zero. */
static uint64_t not_negative(uint64_t sum)
{
	return (int64_t)sum < 0 ? 0 : sum;
}

static void tick(struct source *s, uint64_t now_ns)
{
	struct sched_state *state = s->state;
	const struct event_type *type = source_type(s, "sched");

	walk(s);
	for (unsigned i = 0; i < state->capacity; i++) {
		struct ev_sched *e = &state->samples[i];

		if (!e->ts_ns)
			continue;
		e->ts_ns = now_ns;
		e->interval_ns = now_ns - state->began_ns;
		e->voluntary_switches = not_negative(e->voluntary_switches);
		e->involuntary_switches = not_negative(e->involuntary_switches);
		e->wakeups = not_negative(e->wakeups);
		e->cpu_time_ns = not_negative(e->cpu_time_ns);
		source_emit(s, type, e);
		e->ts_ns = 0;
	}
	state->used = 0;
	state->began_ns = now_ns;
}

static void fini(struct source *s)
{
	struct sched_state *state = s->state;

	if (state)
		free(state->samples);
	free(state);
}

const struct source_ops sched_source_ops = {
	.object = "sched_tracer",
	.prepare = prepare,
	.started = started,
	.on_record = on_delta,
	.tick = tick,
	.fini = fini,
};
