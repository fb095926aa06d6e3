/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc still knows of the process of an event, and what the machine is called. */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "engine/alert.h"

/*
 * Fills in what the event says of its process (pid, comm, ppid, uid) and, if that very process (by
 * its start time) still runs, the rest from /proc. False if the event names no process. User names
 * come from /etc/passwd only: a directory service could block.
 */
bool process_of_event(const struct event *ev, struct process_info *ret_process);
void process_info_fini(struct process_info *p);

void host_info_init(struct host_info *ret_host);
void host_info_fini(struct host_info *h);

#endif
