/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls getppid as often as it is told and says what CPU time the calls take.
 *
 * usage: syscall_loop CALLS [BURST PAUSE_US] (or CALLS 0: see load.h)
 *
 * With BURST it pauses after that many calls; the pauses are not part of the cost.
 */
#include <sys/syscall.h>

#include "load.h"

static void call(void)
{
	(void)syscall(SYS_getppid);
}

static uint64_t burst_ns(uint64_t calls)
{
	uint64_t began_ns = load_cpu_ns();

	for (uint64_t i = 0; i < calls; i++)
		call();
	return load_cpu_ns() - began_ns;
}

static void run_bursts(uint64_t calls, uint64_t burst, useconds_t pause_us)
{
	uint64_t total_ns = 0;

	for (uint64_t left = calls; left > 0;) {
		uint64_t n = left < burst ? left : burst;

		total_ns += burst_ns(n);
		left -= n;
		(void)usleep(pause_us);
	}
	printf("%llu\n", (unsigned long long)total_ns);
}

int main(int argc, char **argv)
{
	uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t burst = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;

	if (argc != 2 && (argc != 4 || burst == 0))
		errx(2, "usage: syscall_loop CALLS [BURST PAUSE_US]");
	load_stay_on_one_cpu();
	if (burst)
		run_bursts(calls, burst, (useconds_t)strtoul(argv[3], NULL, 10));
	else
		load_run(calls, 256, call, load_cpu_ns);
	return 0;
}
