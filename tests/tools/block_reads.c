/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads blocks of 4 KiB from a device past the page cache, one at a time, over and over from its
 * first MiB, and prints the CPU time in ns that the process took for it.
 *
 * usage: block_reads DEVICE COUNT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define SPAN  256

static long long cpu_time_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
	void *block = aligned_alloc(BLOCK, BLOCK);
	long count = argc == 3 ? atol(argv[2]) : 0;
	long long began_ns;

	if (fd < 0 || !block) {
		fprintf(stderr, "usage: block_reads DEVICE COUNT\n");
		return 2;
	}
	began_ns = cpu_time_ns();
	for (long i = 0; i < count; i++)
		if (pread(fd, block, BLOCK, i % SPAN * BLOCK) != BLOCK)
			return 1;
	printf("%lld\n", cpu_time_ns() - began_ns);
	return 0;
}
