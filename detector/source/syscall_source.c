/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pushes into the kernel which calls can matter to the rules, and from which latency on; and decides
 * whether calls are to be looked at for the rules at all, or only the waits in them.
 */
#include <asm/unistd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "event/syscalls.h"
#include "source/source_ops.h"

#define NOHZ_FULL "/sys/devices/system/cpu/nohz_full"

enum part { PART_CALLS, PART_WAITS };

static const struct source_part parts[] = {
	[PART_CALLS] = {
		.name = "whole calls",
		.reads = "syscall",
		.ways = { { "on_sys_exit on_sys_enter", NULL } },
		.shed_order = 4,
		.stand_in = PART_WAITS,
	},
	[PART_WAITS] = {
		.name = "waits in calls",
		.reads = "syscall",
		.ways = {
			{ "on_new_task on_walk_threads on_wait", "each wait by itself" },
			{ "on_new_task on_walk_threads on_wait_old", "each wait by itself" },
		},
	},
};

/* What a wait can tell of a call. */
static const char *const fields_of_waits[] = {
	"timestamp", "time_str",    "pid",     "tid",	   "syscall",	   "syscall_name",
	"comm",	     "blocked_ms",  "runq_ms", "measured", "abi",	   "file_type",
	"mostly",    "file_system", "ppid",    "uid",	   "start_time_s", "exe",
	"cmdline",   "parent_comm", "user",    "cgroup",   "container_id", "unit",
};

/* A part that is no longer needed stays for this many ticks: it reports what began under it. */
#define LINGER_TICKS 2

struct syscall_state {
	enum part mode;
	bool has_memory;     /* every thread has been given some for its waits ... */
	uint64_t no_storage; /* ... but for so many times that there was none */
	unsigned linger[ARRAY_SIZE(parts)];
};

static bool served_by_waits(const struct source *s)
{
	const struct demand *demand = source_demand(s, "syscall");
	const struct event_type *type = source_type(s, "syscall");
	uint64_t told = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields_of_waits); i++) {
		const char *name = fields_of_waits[i];

		told |= 1ull << event_field_index(type, event_field_find(type, name, strlen(name)));
	}
	return s->parts[PART_WAITS].way && demand->blocked_floor_ns > 0 &&
	       !(demand->fields & ~told);
}

static bool part_wanted(const struct source *s, unsigned part)
{
	const struct syscall_state *state = s->state;

	return part == state->mode;
}

static bool part_lingers(const struct source *s, unsigned part)
{
	const struct syscall_state *state = s->state;

	return state->linger[part] > 0;
}

/* On CPUs that stop their tick for a single running task, "no tick since" does not mean "short". */
static bool ticks_may_stop(void)
{
	int first = source_kernel_setting(NOHZ_FULL);

	return first >= '0' && first <= '9';
}

static bool is_demanded(const struct demand *demand, unsigned nr)
{
	return demand->syscalls[nr / 64] >> nr % 64 & 1;
}

/* By the last two the programs see whether an interrupted call goes on or a handler ran. */
static bool is_looked_at(const struct demand *demand, unsigned nr)
{
	return is_demanded(demand, nr) || nr == __NR_restart_syscall || nr == __NR_rt_sigreturn;
}

static void prepare(struct source *s)
{
	s->state = xcalloc(1, sizeof(struct syscall_state));
}

static void choose_mode(struct source *s)
{
	struct syscall_state *state = s->state;
	struct source_control *control = bpf_object_control(s->object);
	bool waits_do = s->parts[PART_CALLS].shed || served_by_waits(s);
	enum part mode = waits_do ? PART_WAITS : PART_CALLS;

	if (mode != state->mode && source_part_attached(s, state->mode))
		state->linger[state->mode] = LINGER_TICKS;
	state->mode = mode;
	if (!source_part_attached(s, PART_CALLS))
		control->calls_epoch++;
	if (!source_part_attached(s, PART_WAITS)) {
		control->waits_epoch++;
		state->has_memory = false;
	}
}

