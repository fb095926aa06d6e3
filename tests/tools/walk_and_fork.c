/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a program that walks over all tasks, again and again on one CPU, while another CPU forks, which
 * a second program of the object sees. Says how many walks there were, and how often there was no memory
 * for a task's state.
 *
 * usage: walk_and_fork OBJECT WALK NEWTASK SECONDS
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../bpf/source.h"

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0) {
		perror("walk_and_fork: sched_setaffinity");
		exit(1);
	}
}

/* Forks, one after the other, until this process ends. */
static void start_forks(void)
{
	pid_t parent = getpid();

	if (fork() != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	stay_on(1);
	while (getppid() == parent) {
		if (fork() == 0)
			_exit(0);
		(void)wait(NULL);
	}
	_exit(0);
}

static struct bpf_object *load(const char *path, const char *walk, const char *new_task)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);

		bpf_program__set_autoload(program, !strcmp(name, walk) || !strcmp(name, new_task));
	}
	return bpf_object__load(object) == 0 ? object : NULL;
}

static struct bpf_link *attach(const struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program ? bpf_program__attach(program) : NULL;
}

static void walk_once(struct bpf_link *link)
{
	static char block[65536];
	int fd = bpf_iter_create(bpf_link__fd(link));

	while (read(fd, block, sizeof(block)) > 0)
		;
	(void)close(fd);
}

static unsigned long long no_storage(const struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "counters");
	int n = libbpf_num_possible_cpus();
	struct source_counters *counters = calloc((size_t)n, sizeof(*counters));
	unsigned long long sum = 0;
	__u32 zero = 0;

	if (!counters || bpf_map_lookup_elem(bpf_map__fd(map), &zero, counters) < 0)
		exit(1);
	for (int i = 0; i < n; i++)
		sum += counters[i].no_storage;
	free(counters);
	return sum;
}

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 5 ? load(argv[1], argv[2], argv[3]) : NULL;
	struct bpf_link *walk, *new_task;
	unsigned long long walks = 0;
	time_t end;

	if (!object) {
		fprintf(stderr, "usage: walk_and_fork OBJECT WALK NEWTASK SECONDS\n");
		return 2;
	}
	walk = attach(object, argv[2]);
	new_task = attach(object, argv[3]);
	if (!walk || !new_task)
		return 1;
	start_forks();
	stay_on(0);
	for (end = time(NULL) + atoi(argv[4]); time(NULL) < end; walks++)
		walk_once(walk);
	printf("%llu %llu\n", walks, no_storage(object));
	return 0;
}
