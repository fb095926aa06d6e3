/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source/embedded.h"
#include "util/buf.h"
#include "util/clock.h"

#define WALK_BYTES (64 * 1024)

#define PROGRAMS_MAX 32

struct bpf_object_handle {
	struct bpf_object *object;
	struct attached {
		const struct bpf_program *program;
		struct bpf_link *link;	   /* NULL for a program on perf events, which has ... */
		struct bpf_link **per_cpu; /* ... one for each possible CPU; NULL: not online */
	} attached[PROGRAMS_MAX];	   /* in order of attachment */
	unsigned n_attached;
	struct source_control *control;
	struct ring_buffer *ring;
	int ring_fd;
	const unsigned long *positions; /* consumer's page, then producer's */
	int counters_fd;
	unsigned n_cpus;
	struct source_counters *per_cpu;
	uint64_t walk_ns; /* CPU time of all walks so far */
	/* of the drain in progress */
	unsigned budget;
	unsigned drained;
	record_fn *fn;
	void *ctx;
};

/* What libbpf said of the last failure: the message of the kernel's verifier or a missing hook. */
static struct buf libbpf_said;

/* What the verifier's log, a message of many lines, comes to: the line before its statistics. */
static const char *last_words(char *log)
{
	char *end = strstr(log, "\nprocessed ");
	char *start;

	if (!end)
		return "";
	*end = '\0';
	start = strrchr(log, '\n');
	return start ? start + 1 : log;
}

static int keep_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	AUTO_FREE char *text = NULL;
	const char *words = "";

	if (level != LIBBPF_WARN || libbpf_said.len > 2048 || vasprintf(&text, fmt, args) < 0)
		return 0;
	if (strstr(text, "ulimit -l")) /* advice for kernels before 5.11 */
		return 0;
	if (strstr(text, "LOAD LOG"))
		words = last_words(text);
	text[strcspn(text, "\n")] = '\0';
	buf_addf(&libbpf_said, "%s%s", libbpf_said.len ? "; " : "", *words ? words : text);
	return 0;
}

static char *explain(const char *stem, const char *step, int err)
{
	if (err == ESRCH || err == ENOENT)
		return xasprintf("this kernel lacks a tracepoint that %s needs: %s", stem,
				 buf_str(&libbpf_said));
	return xasprintf("cannot %s %s: %s: %s", step, stem, strerror(err), buf_str(&libbpf_said));
}

bool bpf_object_possible(char **ret_error)
{
	/* r0 = 0; exit: the least that is a program */
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	(void)libbpf_set_print(keep_message);
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		*ret_error =
			xasprintf("this kernel has no BTF (/sys/kernel/btf/vmlinux: %s): one built "
				  "with CONFIG_DEBUG_INFO_BTF=y is needed, 5.12 or newer",
				  strerror(errno));
		return false;
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "Dual BSD/GPL", nothing,
			   ARRAY_SIZE(nothing), NULL);
	if (fd < 0) {
		*ret_error = xasprintf(
			"the kernel refuses BPF programs (%s): run as root, or with "
			"CAP_BPF and CAP_PERFMON; in a container its seccomp profile must "
			"allow bpf(2)",
			strerror(errno));
		return false;
	}
	(void)close(fd);
	return true;
}

