/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that send one datagram each and end: udp_storm PROCESSES BYTES */
#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void send_one(size_t size)
{
	static const char data[1 << 16];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sendto(fd, data, size, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)size)
		_exit(1);
	_exit(0);
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? atoi(argv[1]) : 0;
	int status, failed = 0;

	if (n < 1)
		errx(2, "usage: udp_storm PROCESSES BYTES");
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			send_one((size_t)atoi(argv[2]));
		if (waitpid(pid, &status, 0) != pid || status)
			failed++;
	}
	return failed ? 1 : 0;
}
