/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/embedded.h"
#include "util/buf.h"

#define WALK_BYTES (64 * 1024)

struct bpf_object_handle {
	struct bpf_object *object;
	struct bpf_link **links;
	unsigned n_links;
	struct bpf_link *walk; /* of the iterator program, if there is one */
	struct buf hooks;
	struct source_control *control;
	struct ring_buffer *ring;
	int ring_fd;
	const unsigned long *positions; /* consumer's page, then producer's */
	int counters_fd;
	unsigned n_cpus;
	struct source_counters *per_cpu;
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

static int map_fd(const struct bpf_object_handle *o, const char *name)
{
	return bpf_object__find_map_fd_by_name(o->object, name);
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

	o->control = map_page(map_fd(o, ".data.control"), sizeof(*o->control),
			      PROT_READ | PROT_WRITE, 0);
	o->ring_fd = map_fd(o, "ring");
	o->positions = map_page(o->ring_fd, 2 * page, PROT_READ, 0);
	o->ring = ring_buffer__new(o->ring_fd, on_record, o, NULL);
	o->counters_fd = map_fd(o, "counters");
	if (!o->control || !o->positions || !o->ring || o->counters_fd < 0 || cpus < 1)
		return errno ? -errno : -EINVAL;
	o->n_cpus = (unsigned)cpus;
	o->per_cpu = xcalloc(o->n_cpus, sizeof(*o->per_cpu));
	return 0;
}

struct bpf_object_handle *bpf_object_new(const char *stem, char **ret_error)
{
	struct bpf_object_handle *o = xcalloc(1, sizeof(*o));
	size_t len = 0;
	const void *elf = embedded_object(stem, &len);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = stem);
	int err;

	(void)libbpf_set_print(keep_message);
	buf_reset(&libbpf_said);
	o->object = bpf_object__open_mem(elf, len, &opts);
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

void bpf_object_free(struct bpf_object_handle *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!o)
		return;
	bpf_object_detach(o);
	(void)bpf_link__destroy(o->walk);
	ring_buffer__free(o->ring);
	if (o->positions)
		(void)munmap((void *)o->positions, 2 * page);
	if (o->control)
		(void)munmap(o->control, sizeof(*o->control));
	bpf_object__close(o->object);
	buf_fini(&o->hooks);
	free(o->links);
	free(o->per_cpu);
	free(o);
}

static void add_link(struct bpf_object_handle *o, struct bpf_link *link)
{
	o->links = xrealloc(o->links, o->n_links + 1, sizeof(struct bpf_link *));
	o->links[o->n_links++] = link;
}

bool bpf_object_attach(struct bpf_object_handle *o, char **ret_error)
{
	struct bpf_program *program;

	buf_reset(&libbpf_said);
	bpf_object__for_each_program(program, o->object)
	{
		struct bpf_link *link = bpf_program__attach(program);
		const char *hook = bpf_program__section_name(program);

		if (!link) {
			*ret_error = explain(hook, "attach", errno);
			return false;
		}
		if (strncmp(hook, "iter/", 5) == 0)
			o->walk = link;
		else
			add_link(o, link);
		buf_addf(&o->hooks, "%s%s", o->hooks.len ? ", " : "", hook);
	}
	return true;
}

void bpf_object_detach(struct bpf_object_handle *o)
{
	while (o->n_links > 0)
		(void)bpf_link__destroy(o->links[--o->n_links]);
}

const char *bpf_object_hooks(const struct bpf_object_handle *o)
{
	return buf_str(&o->hooks);
}

struct source_control *bpf_object_control(struct bpf_object_handle *o)
{
	return o->control;
}

void bpf_object_counters(const struct bpf_object_handle *o, struct source_counters *ret_sum)
{
	__u32 zero = 0;

	*ret_sum = (struct source_counters){ 0 };
	if (bpf_map_lookup_elem(o->counters_fd, &zero, o->per_cpu) < 0)
		return;
	for (unsigned i = 0; i < o->n_cpus; i++) {
		ret_sum->filtered += o->per_cpu[i].filtered;
		ret_sum->emitted += o->per_cpu[i].emitted;
		ret_sum->ring_full += o->per_cpu[i].ring_full;
		ret_sum->no_storage += o->per_cpu[i].no_storage;
	}
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

int bpf_object_walk(struct bpf_object_handle *o, size_t size, record_fn *fn, void *ctx)
{
	static char chunk[WALK_BYTES] __attribute__((aligned(8)));
	int fd = bpf_iter_create(bpf_link__fd(o->walk));
	size_t have = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	/* EAGAIN: the kernel has shown a million things that gave no output, and can go on */
	while ((got = read(fd, chunk + have, sizeof(chunk) - have)) > 0 ||
	       (got < 0 && errno == EAGAIN)) {
		size_t at = 0;

		if (got < 0)
			continue;
		have += (size_t)got;
		for (; have - at >= size; at += size)
			fn(ctx, chunk + at, size);
		have -= at;
		memmove(chunk, chunk + at, have);
	}
	got = got < 0 ? -errno : 0;
	(void)close(fd);
	return (int)got;
}
