/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs say: records in the ring, and those that an iterator writes. */
#include "source/bpf_object_parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/clock.h"

#define WALK_BYTES (64 * 1024)

static int on_record(void *ctx, void *data, size_t size)
{
	struct bpf_object_handle *o = ctx;

	o->fn(o->ctx, data, size);
	/* libbpf has moved the position on already: the error only ends this pass */
	return ++o->drained < o->budget ? 0 : -EAGAIN;
}

bool ring_open(struct bpf_object_handle *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	o->ring_fd = bpf_object_map(o, "ring");
	o->positions = map_page(o->ring_fd, 2 * page, PROT_READ, 0);
	o->ring = ring_buffer__new(o->ring_fd, on_record, o, NULL);
	return o->positions && o->ring;
}

void ring_close(struct bpf_object_handle *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	ring_buffer__free(o->ring);
	if (o->positions)
		(void)munmap((void *)o->positions, 2 * page);
}

int bpf_object_ring_fd(const struct bpf_object_handle *o)
{
	return o->ring_fd;
}

bool bpf_object_ring_pending(const struct bpf_object_handle *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const unsigned long *consumer = o->positions;
	const unsigned long *producer = o->positions + page / sizeof(*producer);

	return __atomic_load_n(producer, __ATOMIC_SEQ_CST) != *consumer;
}

unsigned bpf_object_drain(struct bpf_object_handle *o, unsigned budget, record_fn *fn, void *ctx)
{
	o->budget = budget;
	o->drained = 0;
	o->fn = fn;
	o->ctx = ctx;
	(void)ring_buffer__consume(o->ring);
	return o->drained;
}

/* The size of the record at the start of some bytes; 0 if it is not whole. */
static size_t whole_record(const char *at, size_t have, size_t size)
{
	__u32 own_size = 0;

	if (!size && have >= sizeof(own_size)) {
		memcpy(&own_size, at, sizeof(own_size));
		size = own_size;
	}
	return size <= have ? size : 0;
}

static int walk(struct bpf_object_handle *o, const char *program, size_t size, record_fn *fn,
		void *ctx)
{
	static char chunk[WALK_BYTES] __attribute__((aligned(8)));
	const struct attached *iterator = find_attached(o, program);
	int fd = iterator ? bpf_iter_create(bpf_link__fd(iterator->link)) : -1;
	size_t have = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	/* EAGAIN: the kernel has shown a million things that gave no output, and can go on */
	while ((got = read(fd, chunk + have, sizeof(chunk) - have)) > 0 ||
	       (got < 0 && errno == EAGAIN)) {
		size_t at = 0, n;

		if (got < 0)
			continue;
		have += (size_t)got;
		for (; (n = whole_record(chunk + at, have - at, size)); at += n)
			if (fn)
				fn(ctx, chunk + at, n);
		have -= at;
		memmove(chunk, chunk + at, have);
	}
	got = got < 0 ? -errno : 0;
	(void)close(fd);
	return (int)got;
}

int bpf_object_walk(struct bpf_object_handle *o, const char *program, size_t size, record_fn *fn,
		    void *ctx)
{
	uint64_t began_ns = clock_thread_cpu_ns();
	int err = walk(o, program, size, fn, ctx);

	o->walk_ns += clock_thread_cpu_ns() - began_ns;
	return err;
}
