/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/block_device.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Reads at most n numbers; returns how many there were. */
static unsigned read_numbers(unsigned major, unsigned minor, const char *file, uint64_t *ret,
			     unsigned n)
{
	char path[64];
	unsigned long long number;
	unsigned got = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major, minor, file);
	f = fopen(path, "re");
	while (f && got < n && fscanf(f, "%llu", &number) == 1)
		ret[got++] = number;
	if (f)
		(void)fclose(f);
	return got;
}

bool block_device_stat(unsigned major, unsigned minor, struct block_stat *ret)
{
	uint64_t n[15] = { 0 };

	*ret = (struct block_stat){ 0 };
	if (read_numbers(major, minor, "stat", n, ARRAY_SIZE(n)) < 11 ||
	    read_numbers(major, minor, "inflight", ret->in_flight, 2) < 2)
		return false;
	ret->ops[BLOCK_READ] = n[0];
	ret->merges[BLOCK_READ] = n[1];
	ret->ops[BLOCK_WRITE] = n[4];
	ret->merges[BLOCK_WRITE] = n[5];
	ret->busy_ms = n[9];
	ret->ops[BLOCK_DISCARD] = n[11];
	ret->merges[BLOCK_DISCARD] = n[12];
	return true;
}

bool block_device_name(unsigned major, unsigned minor, char *ret_name, size_t size)
{
	char path[64], target[512];
	const char *name;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	name = strrchr(target, '/');
	(void)snprintf(ret_name, size, "%s", name ? name + 1 : target);
	/* sysfs writes it so, as a name there cannot have a slash */
	for (char *at = ret_name; (at = strchr(at, '!'));)
		*at = '/';
	return true;
}
