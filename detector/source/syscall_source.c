/* SPDX-License-Identifier: BSD-2-Clause */
/* Pushes into the kernel which calls can matter to the rules, and from which latency on. */
#include <asm/unistd.h>
#include <stdio.h>
#include <unistd.h>

#include "event/syscalls.h"
#include "source/source_ops.h"

#define NOHZ_FULL "/sys/devices/system/cpu/nohz_full"

/* On CPUs that stop their tick for a single running task, "no tick since" does not mean "short". */
static bool ticks_may_stop(void)
{
	FILE *f = fopen(NOHZ_FULL, "re");
	int first = f ? fgetc(f) : EOF;

	if (f)
		(void)fclose(f);
	return first >= '0' && first <= '9';
}

static bool is_demanded(const struct demand *demand, unsigned nr)
{
	return demand->syscalls[nr / 64] >> nr % 64 & 1;
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
		control->syscalls[nr] = (is_demanded(demand, nr) ? SYSCALL_LOOKED_AT : 0) |
					(syscall_takes_fd(nr, false) ? SYSCALL_TAKES_FD : 0);
	/* by these the programs see whether an interrupted call goes on or a handler ran */
	control->syscalls[__NR_restart_syscall] |= SYSCALL_LOOKED_AT;
	control->syscalls[__NR_rt_sigreturn] |= SYSCALL_LOOKED_AT;
}

static void nothing(void *ctx, const void *record, size_t size)
{
	(void)ctx;
	(void)record;
	(void)size;
}

/* Tells the programs which process is kernelsight itself. */
static void started(struct source *s)
{
	(void)bpf_object_walk(s->object, "on_introduction", 1, nothing, s);
}

/* Makes one of the calls that are looked at, with arguments that let it fail at once. */
static bool poke(struct source *s)
{
	static const unsigned harmless[] = {
		__NR_read,  __NR_write,	    __NR_openat, __NR_close,
		__NR_fsync, __NR_fdatasync, __NR_ioctl,
	};
	const struct demand *demand = source_demand(s, "syscall");

	for (unsigned i = 0; i < ARRAY_SIZE(harmless); i++) {
		if (!is_demanded(demand, harmless[i]))
			continue;
		(void)syscall(harmless[i], -1, NULL, 0, 0);
		return true;
	}
	return false;
}

const struct source_ops syscall_source_ops = {
	.object = "syscall_tracer",
	.push = push,
	.started = started,
	.poke = poke,
};
