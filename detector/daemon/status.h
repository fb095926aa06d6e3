/* SPDX-License-Identifier: BSD-2-Clause */
/* The running daemon at a glance, for `kernelsight status`: its sources, rules and hooks. */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include "daemon/sources.h"
#include "engine/engine.h"
#include "hook/hooks.h"

/* How the attaching of an event type went. */
struct source_note {
	char *error; /* NULL: attached, or not wanted */
};

/* All that status looks at. Everything lends. */
struct status_view {
	const struct rule_set *rules;
	const struct engine *engine;
	const struct sources *sources;
	const struct source_note *notes; /* one for each of event_types() */
	const struct hooks *hooks;
	uint64_t started_ns;
	uint64_t now_ns;
	uint64_t lost;	    /* events */
	uint64_t not_shown; /* alerts that nobody read */
};

/* Adds the members of the reply. */
void status_write(const struct status_view *v, struct json *j);

#endif
