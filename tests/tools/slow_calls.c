/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes slow system calls, each in a process of its own, so that a rule by pid gives one alert
 * each.
 *
 * usage: slow_calls COUNT SLEEP_US GAP_US
 *
 * Each process is named slow_call, makes one call of nanosleep, which the C library itself never
 * does, and lives for a little longer, as a process that has work to do would. Between two of them
 * lies GAP_US and up to as much again, so that they keep no step with any timer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIVES_ON_US 3000

static void make_slow_call(long sleep_us)
{
	struct timespec t = { .tv_sec = sleep_us / 1000000, .tv_nsec = sleep_us % 1000000 * 1000 };

	(void)prctl(PR_SET_NAME, "slow_call");
	(void)syscall(SYS_nanosleep, &t, NULL);
	(void)usleep(LIVES_ON_US);
	_exit(0);
}

int main(int argc, char **argv)
{
	long count, sleep_us, gap_us;

	if (argc != 4) {
		fprintf(stderr, "usage: slow_calls COUNT SLEEP_US GAP_US\n");
		return 2;
	}
	count = strtol(argv[1], NULL, 10);
	sleep_us = strtol(argv[2], NULL, 10);
	gap_us = strtol(argv[3], NULL, 10);
	srandom((unsigned)getpid());
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0)
			make_slow_call(sleep_us);
		if (pid < 0) {
			perror("slow_calls: fork");
			return 1;
		}
		(void)waitpid(pid, NULL, 0);
		(void)usleep((useconds_t)(gap_us + random() % (gap_us + 1)));
	}
	return 0;
}
