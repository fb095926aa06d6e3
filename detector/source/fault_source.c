/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults of each process in one second, and each major fault. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/process_table.h"
#include "util/clock.h"

_Static_assert(FAULT_COUNTS <= PROCESS_COUNTS_MAX, "room for them");

#define DELAY_ACCOUNTING "/proc/sys/kernel/task_delayacct"

enum part { PART_COUNTS, PART_MODE, PART_TIME, PART_DELAYS, PART_MAJOR };

static const struct source_part parts[] = {
	[PART_COUNTS] = {
		.name = "faults of each process",
		.reads = "page_fault",
		.ways = { { "on_walk on_exit on_free", NULL } },
	},
	[PART_MODE] = {
		.name = "faults by mode",
		.reads = "page_fault.user_faults page_fault.kernel_faults",
		.ways = { { "on_user_fault on_kernel_fault", NULL } },
		.shed_order = 2,
	},
	[PART_TIME] = {
		.name = "time of page faults",
		.reads = "page_fault.fault_ms page_fault.fault_avg_us",
		.ways = { { "fentry_fault fexit_fault", NULL } },
		.shed_order = 1,
	},
	/* no program: the walk reads what the kernel counts */
	[PART_DELAYS] = {
		.name = "time of page faults",
		.reads = "page_fault.fault_ms page_fault.fault_avg_us",
		.ways = { { "", "by delay accounting: swap-in, reclaim, compaction, copies on write and "
				"refaults, but no file read for the first time" } },
	},
	[PART_MAJOR] = {
		.name = "major faults one by one",
		.reads = "major_fault",
		.ways = { { "on_major_fault", NULL } },
		.shed_order = 3,
	},
};

struct fault_state {
	struct process_table *table;
	bool counting;	   /* where every thread stands has been marked, since the programs came */
	uint64_t began_ns; /* of the second that is being added up */
	uint64_t ends_ns;
	bool whole[ARRAY_SIZE(parts)]; /* attached since before that */
	/* sums over all processes, for the signs of life */
	uint64_t minor;
	uint64_t by_mode;
	uint64_t timed;
};

/* Delay accounting stands in where the kernel does not let faults be timed. */
static bool part_wanted(const struct source *s, unsigned part)
{
	bool by_delays = !s->parts[PART_TIME].way && source_kernel_setting(DELAY_ACCOUNTING) == '1';

	if ((part == PART_DELAYS && !by_delays) || (part == PART_TIME && by_delays))
		return false;
	return source_part_read(s, part);
}

static void on_delta(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;
	struct fault_state *state = s->state;

	(void)size;
	if (!process_table_add(state->table, record))
		s->lost_here++;
}

#define DELTA_BYTES (sizeof(struct task_delta) + FAULT_COUNTS * sizeof(__s64))

_Static_assert(DELTA_BYTES != sizeof(struct ev_major_fault), "told apart by their size");

static void on_record(void *ctx, const void *record, size_t size)
{
	if (size == sizeof(struct ev_major_fault))
		source_emit(ctx, source_type(ctx, "major_fault"), record);
	else if (size >= DELTA_BYTES)
		on_delta(ctx, record, size);
}

static void walk(struct source *s)
{
	if (!source_part_attached(s, PART_COUNTS))
		return;
	if (bpf_object_walk(s->object, "on_walk", DELTA_BYTES, on_delta, s) < 0)
		s->lost_here++;
}

static void prepare(struct source *s)
{
	struct fault_state *state = xcalloc(1, sizeof(*state));

	state->table = process_table_new(FAULT_COUNTS);
	s->state = state;
}

static void push(struct source *s)
{
	if (!source_part_attached(s, PART_COUNTS))
		bpf_object_control(s->object)->since_ns = clock_boottime_ns();
}

/* What threads did while the programs were away, since their last marks, does not count. */
static void adjusted(struct source *s)
{
	struct fault_state *state = s->state;
	bool attached = source_part_attached(s, PART_COUNTS);

	if (attached && !state->counting &&
	    bpf_object_walk(s->object, "on_walk", DELTA_BYTES, NULL, s) < 0)
		s->lost_here++;
	state->counting = attached;
}

static void begin(struct source *s, uint64_t now_ns)
{
	struct fault_state *state = s->state;

	state->began_ns = now_ns;
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		state->whole[i] = source_part_attached(s, i);
}

