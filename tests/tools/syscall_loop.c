/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls getppid as often as it is told and says what the calls cost.
 *
 * usage: syscall_loop CALLS [BURST PAUSE_US]
 *
 * With BURST it pauses after that many calls; the pauses are not part of the cost. Prints the CPU
 * time of the calls in nanoseconds, by the counter that getrusage rounds to microseconds. Runs on
 * one CPU, the last it may use, so that no migration is part of the cost either.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned long long cpu_time_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

static void stay_on_last_cpu(void)
{
	cpu_set_t set;
	int last = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	while (last > 0 && !CPU_ISSET(last, &set))
		last--;
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static unsigned long long burst_ns(unsigned long calls)
{
	unsigned long long start_ns = cpu_time_ns();

	for (unsigned long i = 0; i < calls; i++)
		(void)syscall(SYS_getppid);
	return cpu_time_ns() - start_ns;
}

int main(int argc, char **argv)
{
	unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long burst = argc > 3 ? strtoul(argv[2], NULL, 10) : calls;
	useconds_t pause_us = argc > 3 ? (useconds_t)strtoul(argv[3], NULL, 10) : 0;
	unsigned long long total_ns = 0;

	if (calls == 0 || burst == 0) {
		fprintf(stderr, "usage: syscall_loop CALLS [BURST PAUSE_US]\n");
		return 2;
	}
	stay_on_last_cpu();
	for (unsigned long left = calls; left > 0;) {
		unsigned long n = left < burst ? left : burst;

		total_ns += burst_ns(n);
		left -= n;
		if (pause_us)
			(void)usleep(pause_us);
	}
	printf("%llu\n", total_ns);
	return 0;
}
