/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the programs that a process has attached to tracepoints, to attach and detach them at will once
 * that process has ended: the very same programs, with the maps that they have by then.
 *
 * usage: toggle_bpf PID
 *
 * Prints how many it has taken. Then attaches all of them for each 'a' that it reads, detaches them for
 * each 'd', and prints a line when that is done.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <err.h>
#include <glob.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOOKS_MAX 64

struct hook {
	char tracepoint[128];
	int program;
	int attachment; /* descriptor, while it is attached */
	enum bpf_prog_type type;
};

static struct hook hooks[HOOKS_MAX];
static int hook_count;

static unsigned long tracepoint_id(const char *name)
{
	unsigned long id;
	char *pattern;
	glob_t found;
	FILE *f;

	if (asprintf(&pattern, "/sys/kernel/tracing/events/*/%s/id", name) < 0)
		err(1, "memory");
	if (glob(pattern, 0, NULL, &found))
		errx(1, "no tracepoint %s", name);
	f = fopen(found.gl_pathv[0], "re");
	if (!f || fscanf(f, "%lu", &id) != 1)
		err(1, "%s", found.gl_pathv[0]);
	(void)fclose(f);
	globfree(&found);
	free(pattern);
	return id;
}

/* The program sees the tracepoint on all CPUs, whichever the event is on. */
static int attach_to_event(const struct hook *h)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr),
					.config = tracepoint_id(h->tracepoint) };
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0 && (ioctl(fd, PERF_EVENT_IOC_SET_BPF, h->program) < 0 ||
			ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void attach(struct hook *h)
{
	if (h->type == BPF_PROG_TYPE_TRACEPOINT)
		h->attachment = attach_to_event(h);
	else if (h->type == BPF_PROG_TYPE_TRACING) /* knows its tracepoint */
		h->attachment = bpf_raw_tracepoint_open(NULL, h->program);
	else
		h->attachment = bpf_raw_tracepoint_open(h->tracepoint, h->program);
	if (h->attachment < 0)
		err(1, "cannot attach to %s", h->tracepoint);
}

static void take(int pid, int fd)
{
	struct hook *h = &hooks[hook_count];
	__u32 name_bytes = sizeof(h->tracepoint), id, how;
	struct bpf_prog_info info = { 0 };
	__u32 info_bytes = sizeof(info);
	__u64 unused;

	if (bpf_task_fd_query(pid, fd, 0, h->tracepoint, &name_bytes, &id, &how, &unused, &unused) <
	    0)
		return;
	if (how != BPF_FD_TYPE_RAW_TRACEPOINT && how != BPF_FD_TYPE_TRACEPOINT)
		return;
	h->program = bpf_prog_get_fd_by_id(id);
	if (h->program < 0 || bpf_obj_get_info_by_fd(h->program, &info, &info_bytes) < 0)
		err(1, "cannot take the program at %s", h->tracepoint);
	h->type = (enum bpf_prog_type)info.type;
	if (++hook_count == HOOKS_MAX)
		errx(1, "%d programs are too many", HOOKS_MAX);
}

static void take_all(int pid)
{
	struct dirent *entry;
	char path[32];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		err(1, "%s", path);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			take(pid, atoi(entry->d_name));
	(void)closedir(dir);
}

static void answer(int number)
{
	printf("%d\n", number);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	char what;

	if (argc != 2)
		errx(2, "usage: toggle_bpf PID");
	take_all(atoi(argv[1]));
	answer(hook_count);
	while (read(STDIN_FILENO, &what, 1) == 1) {
		for (int i = 0; i < hook_count; i++) {
			if (what == 'a')
				attach(&hooks[i]);
			else
				(void)close(hooks[i].attachment);
		}
		answer(hook_count);
	}
	return 0;
}
