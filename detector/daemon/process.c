/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/process.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CMDLINE_MAX 4096

/* Reads at most max - 1 bytes of a file and ends them with a NUL; -1 if it cannot be read. */
static ssize_t slurp(const char *path, char *buf, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, max - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static ssize_t slurp_proc(int64_t pid, const char *name, char *buf, size_t max)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, name);
	return slurp(path, buf, max);
}

/*
 * Is it the process that started then, and in which state is it? proc(5): fields of stat count from
 * after the comm, which may hold anything but ends with ')'.
 */
static bool started_at(int64_t pid, double start_time_s, char *ret_state)
{
	char stat[1024];
	unsigned long long ticks;
	const char *rest;

	if (slurp_proc(pid, "stat", stat, sizeof(stat)) <= 0 || !(rest = strrchr(stat, ')')) ||
	    sscanf(rest + 1,
		   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   ret_state, &ticks) != 2)
		return false;
	return ticks == (unsigned long long)(start_time_s * (double)sysconf(_SC_CLK_TCK) + 1e-6);
}

static char *read_cmdline(int64_t pid)
{
	char text[CMDLINE_MAX];
	ssize_t n = slurp_proc(pid, "cmdline", text, sizeof(text));

	while (n > 0 && text[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return xstrndup(text, n > 0 ? (size_t)n : 0);
}

static char *read_exe(int64_t pid)
{
	char path[64], exe[PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%lld/exe", (long long)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	return xstrndup(exe, n > 0 ? (size_t)n : 0);
}

/* The path in the unified hierarchy or, where that has none, in the first that says more than "/". */
static char *read_cgroup(int64_t pid)
{
	char text[4096];
	const char *best = "";
	char *save = NULL;

	if (slurp_proc(pid, "cgroup", text, sizeof(text)) <= 0)
		return xstrdup("");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (!path)
			continue;
		if (strcmp(best, "") == 0 || (strcmp(best, "/") == 0 && strcmp(path + 1, "/") != 0))
			best = path + 1;
	}
	return xstrdup(best);
}

static char *read_comm(int64_t pid)
{
	char text[32];
	ssize_t n = slurp_proc(pid, "comm", text, sizeof(text));

	return xstrndup(text, n > 0 ? (size_t)n - 1 : 0);
}

static char *user_name(int64_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p;
	char *name = NULL;

	while (f && !name && (p = fgetpwent(f)))
		if ((int64_t)p->pw_uid == uid)
			name = xstrdup(p->pw_name);
	if (f)
		(void)fclose(f);
	return name ? name : xstrdup("");
}

static bool get(const struct event *ev, const char *name, struct value *ret)
{
	const struct field *f = event_field_find(ev->type, name, strlen(name));

	if (f)
		event_get(ev, f, ret);
	return f != NULL;
}

static int64_t get_number(const struct event *ev, const char *name)
{
	struct value v;

	return get(ev, name, &v) ? (int64_t)v.number : -1;
}

bool process_of_event(const struct event *ev, struct process_info *p)
{
	struct value comm, start;
	char state;

	*p = (struct process_info){ .pid = get_number(ev, "pid") };
	if (p->pid <= 0)
		return false;
	p->ppid = get_number(ev, "ppid");
	p->uid = get_number(ev, "uid");
	if (get(ev, "comm", &comm))
		(void)snprintf(p->comm, sizeof(p->comm), "%.*s", (int)comm.len, comm.text);
	p->user = p->uid >= 0 ? user_name(p->uid) : xstrdup("");
	p->parent_comm = p->ppid > 0 ? read_comm(p->ppid) : xstrdup("");
	if (get(ev, "start_time_s", &start) && started_at(p->pid, start.number, &state)) {
		p->exe = read_exe(p->pid);
		/* one that waits for a disk may hold what reading its memory would wait for */
		p->cmdline = state == 'D' ? xstrdup("") : read_cmdline(p->pid);
		p->cgroup = read_cgroup(p->pid);
	} else {
		p->exe = xstrdup("");
		p->cmdline = xstrdup("");
		p->cgroup = xstrdup("");
	}
	return true;
}

void process_info_fini(struct process_info *p)
{
	free(p->exe);
	free(p->cmdline);
	free(p->user);
	free(p->cgroup);
	free(p->parent_comm);
}

void host_info_init(struct host_info *h)
{
	struct utsname u;
	char boot_id[64];
	ssize_t n = slurp("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));

	(void)uname(&u);
	h->name = xstrdup(u.nodename);
	h->kernel = xstrdup(u.release);
	h->boot_id = xstrndup(boot_id, n > 0 ? strcspn(boot_id, "\n") : 0);
}

void host_info_fini(struct host_info *h)
{
	free(h->name);
	free(h->kernel);
	free(h->boot_id);
}
