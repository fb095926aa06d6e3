/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink for webhooks that says when each request arrived: HTTP/1.1 with kept connections, on a
 * free port of 127.0.0.1, one thread for each connection, 200 to everything.
 *
 * usage: http_sink RECORD
 *
 * Prints its port. For each request it writes one line to RECORD: the wall clock in nanoseconds at
 * which its first byte was there, a space, and the body, which is JSON and so has no line breaks.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX (1 << 20)

static FILE *record;

struct request {
	char *data; /* ends with a NUL */
	size_t len;
	unsigned long long arrived_ns;
};

static unsigned long long wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

/* Reads what is there behind what the request has. False at the end, and if it gets too long. */
static int read_more(int fd, struct request *r)
{
	ssize_t n = recv(fd, r->data + r->len, REQUEST_MAX - r->len, 0);

	if (n <= 0)
		return 0;
	if (r->len == 0)
		r->arrived_ns = wall_ns();
	r->len += (size_t)n;
	r->data[r->len] = '\0';
	return 1;
}

/* Reads until a whole request is there; gives its body, or NULL when the connection is over. */
static const char *read_request(int fd, struct request *r)
{
	const char *end, *length;
	size_t body_len;

	r->len = 0;
	do {
		if (!read_more(fd, r))
			return NULL;
		end = strstr(r->data, "\r\n\r\n");
	} while (!end);
	length = strcasestr(r->data, "\r\ncontent-length:");
	body_len = length && length < end ? strtoul(strchr(length, ':') + 1, NULL, 10) : 0;
	while ((size_t)(r->data + r->len - (end + 4)) < body_len)
		if (!read_more(fd, r))
			return NULL;
	return end + 4;
}

static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	int fd = (int)(long)arg, on = 1;
	struct request r = { .data = malloc(REQUEST_MAX + 1) };
	const char *body;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (r.data && (body = read_request(fd, &r))) {
		if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
			break;
		fprintf(record, "%llu %s\n", r.arrived_ns, body);
		(void)fflush(record);
	}
	free(r.data);
	(void)close(fd);
	return NULL;
}

/* A listening socket on a port that the kernel chose, or -1. */
static int listen_somewhere(unsigned *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return -1;
	*ret_port = ntohs(at.sin_port);
	return fd;
}

int main(int argc, char **argv)
{
	unsigned port = 0;
	int listener = argc == 2 ? listen_somewhere(&port) : -1;

	record = argc == 2 ? fopen(argv[1], "we") : NULL;
	if (listener < 0 || !record) {
		fprintf(stderr, "usage: http_sink RECORD (a file that can be written)\n");
		return 2;
	}
	printf("%u\n", port);
	(void)fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(long)fd) != 0)
			return 1;
		(void)pthread_detach(thread);
	}
}