static void *map_page(int fd, size_t len, int prot, size_t offset)
{
	void *p = mmap(NULL, len, prot, MAP_SHARED, fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

int bpf_object_map(const struct bpf_object_handle *o, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(o->object, name);

	return fd < 0 ? -1 : fd;
}

bool bpf_object_read(int map, unsigned index, void *ret_value)
{
	__u32 key = index;

	return bpf_map_lookup_elem(map, &key, ret_value) == 0;
}

void bpf_object_clear(const struct bpf_object_handle *o, const char *map)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(o->object, map);
	AUTO_FREE char *key = xcalloc(1, bpf_map__key_size(m));

	while (bpf_map_get_next_key(bpf_map__fd(m), NULL, key) == 0)
		if (bpf_map_delete_elem(bpf_map__fd(m), key) < 0)
			return;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct bpf_object_handle *o = ctx;

	o->fn(o->ctx, data, size);
	/* libbpf has moved the position on already: the error only ends this pass */
	return ++o->drained < o->budget ? 0 : -EAGAIN;
}

/* Returns 0 or -errno. */
static int open_maps(struct bpf_object_handle *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int cpus = libbpf_num_possible_cpus();

	o->control = map_page(bpf_object_map(o, ".data.control"), sizeof(*o->control),
			      PROT_READ | PROT_WRITE, 0);
	o->ring_fd = bpf_object_map(o, "ring");
	o->positions = map_page(o->ring_fd, 2 * page, PROT_READ, 0);
	o->ring = ring_buffer__new(o->ring_fd, on_record, o, NULL);
	o->counters_fd = bpf_object_map(o, "counters");
	if (!o->control || !o->positions || !o->ring || o->counters_fd < 0 || cpus < 1)
		return errno ? -errno : -EINVAL;
	o->n_cpus = (unsigned)cpus;
	o->per_cpu = xcalloc(o->n_cpus, sizeof(*o->per_cpu));
	return 0;
}

static bool is_iterator(const struct bpf_program *p)
{
	return strncmp(bpf_program__section_name(p), "iter/", 5) == 0;
}

static bool named(const char *list, const struct bpf_program *p)
{
	const char *name = bpf_program__name(p);
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += len)
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_trampoline(const struct bpf_program *p)
{
	return starts_with(bpf_program__name(p), "fentry_") ||
	       starts_with(bpf_program__name(p), "fexit_");
}

/*
 * Programs named fentry_... and fexit_... stand in sections of kprobes, so that tools can load the
 * whole object where the kernel has no trampolines; here they become what their names say. False with
 * errno where that is impossible.
 */
static bool make_trampoline(struct bpf_program *p)
{
	const char *function = strchr(bpf_program__section_name(p), '/') + 1;
	bool entry = starts_with(bpf_program__name(p), "fentry_");

	return bpf_program__set_type(p, BPF_PROG_TYPE_TRACING) == 0 &&
	       bpf_program__set_expected_attach_type(p, entry ? BPF_TRACE_FENTRY
							      : BPF_TRACE_FEXIT) == 0 &&
	       bpf_program__set_attach_target(p, 0, function) == 0;
}

/* Opens the embedded object; only the programs that are (not) in the list will be loaded. */
static struct bpf_object *open_embedded(const char *stem, const char *list, bool listed)
{
	size_t len = 0;
	const void *elf = embedded_object(stem, &len);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = stem);
	struct bpf_object *object;
	struct bpf_program *program;

	(void)libbpf_set_print(keep_message);
	buf_reset(&libbpf_said);
	object = bpf_object__open_mem(elf, len, &opts);
	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
	{
		bool wanted = named(list, program) == listed;

		(void)bpf_program__set_autoload(program, wanted);
		if (!wanted || !is_trampoline(program) || make_trampoline(program))
			continue;
		bpf_object__close(object);
		return NULL;
	}
	return object;
}

void bpf_object_list_hooks(const char *stem, const char *programs, bool listed, struct buf *out)
{
	struct bpf_object *object = open_embedded(stem, programs, listed);
	struct bpf_program *program;
	const char *separator = "";

	if (!object)
		return;
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__autoload(program))
			continue;
		buf_addf(out, "%s%s", separator, bpf_program__section_name(program));
		separator = ", ";
	}
	bpf_object__close(object);
}

struct bpf_object_handle *bpf_object_new(const char *stem, const char *left_out, char **ret_error)
{
	struct bpf_object_handle *o = xcalloc(1, sizeof(*o));
	int err;

	o->object = open_embedded(stem, left_out, false);
	err = o->object ? bpf_object__load(o->object) : -errno;
	if (!err)
		err = open_maps(o);
	if (err) {
		*ret_error = explain(stem, "load", -err);
		bpf_object_free(o);
		return NULL;
	}
	return o;
}

static void detach_down_to(struct bpf_object_handle *o, unsigned n);

void bpf_object_free(struct bpf_object_handle *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!o)
		return;
	detach_down_to(o, 0);
	ring_buffer__free(o->ring);
	if (o->positions)
		(void)munmap((void *)o->positions, 2 * page);
	if (o->control)
		(void)munmap(o->control, sizeof(*o->control));
	bpf_object__close(o->object);
	free(o->per_cpu);
	free(o);
}

static const struct attached *find_attached(const struct bpf_object_handle *o, const char *name)
{
	for (unsigned i = 0; i < o->n_attached; i++)
		if (strcmp(bpf_program__name(o->attached[i].program), name) == 0)
			return &o->attached[i];
	return NULL;
}

