/* SPDX-License-Identifier: BSD-2-Clause */
/* The process of an alert, taken from its event. */
#ifndef ENGINE_ALERT_PROCESS_H
#define ENGINE_ALERT_PROCESS_H

#include "engine/alert.h"

/*
 * Takes what the event says of its process (pid, comm, ppid, uid) and the texts that are known of it
 * now. False if the event names no process.
 */
bool process_of_event(const struct event *ev, struct process_info *ret_process);
void process_info_fini(struct process_info *p);

#endif
