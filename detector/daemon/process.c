/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

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

static int64_t number_of(const struct event *ev, const struct field *f)
{
	struct value v;

	if (!f)
		return -1;
	event_get(ev, f, &v);
	return (int64_t)v.number;
}

static void copy_comm(const struct event *ev, struct process_info *p)
{
	const struct field *f = event_field_find(ev->type, "comm", strlen("comm"));
	struct value comm;

	if (!f)
		return;
	event_get(ev, f, &comm);
	(void)snprintf(p->comm, sizeof(p->comm), "%.*s", (int)comm.len, comm.text);
}

bool process_of_event(const struct event *ev, struct process_info *p)
{
	static const struct process unknown = { "", "", "", "", "", "", "" };
	const struct process *texts = NULL;

	*p = (struct process_info){ .pid = number_of(ev, ev->type->process.pid) };
	if (p->pid <= 0)
		return false;
	p->ppid = number_of(ev, ev->type->process.ppid);
	p->uid = number_of(ev, ev->type->process.uid);
	copy_comm(ev, p);
	if (ev->processes)
		texts = ev->processes->find(ev->processes, ev);
	if (!texts)
		texts = &unknown;
	p->exe = xstrdup(texts->exe);
	p->cmdline = xstrdup(texts->cmdline);
	p->user = xstrdup(texts->user);
	p->cgroup = xstrdup(texts->cgroup);
	p->parent_comm = xstrdup(texts->parent_comm);
	p->container_id = xstrdup(texts->container_id);
	p->unit = xstrdup(texts->unit);
	return true;
}

void process_info_fini(struct process_info *p)
{
	free(p->exe);
	free(p->cmdline);
	free(p->user);
	free(p->cgroup);
	free(p->parent_comm);
	free(p->container_id);
	free(p->unit);
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
