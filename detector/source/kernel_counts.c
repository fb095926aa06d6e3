/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/kernel_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The word at place n of a line, NULL if there is none; *line is cut up. */
static const char *word_at(char *line, unsigned n)
{
	char *rest = NULL;
	const char *word = strtok_r(line, " \n", &rest);

	while (word && n--)
		word = strtok_r(NULL, " \n", &rest);
	return word;
}

static int place_of(char *line, const char *name)
{
	char *rest = NULL;
	int place = 0;

	for (const char *word = strtok_r(line, " \n", &rest); word; place++) {
		if (strcmp(word, name) == 0)
			return place;
		word = strtok_r(NULL, " \n", &rest);
	}
	return -1;
}

/* Of a file of pairs of lines, "Tcp: NAME NAME ..." and "Tcp: NUMBER NUMBER ...". */
static bool read_column(const char *path, const char *group, const char *name, uint64_t *ret)
{
	FILE *f = fopen(path, "re");
	AUTO_FREE char *names = NULL;
	AUTO_FREE char *numbers = NULL;
	size_t size = 0, other_size = 0, len = strlen(group);
	const char *word = NULL;

	while (f && !word && getline(&names, &size, f) > 0 &&
	       getline(&numbers, &other_size, f) > 0) {
		int place = strncmp(names, group, len) == 0 ? place_of(names, name) : -1;

		if (place >= 0)
			word = word_at(numbers, (unsigned)place);
	}
	if (f)
		(void)fclose(f);
	if (word)
		*ret = strtoull(word, NULL, 10);
	return word != NULL;
}

/* Of a file of lines "NAME NUMBER"; 0 if there is none of that name. */
static uint64_t read_line(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	char found[64];
	unsigned long long number = 0;

	while (f && fscanf(f, "%63s %llu", found, &number) == 2 && strcmp(found, name) != 0)
		number = 0;
	if (f)
		(void)fclose(f);
	return number;
}

bool kernel_counts_retransmits(uint64_t *ret)
{
	uint64_t sent = 0, failed = 0;

	if (!read_column("/proc/self/net/snmp", "Tcp:", "RetransSegs", &sent) ||
	    !read_column("/proc/self/net/netstat", "TcpExt:", "TCPRetransFail", &failed))
		return false;
	*ret = sent - failed;
	return true;
}

bool kernel_counts_udp_sent(uint64_t *ret)
{
	if (!read_column("/proc/self/net/snmp", "Udp:", "OutDatagrams", ret))
		return false;
	*ret += read_line("/proc/self/net/snmp6", "Udp6OutDatagrams");
	return true;
}

/* One that only passes on what it gets, as device mapper does, makes no requests; nor does a partition. */
static bool has_requests(const char *device)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/sys/block/%s/mq", device);
	for (char *at = path + strlen("/sys/block/"); at < path + strlen(path) - strlen("/mq");
	     at++)
		if (*at == '/')
			*at = '!';
	return access(path, F_OK) == 0;
}

bool kernel_counts_block_requests(uint64_t *ret)
{
	FILE *f = fopen("/proc/diskstats", "re");
	char line[512], name[64];
	unsigned long long reads, writes, discards;

	*ret = 0;
	while (f && fgets(line, sizeof(line), f)) {
		discards = 0;
		if (sscanf(line, " %*u %*u %63s %llu %*u %*u %*u %llu %*u %*u %*u %*u %*u %*u %llu",
			   name, &reads, &writes, &discards) >= 3 &&
		    reads + writes + discards && has_requests(name))
			*ret += reads + writes + discards;
	}
	if (f)
		(void)fclose(f);
	return f != NULL;
}
