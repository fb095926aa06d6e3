/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes on one CPU hand a byte to and fro over pipes. Prints the CPU time that both took, in
 * ns; there were two context switches for each trip.
 *
 * usage: switch_loop TRIPS
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "switch_loop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long cpu_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		fail("no CPU clock");
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("cannot stay on one CPU");
}

static void answer(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static void trip(int to, int from)
{
	char byte = 0;

	if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
		fail("pipe");
}

int main(int argc, char **argv)
{
	long trips = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	int there[2], back[2];
	clockid_t other;
	long long ns;
	pid_t pid;

	if (trips <= 0 || pipe(there) < 0 || pipe(back) < 0)
		fail("usage: switch_loop TRIPS");
	pin();
	pid = fork();
	if (pid == 0) {
		(void)close(there[1]);
		answer(there[0], back[1]);
	}
	if (pid < 0 || clock_getcpuclockid(pid, &other))
		fail("cannot fork");
	trip(there[1], back[0]);
	ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) + cpu_ns(other);
	for (long i = 0; i < trips; i++)
		trip(there[1], back[0]);
	ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) + cpu_ns(other) - ns;
	(void)close(there[1]);
	(void)waitpid(pid, NULL, 0);
	printf("%lld\n", ns);
	return 0;
}
