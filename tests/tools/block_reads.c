/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads blocks of 4 KiB from a device past the page cache, one at a time, over and over from its first
 * MiB.
 *
 * usage: block_reads DEVICE READS (or 0: see load.h)
 *
 * The cost is time by the clock, since other threads of the kernel serve the requests: that is CPU
 * time, of all of them, where the device's threads are kept on the CPU of the reader, which is then
 * never idle.
 */
#include <fcntl.h>

#include "load.h"

#define BLOCK 4096
#define SPAN  256

static int device;
static void *block;

static void read_one(void)
{
	static unsigned next;

	if (pread(device, block, BLOCK, (off_t)(next++ % SPAN) * BLOCK) != BLOCK)
		err(1, "read");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: block_reads DEVICE READS");
	device = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
	block = aligned_alloc(BLOCK, BLOCK);
	if (device < 0 || !block)
		err(1, "%s", argv[1]);
	load_stay_on_one_cpu();
	load_run(strtoull(argv[2], NULL, 10), 8, read_one, load_now_ns);
	return 0;
}
