/* SPDX-License-Identifier: BSD-2-Clause */
/* What an object counted, and what it costs. */
#include "source/bpf_object_parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>

const struct source_counters *bpf_object_counters(const struct bpf_object_handle *o)
{
	__u32 zero = 0;

	(void)bpf_map_lookup_elem(o->counters_fd, &zero, o->per_cpu);
	return o->per_cpu;
}

unsigned bpf_object_cpus(const struct bpf_object_handle *o)
{
	return o->n_cpus;
}

int bpf_object_measure(void)
{
	return bpf_enable_stats(BPF_STATS_RUN_TIME);
}

static bool program_info(const struct bpf_program *program, struct bpf_prog_info *ret_info)
{
	__u32 len = sizeof(*ret_info);

	*ret_info = (struct bpf_prog_info){ 0 };
	return bpf_program__fd(program) >= 0 &&
	       bpf_obj_get_info_by_fd(bpf_program__fd(program), ret_info, &len) == 0;
}

uint64_t bpf_object_run_time_ns(const struct bpf_object_handle *o, const char *programs)
{
	struct bpf_program *program;
	struct bpf_prog_info info;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, o->object)
	{
		bool counts =
			programs ? program_named(programs, program) : !program_is_iterator(program);

		if (counts && program_info(program, &info))
			sum += info.run_time_ns;
	}
	return sum;
}

uint64_t bpf_object_walk_time_ns(const struct bpf_object_handle *o)
{
	return o->walk_ns;
}

uint64_t bpf_object_not_run(const struct bpf_object_handle *o)
{
	struct bpf_program *program;
	struct bpf_prog_info info;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, o->object)
	{
		if (program_info(program, &info))
			sum += info.recursion_misses;
	}
	return sum;
}

static uint64_t memlock_bytes(int fd)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	if (f)
		(void)fclose(f);
	return bytes;
}

/* Older kernels, 6.1 among them, count only the head of a ring. */
static uint64_t map_bytes(const struct bpf_map *map)
{
	uint64_t bytes = memlock_bytes(bpf_map__fd(map));
	uint64_t ring = bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF ? bpf_map__max_entries(map) : 0;

	return bytes > ring ? bytes : ring;
}

uint64_t bpf_object_memory_bytes(const struct bpf_object_handle *o)
{
	const struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map(map, o->object)
	{
		sum += map_bytes(map);
	}
	return sum;
}
