/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes many tasks for tests of what the sources keep for each.
 *
 *	storm processes N	forks N processes, one after the other, that end at once
 *	storm threads N		the same with threads of one process
 *	storm parked N		parks N threads in nanosleep and futex, says "parked", and waits to
 *				be killed
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what, int err)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(err));
	exit(1);
}

static pthread_t start(void *(*work)(void *), void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int err;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
	err = pthread_create(&thread, &attributes, work, arg);
	if (err)
		fail("cannot start a thread", err);
	return thread;
}

static void processes(long n)
{
	while (n-- > 0) {
		pid_t pid = fork();

		if (pid < 0)
			fail("cannot fork", errno);
		if (pid == 0)
			_exit(0);
		(void)waitpid(pid, NULL, 0);
	}
}

static void *end_at_once(void *arg)
{
	return arg;
}

static void threads(long n)
{
	while (n-- > 0)
		(void)pthread_join(start(end_at_once, NULL), NULL);
}

static void *park(void *arg)
{
	struct timespec long_time = { .tv_sec = 600 };
	int word = 0;

	if (arg)
		(void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &long_time, NULL, 0);
	else
		(void)nanosleep(&long_time, NULL);
	return NULL;
}

static void parked(long n)
{
	static int in_futex;

	while (n-- > 0)
		(void)start(park, n % 2 ? &in_futex : NULL);
	(void)usleep(100 * 1000); /* until the last of them sleeps */
	(void)puts("parked");
	(void)fflush(stdout);
	(void)pause();
}

int main(int argc, char **argv)
{
	long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (n > 0 && strcmp(argv[1], "processes") == 0)
		processes(n);
	else if (n > 0 && strcmp(argv[1], "threads") == 0)
		threads(n);
	else if (n > 0 && strcmp(argv[1], "parked") == 0)
		parked(n);
	else
		fail("usage: storm processes|threads|parked N", EINVAL);
	return 0;
}