/* Which of the n possible CPUs are online, from a list such as "0-3,8"; the caller frees it. */
static bool *cpus_online(unsigned n)
{
	bool *online = xcalloc(n, sizeof(*online));
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
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

/* Attaches it on the CPUs that are online by now, and forgets those that are not. False with errno
 * if a CPU refuses. */
static bool follow_cpus(const struct attached *a)
{
	unsigned n = (unsigned)libbpf_num_possible_cpus();
	AUTO_FREE bool *online = cpus_online(n);

	for (unsigned i = 0; i < n; i++) {
		if (online[i] && !a->per_cpu[i]) {
			a->per_cpu[i] = attach_to_cpu(a->program, (int)i);
			if (!a->per_cpu[i])
				return false;
		} else if (!online[i] && a->per_cpu[i]) {
			(void)bpf_link__destroy(a->per_cpu[i]);
			a->per_cpu[i] = NULL;
		}
	}
	return true;
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
	return is_trampoline(program) ? bpf_program__attach_trace(program)
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
	return follow_cpus(a);
}

static bool attach_one(struct bpf_object_handle *o, struct bpf_program *program, char **ret_error)
{
	struct attached a = { .program = program };

	if (!bpf_program__autoload(program) || find_attached(o, bpf_program__name(program)))
		return true;
	if (o->n_attached == PROGRAMS_MAX || !attach_program(o, &a)) {
		*ret_error = explain(bpf_program__section_name(program), "attach", errno);
		detach_one(&a);
		return false;
	}
	o->attached[o->n_attached++] = a;
	return true;
}

void bpf_object_follow_cpus(struct bpf_object_handle *o)
{
	for (unsigned i = 0; i < o->n_attached; i++)
		if (o->attached[i].per_cpu)
			(void)follow_cpus(&o->attached[i]);
}

static void detach_down_to(struct bpf_object_handle *o, unsigned n)
{
	while (o->n_attached > n)
		detach_one(&o->attached[--o->n_attached]);
}

static bool attach(struct bpf_object_handle *o, const char *list, bool listed, char **ret_error)
{
	unsigned before = o->n_attached;
	struct bpf_program *program;

	buf_reset(&libbpf_said);
	bpf_object__for_each_program(program, o->object)
	{
		if (named(list, program) != listed || attach_one(o, program, ret_error))
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

/* A kernel that lacks the better way is no failure: one phrase, without what libbpf had to say. */
static char *explain_try(const char *stem, const char *programs, int err)
{
	CLEANUP(buf_fini) struct buf hooks = { 0 };

	bpf_object_list_hooks(stem, programs, true, &hooks);
	return xasprintf("this kernel %s %s",
			 err == EPERM || err == EACCES ? "does not allow" : "does not have",
			 buf_str(&hooks));
}

bool bpf_object_try(const char *stem, const char *programs, char **ret_error)
{
	struct bpf_object_handle o = { .object = open_embedded(stem, programs, true) };
	int err = o.object ? bpf_object__load(o.object) : -errno;
	AUTO_FREE char *error = NULL;
	bool ok = !err && bpf_object_attach(&o, programs, &error);

	if (!ok)
		*ret_error = explain_try(stem, programs, err ? -err : errno);
	detach_down_to(&o, 0);
	bpf_object__close(o.object);
	return ok;
}

void bpf_object_detach(struct bpf_object_handle *o, const char *programs)
{
	for (unsigned i = o->n_attached; i-- > 0;) {
		const struct bpf_program *p = o->attached[i].program;

		if (programs ? !named(programs, p) : is_iterator(p))
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

struct source_control *bpf_object_control(struct bpf_object_handle *o)
{
	return o->control;
}

const struct source_counters *bpf_object_counters(const struct bpf_object_handle *o)
{
	__u32 zero = 0;

	if (bpf_map_lookup_elem(o->counters_fd, &zero, o->per_cpu) < 0)
		memset(o->per_cpu, 0, o->n_cpus * sizeof(*o->per_cpu));
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

	bpf_object__for_each_program(program, o->object) if ((programs ? named(programs, program)
								       : !is_iterator(program)) &&
							     program_info(program, &info)) sum +=
		info.run_time_ns;
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

	bpf_object__for_each_program(program, o->object) if (program_info(program, &info)) sum +=
		info.recursion_misses;
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
