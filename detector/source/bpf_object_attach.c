/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs onto their hooks: tracepoints, functions, perf events, iterators. */
#include "source/bpf_object_parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct attached *find_attached(const struct bpf_object_handle *o, const char *name)
{
	for (unsigned i = 0; i < o->n_attached; i++)
		if (strcmp(bpf_program__name(o->attached[i].program), name) == 0)
			return &o->attached[i];
	return NULL;
}

/* Which of the n possible CPUs are online, from a list such as "0-3,8"; the caller frees it. NULL with
 * errno if that cannot be read. */
static bool *cpus_online(unsigned n)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	bool *online = f ? xcalloc(n, sizeof(*online)) : NULL;
	unsigned first, last;

	while (f && fscanf(f, "%u", &first) == 1) {
		if (fscanf(f, "-%u", &last) != 1)
			last = first;
		for (unsigned i = first; i <= last && i < n; i++)
			online[i] = true;
		if (fgetc(f) != ',')
			break;
	}
	if (f)
		(void)fclose(f);
	return online;
}

/* The software event that a program of type perf_event runs on. */
static int event_of(const struct bpf_program *program)
{
	static const struct {
		const char *program;
		int event;
	} events[] = { { "on_major_fault", PERF_COUNT_SW_PAGE_FAULTS_MAJ } };

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (strcmp(events[i].program, bpf_program__name(program)) == 0)
			return events[i].event;
	return -1;
}

/* To each event of that kind on a CPU; NULL with errno if that is refused. */
static struct bpf_link *attach_to_cpu(const struct bpf_program *program, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = (__u64)event_of(program),
		.sample_period = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link = fd < 0 ? NULL : bpf_program__attach_perf_event(program, fd);

	if (!link && fd >= 0)
		(void)close(fd);
	return link;
}

/* Attaches it on the CPUs that are online by now, and forgets those that are not. Returns how many
 * refuse, with errno; 1 if it is not known which are online, and then all stays as it is. */
static unsigned follow_cpus(const struct attached *a)
{
	unsigned n = (unsigned)libbpf_num_possible_cpus(), refused = 0;
	int err = 0;
	AUTO_FREE bool *online = cpus_online(n);

	if (!online)
		return 1;
	for (unsigned i = 0; i < n; i++) {
		if (online[i] && !a->per_cpu[i]) {
			a->per_cpu[i] = attach_to_cpu(a->program, (int)i);
			if (!a->per_cpu[i]) {
				refused++;
				err = errno;
			}
		} else if (!online[i] && a->per_cpu[i]) {
			(void)bpf_link__destroy(a->per_cpu[i]);
			a->per_cpu[i] = NULL;
		}
	}
	errno = err;
	return refused;
}

static void detach_one(struct attached *a)
{
	int n = a->per_cpu ? libbpf_num_possible_cpus() : 0;

	for (int i = 0; i < n; i++)
		(void)bpf_link__destroy(a->per_cpu[i]);
	free(a->per_cpu);
	(void)bpf_link__destroy(a->link);
}

/* An iterator over a map is named for it: walk_sockets goes over the map "sockets". */
static struct bpf_link *attach_map_iterator(const struct bpf_object_handle *o,
					    const struct bpf_program *program)
{
	union bpf_iter_link_info info = {
		.map.map_fd =
			(__u32)bpf_object_map(o, bpf_program__name(program) + strlen("walk_")),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(program, &opts);
}

static struct bpf_link *attach_to_one(const struct bpf_object_handle *o,
				      const struct bpf_program *program)
{
	const char *hook = bpf_program__section_name(program);

	if (strcmp(hook, "iter/bpf_map_elem") == 0 || strcmp(hook, "iter/bpf_sk_storage_map") == 0)
		return attach_map_iterator(o, program);
	return program_is_trampoline(program) ? bpf_program__attach_trace(program)
					      : bpf_program__attach(program);
}

/* False with errno. */
static bool attach_program(const struct bpf_object_handle *o, struct attached *a)
{
	if (bpf_program__type(a->program) != BPF_PROG_TYPE_PERF_EVENT) {
		a->link = attach_to_one(o, a->program);
		return a->link != NULL;
	}
	a->per_cpu = xcalloc((size_t)libbpf_num_possible_cpus(), sizeof(struct bpf_link *));
	return follow_cpus(a) == 0;
}

static bool attach_one(struct bpf_object_handle *o, struct bpf_program *program, char **ret_error)
{
	struct attached a = { .program = program };

	if (!bpf_program__autoload(program) || find_attached(o, bpf_program__name(program)))
		return true;
	if (o->n_attached == PROGRAMS_MAX || !attach_program(o, &a)) {
		*ret_error = explain_failure(bpf_program__section_name(program), "attach", errno);
		detach_one(&a);
		return false;
	}
	o->attached[o->n_attached++] = a;
	return true;
}

unsigned bpf_object_follow_cpus(struct bpf_object_handle *o)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < o->n_attached; i++)
		if (o->attached[i].per_cpu)
			refused += follow_cpus(&o->attached[i]);
	return refused;
}

void detach_down_to(struct bpf_object_handle *o, unsigned n)
{
	while (o->n_attached > n)
		detach_one(&o->attached[--o->n_attached]);
}

static bool attach(struct bpf_object_handle *o, const char *list, bool listed, char **ret_error)
{
	unsigned before = o->n_attached;
	struct bpf_program *program;

	forget_messages();
	bpf_object__for_each_program(program, o->object)
	{
		if (program_named(list, program) != listed || attach_one(o, program, ret_error))
			continue;
		detach_down_to(o, before);
		return false;
	}
	return true;
}

bool bpf_object_attach(struct bpf_object_handle *o, const char *programs, char **ret_error)
{
	return attach(o, programs, true, ret_error);
}

bool bpf_object_attach_but(struct bpf_object_handle *o, const char *programs, char **ret_error)
{
	return attach(o, programs, false, ret_error);
}

void bpf_object_detach(struct bpf_object_handle *o, const char *programs)
{
	for (unsigned i = o->n_attached; i-- > 0;) {
		const struct bpf_program *p = o->attached[i].program;

		if (programs ? !program_named(programs, p) : program_is_iterator(p))
			continue;
		detach_one(&o->attached[i]);
		o->n_attached--;
		memmove(&o->attached[i], &o->attached[i + 1],
			(o->n_attached - i) * sizeof(o->attached[0]));
	}
}

void bpf_object_hooks(const struct bpf_object_handle *o, struct buf *out)
{
	for (unsigned i = 0; i < o->n_attached; i++)
		buf_addf(out, "%s%s", i ? ", " : "",
			 bpf_program__section_name(o->attached[i].program));
}
