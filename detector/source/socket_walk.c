/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/socket_walk.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/clock.h"

#define WALK_SHARE 50 /* a walk over all files may take a 50th of the time */

void socket_walk_files(struct source *s, size_t size, record_fn *fn)
{
	bpf_object_control(s->object)->walk++;
	if (bpf_object_walk(s->object, "on_walk", size, fn, s) < 0)
		s->lost_here++;
}

static void read_sockets(struct source *s, struct socket_walk *w)
{
	w->sought = 0;
	if (bpf_object_walk(s->object, "walk_sockets", w->record_size, w->on_record, s) < 0)
		s->lost_here++;
}

void socket_walk_begin(struct source *s, struct socket_walk *w)
{
	struct source_control *control = bpf_object_control(s->object);

	control->baseline = 1;
	read_sockets(s, w);
	control->baseline = 0;
	w->find_owners(s);
}

void socket_walk_read(struct source *s, struct socket_walk *w)
{
	uint64_t began_ns = clock_monotonic_ns();
	uint64_t ended_ns;

	read_sockets(s, w);
	if (!w->sought || (began_ns < w->walk_not_before_ns && !s->stopping))
		return;
	if (s->stopping)
		bpf_object_control(s->object)->walk += SOCKET_OWNER_WALKS;
	began_ns = clock_monotonic_ns();
	w->find_owners(s);
	ended_ns = clock_monotonic_ns();
	w->walk_not_before_ns = ended_ns + WALK_SHARE * (ended_ns - began_ns);
	read_sockets(s, w);
}

bool socket_walk_poke(void)
{
	const struct sockaddr_in local = { .sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0 && bind(fd, (const struct sockaddr *)&local, sizeof(local)) == 0 &&
		    listen(fd, 1) == 0;

	if (fd >= 0)
		(void)close(fd);
	return done;
}

uint64_t socket_walk_ends(const struct source *s)
{
	struct source_stats stats;

	source_stats(s, &stats);
	return stats.counters.socket_ends;
}
