/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes on one CPU hand a byte to and fro over pipes. The CPU time is that of both; there are
 * two context switches in each trip.
 *
 * usage: switch_loop TRIPS (or 0: see load.h)
 */
#include <sys/wait.h>

#include "load.h"

static int to, from;
static clockid_t other;

static void answer(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1)
		if (write(out, &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static void trip(void)
{
	char byte = 0;

	if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
		err(1, "pipe");
}

static uint64_t both_cpu_ns(void)
{
	return load_cpu_ns() + load_clock_ns(other);
}

int main(int argc, char **argv)
{
	int there[2], back[2];
	pid_t pid;

	if (argc != 2 || pipe(there) < 0 || pipe(back) < 0)
		errx(2, "usage: switch_loop TRIPS");
	load_stay_on_one_cpu();
	pid = fork();
	if (pid == 0) {
		(void)close(there[1]);
		answer(there[0], back[1]);
	}
	if (pid < 0 || clock_getcpuclockid(pid, &other))
		err(1, "cannot fork");
	to = there[1];
	from = back[0];
	load_run(strtoull(argv[1], NULL, 10), 32, trip, both_cpu_ns);
	(void)close(to);
	(void)waitpid(pid, NULL, 0);
	return 0;
}
