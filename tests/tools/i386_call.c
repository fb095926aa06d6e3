/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a 32-bit system call from a 64-bit program: `i386_call NUMBER MS`. The first two arguments
 * of the call are the read end of an empty pipe, which a child writes to after MS milliseconds, and
 * a buffer, for read (3); for every other call a struct timespec of MS milliseconds, for nanosleep
 * (162). Exit code 77: this machine cannot do it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SKIP 77

#if defined(__x86_64__)

#define NR_I386_READ 3

static long i386_call(long nr, long first, long second, long third)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(first), "c"(second), "d"(third)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void cannot(int signal)
{
	(void)signal;
	_exit(SKIP);
}

static int pipe_with_a_late_byte(unsigned ms)
{
	int ends[2];

	if (pipe(ends) < 0)
		exit(1);
	if (fork() == 0) {
		(void)usleep(ms * 1000);
		(void)!write(ends[1], "x", 1);
		_exit(0);
	}
	return ends[0];
}

int main(int argc, char **argv)
{
	long nr = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	unsigned ms = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	int *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
			-1, 0);
	long ret;

	if (!nr || low == MAP_FAILED)
		return 1;
	(void)signal(SIGSEGV, cannot);
	low[0] = (int)(ms / 1000);
	low[1] = (int)(ms % 1000) * 1000000;
	if (nr == NR_I386_READ)
		ret = i386_call(nr, pipe_with_a_late_byte(ms), (long)low, 1);
	else
		ret = i386_call(nr, (long)low, 0, 0);
	return ret == -38 ? SKIP : 0;
}

#else

int main(void)
{
	return SKIP;
}

#endif
