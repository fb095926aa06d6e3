/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/alert_process.h"

#include <string.h>

static void set_comm(const struct event *ev, struct process_info *p)
{
	const struct field *f = event_field_find(ev->type, "comm", strlen("comm"));
	struct value v;

	if (!f)
		return;
	event_get(ev, f, &v);
	v.len = v.len < sizeof(p->comm) ? v.len : sizeof(p->comm) - 1;
	memcpy(p->comm, v.text, v.len);
}

bool alert_process(const struct event *ev, struct process_info *ret)
{
	static const struct process unknown = { "", "", "", "", "", "", "" };
	const struct process_id id = event_process_id(ev);
	const struct process *p = NULL;

	*ret = (struct process_info){ .pid = -1, .ppid = -1, .uid = -1 };
	if (!ev->type->process.pid || id.pid == 0)
		return false;
	if (ev->processes)
		p = ev->processes->find(ev->processes, ev);
	if (!p)
		p = &unknown;
	ret->pid = id.pid;
	if (ev->type->process.ppid)
		ret->ppid = id.ppid;
	if (ev->type->process.uid)
		ret->uid = id.uid;
	set_comm(ev, ret);
	ret->exe = (char *)p->exe;
	ret->cmdline = (char *)p->cmdline;
	ret->user = (char *)p->user;
	ret->cgroup = (char *)p->cgroup;
	ret->parent_comm = (char *)p->parent_comm;
	return true;
}
