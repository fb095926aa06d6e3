/* SPDX-License-Identifier: BSD-2-Clause */
/* What the threads of each process did in one second: one event for each process. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "source/process_table.h"
#include "source/waits.h"
#include "util/clock.h"

#include "../bpf/histogram.h"

_Static_assert(SCHED_COUNTS <= PROCESS_COUNTS_MAX, "room for them");

enum part { PART_THREADS, PART_WAITS, PART_STATES };

static const struct source_part parts[] = {
	[PART_THREADS] = {
		.name = "memory for the waits of each thread",
		.ways = { { "on_new_task on_exit_waits on_walk_waits", NULL } },
	},
	[PART_WAITS] = {
		.name = "run-queue latency",
		.reads = "sched.runq_p50_us sched.runq_p99_us sched.runq_max_us",
		.ways = {
			{ "on_switch_waits", NULL },
			{ "on_wakeup on_wakeup_new on_switch_stamped",
			  "this kernel stamps no waits, so each wake-up is looked at too" },
		},
		.shed_order = 2,
	},
	[PART_STATES] = {
		.name = "time off the CPU by state",
		.reads = "sched.sleeping_ms sched.uninterruptible_ms sched.preempted_ms",
		.ways = {
			{ "on_switch_states", NULL },
			{ "on_switch_states_old",
			  "a thread that is woken while it leaves its CPU may count as asleep" },
		},
		.shed_order = 1,
	},
};

struct sched_state {
	struct process_table *table;
	uint64_t began_ns; /* of the second that is being added up */
	uint64_t ends_ns;
	/* attached since before that: what they tell of it is whole */
	bool waits_whole;
	bool states_whole;
	/* sums over all processes, for the signs of life */
	uint64_t switches;
	uint64_t waited; /* samples that have a wait of HISTOGRAM_FROM_NS or more ... */
	uint64_t
		have_waited; /* ... and those that must have, as they waited for longer on average */
};

static bool measures_waits(const struct source *s)
{
	return source_part_attached(s, PART_THREADS) &&
	       (source_part_attached(s, PART_WAITS) || source_part_attached(s, PART_STATES));
}

/* The program of the states keeps the waits as well: only one of the two looks at a switch. */
static bool part_wanted(const struct source *s, unsigned part)
{
	bool states = source_part_read(s, PART_STATES) && s->parts[PART_STATES].way &&
		      !s->parts[PART_STATES].shed;
	bool waits =
		source_part_read(s, PART_WAITS) || bpf_object_control(s->object)->no_sched_info;

	if (part == PART_THREADS)
		return waits || states;
	return part == PART_WAITS ? waits && !states : source_part_read(s, PART_STATES);
}

static void add(struct source *s, const struct task_delta *d)
{
	struct sched_state *state = s->state;

	if (!process_table_add(state->table, d))
		s->lost_here++;
}

static void on_delta(void *ctx, const void *record, size_t size)
{
	(void)size;
	add(ctx, record);
}

static void add_waits(struct source *s, const struct waits_delta *d)
{
	struct sched_state *state = s->state;
	struct process_sums *sums = process_table_at(state->table, d->pid, d->start_time_ns);

	if (!sums) {
		s->lost_here++;
		return;
	}
	if (!sums->more)
		sums->more = xcalloc(1, sizeof(struct waits));
	waits_add(sums->more, d);
}

static void on_walked(void *ctx, const void *record, size_t size)
{
	const struct sched_walked *walked = record;

	(void)size;
	add(ctx, &walked->who);
	if (walked->waits.pid)
		add_waits(ctx, &walked->waits);
}

#define DELTA_BYTES (sizeof(struct task_delta) + SCHED_COUNTS * sizeof(__s64))

_Static_assert(DELTA_BYTES != sizeof(struct waits_delta), "told apart by their size");

static void on_record(void *ctx, const void *record, size_t size)
{
	if (size == sizeof(struct waits_delta))
		add_waits(ctx, record);
	else if (size >= DELTA_BYTES)
		on_delta(ctx, record, size);
}

static void walk(struct source *s)
{
	int err;

	if (source_part_attached(s, PART_THREADS))
		err = bpf_object_walk(s->object, "on_walk_waits", sizeof(struct sched_walked),
				      on_walked, s);
	else
		err = bpf_object_walk(s->object, "on_walk", DELTA_BYTES, on_delta, s);
	if (err < 0)
		s->lost_here++;
}

static void prepare(struct source *s)
{
	struct sched_state *state = xcalloc(1, sizeof(*state));

	state->table = process_table_new(SCHED_COUNTS);
	s->state = state;
	bpf_object_control(s->object)->since_ns = clock_boottime_ns();
}

/* A part that is attached anew finds stamps of before. */
static void push(struct source *s)
{
	if (!source_part_attached(s, PART_STATES))
		bpf_object_control(s->object)->states_epoch++;
}

static void begin(struct source *s, uint64_t now_ns)
{
	struct sched_state *state = s->state;

	state->began_ns = now_ns;
	state->waits_whole = measures_waits(s);
	state->states_whole = source_part_attached(s, PART_STATES);
}

