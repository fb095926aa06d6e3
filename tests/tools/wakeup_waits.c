/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures run-queue waits by wake-ups and a clock: the way of sched_tracer for kernels that stamp
 * no waits, which tests hold against the other. Says "ready", waits for a line on standard input,
 * and prints a line for each thread that waited: process, longest wait in ns, count of each bucket.
 *
 * usage: wakeup_waits SCHED_TRACER.bpf.o
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/source.h"

static const char *const programs[] = { "on_new_task", "on_walk_waits", "on_wakeup",
					"on_wakeup_new", "on_switch_stamped" };

static int used(const char *name)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(programs[i], name) == 0)
			return 1;
	return 0;
}

static struct bpf_link *attach(struct bpf_object *object)
{
	struct bpf_link *walk = NULL;
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		struct bpf_link *link;

		if (!used(bpf_program__name(program)))
			continue;
		link = bpf_program__attach(program);
		if (!link)
			exit(1);
		if (strcmp(bpf_program__name(program), "on_walk_waits") == 0)
			walk = link;
	}
	return walk;
}

static void print(const struct waits_delta *d)
{
	printf("%u %llu", d->pid, (unsigned long long)d->longest_ns);
	for (unsigned i = 0; i < WAIT_BUCKETS; i++)
		printf(" %d", d->buckets[i]);
	puts("");
}

static void walk(struct bpf_link *link, int show)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	FILE *f = fd < 0 ? NULL : fdopen(fd, "rb");
	struct sched_walked d;

	if (!f)
		exit(1);
	while (fread(&d, sizeof(d), 1, f) == 1)
		if (show && d.waits.pid)
			print(&d.waits);
	(void)fclose(f);
}

/* What a thread did before the first walk that shows it counts too. */
static void count_all(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".data.control");
	size_t size = 0;
	const void *initial = bpf_map__initial_value(map, &size);
	struct source_control control;

	if (!initial || size != sizeof(control))
		exit(1);
	memcpy(&control, initial, size);
	control.since_ns = 1;
	if (bpf_map__set_initial_value(map, &control, size) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *program;
	struct bpf_link *link;

	if (!object)
		return 2;
	bpf_object__for_each_program(program, object)(void)
		bpf_program__set_autoload(program, used(bpf_program__name(program)));
	count_all(object);
	if (bpf_object__load(object) < 0)
		return 1;
	link = attach(object);
	walk(link, 0);
	puts("ready");
	(void)fflush(stdout);
	(void)getchar();
	walk(link, 1);
	return 0;
}
