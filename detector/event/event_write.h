/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events as JSON from which the same event can be made again (event_read.h). What is written are the
 * fields that `kernelsight events` shows (but those that only repeat others: times as text, computed
 * numbers, what is known of the process) and the hidden members, every number with all its digits:
 *
 *	"timestamp":1795341871207000000,"pid":812,...,"latency_ms":31.207123,...,"file_mode":33152
 */
#ifndef EVENT_EVENT_WRITE_H
#define EVENT_EVENT_WRITE_H

#include "event/event.h"

/* The fields that are written: bit i for field i of the type. */
uint64_t event_carried(const struct event_type *type);
/* Writes the members of an open object. */
void event_write_whole(const struct event *ev, struct json *j);

#endif
