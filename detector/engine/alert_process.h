/* SPDX-License-Identifier: BSD-2-Clause */
/* The process of an alert from its event alone. */
#ifndef ENGINE_ALERT_PROCESS_H
#define ENGINE_ALERT_PROCESS_H

#include "engine/alert.h"

/*
 * Fills in what the event's fields and event.processes say. Texts are lent from there, and so
 * good until the next look-up; not for process_info_fini(). False if the event names no process.
 */
bool alert_process(const struct event *ev, struct process_info *ret_process);

#endif
