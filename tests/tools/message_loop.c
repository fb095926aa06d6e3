/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends small messages to itself over the loopback and says what they cost.
 *
 * usage: message_loop tcp|udp MESSAGES
 *
 * Each is sent and received before the next. Prints the CPU time in nanoseconds, what the kernel does
 * on the loopback included. Runs on one CPU, the last it may use.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES 100

static unsigned long long cpu_time_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

static void stay_on_last_cpu(void)
{
	cpu_set_t set;
	int last = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	while (last > 0 && !CPU_ISSET(last, &set))
		last--;
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* A socket on a free port of the loopback, whose address is put into *at. */
static int bound(int type, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, type, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)at, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)at, &len) < 0)
		err(1, "socket");
	return fd;
}

/* Gives the two ends of a connection. */
static void open_ends(int type, int ends[2])
{
	struct sockaddr_in at;
	int one = 1;
	int fd = bound(type, &at);

	ends[0] = socket(AF_INET, type, 0);
	if (type == SOCK_STREAM && listen(fd, 1) < 0)
		err(1, "listen");
	if (ends[0] < 0 || connect(ends[0], (struct sockaddr *)&at, sizeof(at)) < 0)
		err(1, "connect");
	ends[1] = type == SOCK_STREAM ? accept(fd, NULL, NULL) : fd;
	if (type == SOCK_STREAM)
		(void)setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int main(int argc, char **argv)
{
	unsigned long messages = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	char data[MESSAGE_BYTES] = { 0 };
	unsigned long long start_ns;
	int ends[2];

	if (messages == 0 || (strcmp(argv[1], "tcp") != 0 && strcmp(argv[1], "udp") != 0)) {
		fprintf(stderr, "usage: message_loop tcp|udp MESSAGES\n");
		return 2;
	}
	stay_on_last_cpu();
	open_ends(strcmp(argv[1], "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM, ends);
	start_ns = cpu_time_ns();
	for (unsigned long i = 0; i < messages; i++)
		if (send(ends[0], data, sizeof(data), 0) != sizeof(data) ||
		    recv(ends[1], data, sizeof(data), MSG_WAITALL) != sizeof(data))
			err(1, "message %lu", i);
	printf("%llu\n", cpu_time_ns() - start_ns);
	return 0;
}
