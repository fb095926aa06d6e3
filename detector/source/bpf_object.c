/* SPDX-License-Identifier: BSD-2-Clause */
/* From an embedded object to a loaded one, its maps, and what libbpf says where that fails. */
#include "source/bpf_object_parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/embedded.h"

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

void forget_messages(void)
{
	buf_reset(&libbpf_said);
}

char *explain_failure(const char *stem, const char *step, int err)
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

void *map_page(int fd, size_t len, int prot, size_t offset)
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

/* Returns 0 or -errno. */
static int open_maps(struct bpf_object_handle *o)
{
	int cpus = libbpf_num_possible_cpus();
	bool has_ring;

	o->control = map_page(bpf_object_map(o, ".data.control"), sizeof(*o->control),
			      PROT_READ | PROT_WRITE, 0);
	has_ring = ring_open(o);
	o->counters_fd = bpf_object_map(o, "counters");
	if (!o->control || !has_ring || o->counters_fd < 0 || cpus < 1)
		return errno ? -errno : -EINVAL;
	o->n_cpus = (unsigned)cpus;
	o->per_cpu = xcalloc(o->n_cpus, sizeof(*o->per_cpu));
	return 0;
}

bool program_is_iterator(const struct bpf_program *p)
{
	return strncmp(bpf_program__section_name(p), "iter/", 5) == 0;
}

bool program_named(const char *list, const struct bpf_program *p)
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

bool program_is_trampoline(const struct bpf_program *p)
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
	forget_messages();
	object = bpf_object__open_mem(elf, len, &opts);
	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
	{
		bool wanted = program_named(list, program) == listed;

		(void)bpf_program__set_autoload(program, wanted);
		if (!wanted || !program_is_trampoline(program) || make_trampoline(program))
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
		*ret_error = explain_failure(stem, "load", -err);
		bpf_object_free(o);
		return NULL;
	}
	return o;
}

void bpf_object_free(struct bpf_object_handle *o)
{
	if (!o)
		return;
	detach_down_to(o, 0);
	ring_close(o);
	if (o->control)
		(void)munmap(o->control, sizeof(*o->control));
	bpf_object__close(o->object);
	free(o->per_cpu);
	free(o);
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

struct source_control *bpf_object_control(struct bpf_object_handle *o)
{
	return o->control;
}
