/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of the alerts that are firing, as they were when each fired: a process is often gone
 * by the time its alert repeats or resolves, and the message should still say who it was. Holds as
 * many as there are firing alerts, which the engine bounds.
 */
#ifndef ENGINE_INCIDENTS_H
#define ENGINE_INCIDENTS_H

#include "engine/alert.h"

struct incidents; /* opaque */

struct incidents *incidents_new(void);
/* NULL is fine. */
void incidents_free(struct incidents *all);

/*
 * The process of the transition's event, NULL if the event names none: as it was known
 * when the alert fired. Lends until the next call.
 */
const struct process_info *incidents_process(struct incidents *all, const struct transition *t);

#endif
