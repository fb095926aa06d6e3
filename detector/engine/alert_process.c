/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/alert_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
