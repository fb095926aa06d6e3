/* SPDX-License-Identifier: BSD-2-Clause */
/* What sysfs says of a block device. */
#ifndef SOURCE_BLOCK_DEVICE_H
#define SOURCE_BLOCK_DEVICE_H

#include "util/base.h"

/* The columns of /sys/dev/block/M:N/stat that are used; Documentation/block/stat.rst of the kernel. */
enum block_direction { BLOCK_READ, BLOCK_WRITE, BLOCK_DISCARD, BLOCK_DIRECTIONS };

struct block_stat {
	uint64_t ops[BLOCK_DIRECTIONS];
	uint64_t merges[BLOCK_DIRECTIONS];
	uint64_t busy_ms;
	uint64_t in_flight[BLOCK_WRITE + 1]; /* now: reads and writes */
};

/* False if there is no such device, or it has no statistics. */
bool block_device_stat(unsigned major, unsigned minor, struct block_stat *ret);
/* Its name now, as in /dev; false if there is no such device. */
bool block_device_name(unsigned major, unsigned minor, char *ret_name, size_t size);

#endif
