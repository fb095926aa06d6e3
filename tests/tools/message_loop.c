/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends small messages to itself over the loopback and says what they cost.
 *
 * usage: message_loop tcp|udp MESSAGES (or 0: see load.h)
 *
 * Each is sent and received before the next. The cost is CPU time, what the kernel does on the loopback
 * included.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"

#define MESSAGE_BYTES 100

static int ends[2];

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

/* The two ends of a connection. */
static void open_ends(int type)
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

static void message(void)
{
	char data[MESSAGE_BYTES] = { 0 };

	if (send(ends[0], data, sizeof(data), 0) != sizeof(data) ||
	    recv(ends[1], data, sizeof(data), MSG_WAITALL) != sizeof(data))
		err(1, "message");
}

int main(int argc, char **argv)
{
	bool tcp = argc == 3 && strcmp(argv[1], "tcp") == 0;

	if (argc != 3 || (!tcp && strcmp(argv[1], "udp") != 0))
		errx(2, "usage: message_loop tcp|udp MESSAGES");
	load_stay_on_one_cpu();
	open_ends(tcp ? SOCK_STREAM : SOCK_DGRAM);
	load_run(strtoull(argv[2], NULL, 10), 64, message, load_cpu_ns);
	return 0;
}