static void push(struct source *s)
{
	struct source_control *control = bpf_object_control(s->object);
	const struct demand *demand = source_demand(s, "syscall");

	_Static_assert(SOURCE_SYSCALLS <= DEMAND_SYSCALLS, "a bit for each call");
	control->floor_ns = demand->floor_ns;
	/* the longest tick, HZ=100, must fit under the floor for the tick to prove a call short */
	control->precise = demand->floor_ns < 10 * NS_PER_MS || ticks_may_stop();
	for (unsigned nr = 0; nr < SOURCE_SYSCALLS; nr++)
		control->syscalls[nr] = (is_looked_at(demand, nr) ? SYSCALL_LOOKED_AT : 0) |
					(syscall_takes_fd(nr, false) ? SYSCALL_TAKES_FD : 0);
	choose_mode(s);
}

/* Gives memory for their waits to threads that have none: those older than the programs, and those for
 * which there was none when they began, or they would never be seen. */
static void give_memory(struct source *s)
{
	struct syscall_state *state = s->state;
	struct source_stats stats;

	if (!source_part_attached(s, PART_WAITS))
		return;
	source_stats(s, &stats);
	if (state->has_memory && stats.counters.no_storage == state->no_storage)
		return;
	state->no_storage = stats.counters.no_storage;
	state->has_memory = bpf_object_walk(s->object, "on_walk_threads", 1, NULL, s) >= 0;
	s->lost_here += !state->has_memory;
}

static void adjusted(struct source *s)
{
	bpf_object_control(s->object)->calls_attached = source_part_attached(s, PART_CALLS);
	give_memory(s);
}

/* Tells the programs which process is kernelsight itself. */
static void started(struct source *s)
{
	(void)bpf_object_walk(s->object, "on_introduction", 1, NULL, s);
	adjusted(s);
}

static void tick(struct source *s, uint64_t now_ns)
{
	struct syscall_state *state = s->state;
	bool over = false;

	(void)now_ns;
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (state->linger[i] > 0)
			over |= --state->linger[i] == 0;
	if (over)
		source_parts_apply(s);
	adjusted(s);
}

static void fini(struct source *s)
{
	free(s->state);
}

/* Makes one of the calls that are looked at, with arguments that let it fail at once. */
static bool poke_call(const struct demand *demand)
{
	static const unsigned harmless[] = {
		__NR_read,  __NR_write,	    __NR_openat, __NR_close,
		__NR_fsync, __NR_fdatasync, __NR_ioctl,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(harmless); i++) {
		if (!is_demanded(demand, harmless[i]))
			continue;
		(void)syscall(harmless[i], -1, NULL, 0, 0);
		return true;
	}
	return false;
}

/* Waits for a millisecond in a call whose waits are looked at. */
static bool poke_wait(const struct demand *demand)
{
	const struct timespec a_moment = { .tv_nsec = NS_PER_MS };

	if (is_demanded(demand, __NR_ppoll))
		(void)syscall(__NR_ppoll, NULL, 0, &a_moment, NULL, 0);
	else if (is_demanded(demand, __NR_nanosleep))
		(void)syscall(__NR_nanosleep, &a_moment, NULL);
	else
		return false;
	return true;
}

static bool poke(struct source *s)
{
	const struct syscall_state *state = s->state;
	const struct demand *demand = source_demand(s, "syscall");

	return state->mode == PART_WAITS ? poke_wait(demand) : poke_call(demand);
}

/* A call is counted at its end, if its entry was seen. */
static const struct source_sign signs[] = {
	{ "system calls", source_canary_poked, source_canary_seen },
	{ 0 },
};

const struct source_ops syscall_source_ops = {
	.object = "syscall_tracer",
	.parts = parts,
	.n_parts = ARRAY_SIZE(parts),
	.prepare = prepare,
	.push = push,
	.part_wanted = part_wanted,
	.part_lingers = part_lingers,
	.started = started,
	.adjusted = adjusted,
	.tick = tick,
	.poke = poke,
	.signs = signs,
	.fini = fini,
};
