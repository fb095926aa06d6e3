/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/alert_log.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* One that fires; the list moves as it grows, so it is named by its place. */
struct open_alert {
	char incident[ULID_LEN + 1];
	unsigned place;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct open_alert *)a)->incident,
		      ((const struct open_alert *)b)->incident);
}

void alert_log_fini(struct alert_log *log)
{
	tdestroy(log->open, free);
	for (unsigned i = 0; i < log->n; i++) {
		free(log->alerts[i].rule);
		free(log->alerts[i].key);
		free(log->alerts[i].summary);
	}
	free(log->alerts);
	*log = (struct alert_log){ 0 };
}

static struct logged_alert *add(struct alert_log *log, const struct transition *t,
				const struct alert *a)
{
	struct open_alert *open = xcalloc(1, sizeof(*open));
	struct logged_alert *l;

	if (log->n == log->cap) {
		log->cap = log->cap ? 2 * log->cap : 64;
		log->alerts = xrealloc(log->alerts, log->cap, sizeof(*log->alerts));
	}
	open->place = log->n;
	l = &log->alerts[log->n++];
	*l = (struct logged_alert){
		.rule = xstrdup(a->rule),
		.key = xstrdup(a->key),
		.severity = a->severity,
		.started_ns = t->started_ns + (uint64_t)t->event.wall_offset_ns,
		.stream = log->stream,
		.summary = xstrdup(a->summary),
	};
	memcpy(l->incident, t->incident, sizeof(l->incident));
	memcpy(open->incident, t->incident, sizeof(open->incident));
	(void)tsearch(open, &log->open, compare);
	return l;
}

void alert_log_transition(void *ctx, const struct transition *t, const struct host_info *host)
{
	struct alert_log *log = ctx;
	struct alert *a = alert_new(t, NULL, host);
	struct open_alert named, *open, *const *found;
	struct logged_alert *l;

	memcpy(named.incident, t->incident, sizeof(named.incident));
	found = tfind(&named, &log->open, compare);
	l = found ? &log->alerts[(*found)->place] : add(log, t, a);
	if (a->severity > l->severity)
		l->severity = a->severity;
	if (t->state == ALERT_RESOLVED && found) {
		open = *found;
		l->ended_ns = t->ended_ns + (uint64_t)t->wall_offset_ns;
		l->resolved = true;
		(void)tdelete(&named, &log->open, compare);
		free(open);
	}
	alert_unref(a);
}

void alert_log_stream_end(void *ctx, uint64_t wall_ns)
{
	struct alert_log *log = ctx;

	for (unsigned i = log->n; i-- > 0 && log->alerts[i].stream == log->stream;) {
		struct logged_alert *l = &log->alerts[i];

		/* the last tick comes after the last event */
		if (!l->resolved)
			l->ended_ns = wall_ns > l->started_ns ? wall_ns : l->started_ns;
	}
	tdestroy(log->open, free);
	log->open = NULL;
	log->stream++;
}