/* Marks where every thread stands now; only threads that are newer have done anything yet. */
static void started(struct source *s)
{
	uint64_t now_ns = clock_monotonic_ns();

	walk(s);
	source_parts_apply(s); /* the walk has told what the kernel keeps */
	begin(s, now_ns);
}

static void set_waits(const struct sched_state *state, const struct waits *waits,
		      const struct source *s, struct ev_sched *e)
{
	bool kept = measures_waits(s) || !bpf_object_control(s->object)->no_sched_info;
	bool whole = state->waits_whole && measures_waits(s) && e->runq_waits > 0;

	if (!kept)
		e->runq_waits = e->runq_ns = NOT_MEASURED;
	e->runq_p50_ns = whole ? waits_quantile_ns(waits, e->runq_waits, 0.5) : NOT_MEASURED;
	e->runq_p99_ns = whole ? waits_quantile_ns(waits, e->runq_waits, 0.99) : NOT_MEASURED;
	e->runq_max_ns = whole ? waits_quantile_ns(waits, e->runq_waits, 1) : NOT_MEASURED;
}

static void set_states(const struct sched_state *state, const int64_t counts[],
		       const struct source *s, struct ev_sched *e)
{
	bool whole = state->states_whole && source_part_attached(s, PART_STATES);

	e->uninterruptible_ns = e->preempted_ns = e->sleeping_ns = NOT_MEASURED;
	if (!whole)
		return;
	e->uninterruptible_ns = process_count(counts[SCHED_UNINTERRUPTIBLE_NS]);
	e->preempted_ns = process_count(counts[SCHED_PREEMPTED_NS]);
	e->sleeping_ns = process_count(counts[SCHED_ASLEEP_NS]);
}

static void emit(void *ctx, struct process_sums *sums)
{
	struct source *s = ctx;
	struct sched_state *state = s->state;
	const int64_t *counts = sums->counts;
	struct ev_sched e = {
		.ts_ns = state->ends_ns,
		.interval_ns = state->ends_ns - state->began_ns,
		.pid = sums->who.pid,
		.ppid = sums->who.ppid,
		.uid = sums->who.uid,
		.start_time_ns = sums->who.start_time_ns,
		.kernel_thread = sums->who.kernel_thread,
		.exited = sums->who.exited,
		.voluntary_switches = process_count(counts[SCHED_VOLUNTARY]),
		.involuntary_switches = process_count(counts[SCHED_INVOLUNTARY]),
		.wakeups = process_count(counts[SCHED_WAKEUPS]),
		.cpu_time_ns = process_count(counts[SCHED_CPU_NS]),
		.runq_waits = process_count(counts[SCHED_ARRIVALS]),
		.runq_ns = process_count(counts[SCHED_RUNQ_NS]),
	};

	/* the waits of a process that has ended came without its end */
	if (!sums->who.ts_ns)
		s->lost_here++;
	state->switches += e.voluntary_switches + e.involuntary_switches;
	state->waited += sums->more != NULL;
	state->have_waited += e.runq_waits && e.runq_ns / e.runq_waits >= HISTOGRAM_FROM_NS;
	memcpy(e.comm, sums->who.comm, sizeof(e.comm));
	set_waits(state, sums->more, s, &e);
	set_states(state, counts, s, &e);
	free(sums->more);
	if (sums->who.ts_ns)
		source_emit(s, source_type(s, "sched"), &e);
}

static void tick(struct source *s, uint64_t now_ns)
{
	struct sched_state *state = s->state;

	walk(s);
	state->ends_ns = now_ns;
	process_table_flush(state->table, emit, s);
	begin(s, now_ns);
}

/* The next walk must see at least the thread that makes it, as it sleeps between two ticks. */
static bool own_switches(const struct source *s, uint64_t *ret)
{
	struct rusage usage;

	(void)s;
	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return false;
	*ret = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
	return true;
}

static uint64_t switches(const struct source *s)
{
	const struct sched_state *state = s->state;

	return state->switches;
}

static bool have_waited(const struct source *s, uint64_t *ret)
{
	const struct sched_state *state = s->state;

	*ret = state->have_waited;
	return measures_waits(s);
}

static uint64_t waited(const struct source *s)
{
	const struct sched_state *state = s->state;

	return state->waited;
}

static const struct source_sign signs[] = {
	{ "context switches", own_switches, switches },
	{ "run-queue latency", have_waited, waited },
	{ 0 },
};

static void fini(struct source *s)
{
	struct sched_state *state = s->state;

	if (state)
		process_table_free(state->table);
	free(state);
}

const struct source_ops sched_source_ops = {
	.object = "sched_tracer",
	.parts = parts,
	.n_parts = ARRAY_SIZE(parts),
	.prepare = prepare,
	.push = push,
	.part_wanted = part_wanted,
	.started = started,
	.on_record = on_record,
	.tick = tick,
	.signs = signs,
	.fini = fini,
};
