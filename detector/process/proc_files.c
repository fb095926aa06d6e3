/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/proc_files.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/process_text.h"

#define THREADS_MAX 256 /* of a process, that are looked at for one in state D */

/* Reads at most max - 1 bytes of a file of the process and ends them with a NUL; -1 if it cannot. */
static ssize_t slurp(uint32_t pid, const char *file, char *buf, size_t max)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, max - 1);
		(void)close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/*
 * The state and the start time in clock ticks, from a stat file. proc(5): fields count from after the
 * comm, which may hold anything but ends with ')'.
 */
static bool read_stat(uint32_t pid, const char *file, char *ret_state,
		      unsigned long long *ret_ticks)
{
	char stat[1024];
	const char *rest;

	return slurp(pid, file, stat, sizeof(stat)) > 0 && (rest = strrchr(stat, ')')) &&
	       sscanf(rest + 1,
		      " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		      ret_state, ret_ticks) == 2;
}

bool proc_is(struct process_name name)
{
	uint64_t tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
	unsigned long long ticks;
	char state;

	return read_stat(name.pid, "stat", &state, &ticks) && ticks == name.start_time_ns / tick_ns;
}

static bool a_thread_waits(uint32_t pid)
{
	char path[64], state;
	unsigned long long ticks;
	unsigned n = 0;
	bool waits = false;
	const struct dirent *d;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	while (dir && !waits && n++ < THREADS_MAX && (d = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "task/%.20s/stat", d->d_name);
		waits = isdigit((unsigned char)d->d_name[0]) &&
			read_stat(pid, path, &state, &ticks) && state == 'D';
	}
	if (dir)
		(void)closedir(dir);
	return waits;
}

char *proc_read_cmdline(struct process_name name)
{
	char args[PROCESS_ARGS_MAX + 2];
	struct buf out = { 0 };
	ssize_t n;

	if (!proc_is(name) || a_thread_waits(name.pid))
		return NULL;
	n = slurp(name.pid, "cmdline", args, sizeof(args));
	if (n < 0 || !proc_is(name))
		return NULL;
	cmdline_from_args(args, n > PROCESS_ARGS_MAX ? PROCESS_ARGS_MAX : (size_t)n,
			  n > PROCESS_ARGS_MAX, &out);
	return out.data ? buf_steal(&out) : xstrdup("");
}

static bool has_controller(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += len)
		if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* proc_pid_cgroup(5): lines of "hierarchy:controllers:path", version 2 with neither before the path */
const char *proc_cgroup_path(char *text)
{
	const char *memory = NULL, *pids = NULL, *v2 = "/", *v1;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*controllers++ = '\0';
		*path++ = '\0';
		if (!*controllers)
			v2 = path;
		else if (has_controller(controllers, "memory"))
			memory = path;
		else if (has_controller(controllers, "pids"))
			pids = path;
	}
	v1 = memory ? memory : pids;
	return v1 && strcmp(v1, "/") != 0 ? v1 : v2;
}

/* Adds a text with its NUL; returns where it begins. */
static size_t add(struct buf *b, const char *text)
{
	size_t at = b->len;

	buf_add(b, text, strlen(text) + 1);
	return at;
}

static size_t add_exe(struct buf *b, uint32_t pid)
{
	char path[64], exe[PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	return add(b, exe);
}

bool proc_read(struct process_name name, struct proc_facts *ret_facts)
{
	struct buf *b = &ret_facts->text;
	char comm[32], cgroup[8192];
	size_t at[3];

	buf_reset(b);
	ret_facts->facts = (struct process_facts){ 0 };
	if (!proc_is(name))
		return false;
	if (slurp(name.pid, "comm", comm, sizeof(comm)) > 0)
		comm[strcspn(comm, "\n")] = '\0';
	at[0] = add(b, comm);
	at[1] = add_exe(b, name.pid);
	(void)slurp(name.pid, "cgroup", cgroup, sizeof(cgroup));
	at[2] = add(b, proc_cgroup_path(cgroup));
	if (!proc_is(name))
		return false;
	ret_facts->facts.comm = b->data + at[0];
	ret_facts->facts.exe = b->data + at[1];
	ret_facts->facts.cgroup = b->data + at[2];
	return true;
}

void proc_facts_fini(struct proc_facts *f)
{
	buf_fini(&f->text);
}
