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
	struct engine *engine;
	int64_t wall_offset_ns;
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

/* Adds what `kernelsight explain` shows; returns what is wrong as engine_explain() does. */
char *status_explain(const struct status_view *v, const char *rule, const char *key,
		     struct json *j);

#endif
