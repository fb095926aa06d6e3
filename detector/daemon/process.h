/* SPDX-License-Identifier: BSD-2-Clause */
/* The process of an event, to be kept, and what the machine is called. */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "engine/alert.h"

/*
 * Takes what the event says of its process (pid, comm, ppid, uid) and the texts that are known of it
 * now. False if the event names no process.
 */
bool process_of_event(const struct event *ev, struct process_info *ret_process);
void process_info_fini(struct process_info *p);

void host_info_init(struct host_info *ret_host);
void host_info_fini(struct host_info *h);

#endif