/* Marks where every thread stands now; only threads that are newer have done anything yet. */
static void started(struct source *s)
{
	struct fault_state *state = s->state;
	uint64_t now_ns = clock_monotonic_ns();

	walk(s);
	state->counting = source_part_attached(s, PART_COUNTS);
	begin(s, now_ns);
}

static bool measured(const struct source *s, unsigned part)
{
	const struct fault_state *state = s->state;

	return state->whole[part] && source_part_attached(s, part);
}

static void emit(void *ctx, struct process_sums *sums)
{
	struct source *s = ctx;
	struct fault_state *state = s->state;
	const int64_t *counts = sums->counts;
	struct ev_page_fault e = {
		.ts_ns = state->ends_ns,
		.interval_ns = state->ends_ns - state->began_ns,
		.pid = sums->who.pid,
		.ppid = sums->who.ppid,
		.uid = sums->who.uid,
		.start_time_ns = sums->who.start_time_ns,
		.exited = sums->who.exited,
		.minor_faults = process_count(counts[FAULT_MINOR]),
		.major_faults = process_count(counts[FAULT_MAJOR]),
		.user_faults = NOT_MEASURED,
		.kernel_faults = NOT_MEASURED,
		.fault_ns = NOT_MEASURED,
	};

	state->minor += e.minor_faults;
	state->by_mode += process_count(counts[FAULT_USER]) + process_count(counts[FAULT_KERNEL]);
	state->timed += process_count(counts[FAULT_TIMED]);
	memcpy(e.comm, sums->who.comm, sizeof(e.comm));
	if (measured(s, PART_MODE)) {
		e.user_faults = process_count(counts[FAULT_USER]);
		e.kernel_faults = process_count(counts[FAULT_KERNEL]);
	}
	if (measured(s, PART_TIME)) {
		e.fault_ns = process_count(counts[FAULT_TIMED_NS]);
		e.timed_faults = process_count(counts[FAULT_TIMED]);
	} else if (measured(s, PART_DELAYS)) {
		e.fault_ns = process_count(counts[FAULT_DELAY_NS]);
		e.timed_faults = e.minor_faults + e.major_faults;
	}
	source_emit(s, source_type(s, "page_fault"), &e);
}

static void tick(struct source *s, uint64_t now_ns)
{
	struct fault_state *state = s->state;

	walk(s);
	state->ends_ns = now_ns;
	process_table_flush(state->table, emit, s);
	begin(s, now_ns);
}

/* Touches a page that is not there yet. */
static bool poke(struct source *s)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *page = source_part_attached(s, PART_COUNTS)
				      ? mmap(NULL, size, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
				      : MAP_FAILED;

	if (page == MAP_FAILED)
		return false;
	*page = 1;
	(void)munmap((void *)page, size);
	return true;
}

static uint64_t minor(const struct source *s)
{
	const struct fault_state *state = s->state;

	return state->minor;
}

static bool poked_by_mode(const struct source *s, uint64_t *ret)
{
	return source_canary_poked(s, ret) && source_part_attached(s, PART_MODE);
}

static uint64_t by_mode(const struct source *s)
{
	const struct fault_state *state = s->state;

	return state->by_mode;
}

static bool poked_in_time(const struct source *s, uint64_t *ret)
{
	return source_canary_poked(s, ret) && source_part_attached(s, PART_TIME);
}

static uint64_t timed(const struct source *s)
{
	const struct fault_state *state = s->state;

	return state->timed;
}

/* No sign of major faults: they cannot be had for nothing, and those in a call of the kernel raise no
 * event. */
static const struct source_sign signs[] = {
	{ "faults", source_canary_poked, minor },
	{ "faults by mode", poked_by_mode, by_mode },
	{ "time of faults", poked_in_time, timed },
	{ 0 },
};

static void fini(struct source *s)
{
	struct fault_state *state = s->state;

	if (state)
		process_table_free(state->table);
	free(state);
}

const struct source_ops fault_source_ops = {
	.object = "page_faults",
	.parts = parts,
	.n_parts = ARRAY_SIZE(parts),
	.prepare = prepare,
	.push = push,
	.part_wanted = part_wanted,
	.started = started,
	.adjusted = adjusted,
	.on_record = on_record,
	.tick = tick,
	.poke = poke,
	.signs = signs,
	.fini = fini,
};
