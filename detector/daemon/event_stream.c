/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/event_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/session.h"
#include "daemon/sources_say.h"
#include "util/clock.h"

#define COMMAND "kernelsight events"

struct stream {
	const struct event_stream_conf *conf;
	struct session session;
	struct sources *sources;
	struct timer *flush;
	struct buf line;
	uint64_t printed;
	int write_error; /* the first since the last flush */
	bool failed;
};

static const struct expr *where_of(const struct stream *s, const struct event_type *type)
{
	for (unsigned i = 0; i < s->conf->n_types; i++)
		if (s->conf->types[i] == type)
			return s->conf->where[i];
	return NULL;
}

static void on_event(void *ctx, const struct event *ev)
{
	struct stream *s = ctx;
	const struct expr *where = where_of(s, ev->type);
	struct json j = { .out = &s->line };

	if ((s->conf->count && s->printed == s->conf->count) || (where && !expr_match(where, ev)))
		return;
	buf_reset(&s->line);
	event_write_json(ev, &j);
	buf_addc(&s->line, '\n');
	/* what is too long for the buffer is written now */
	if (fwrite(s->line.data, 1, s->line.len, stdout) != s->line.len && !s->write_error)
		s->write_error = errno;
	loop_timer_set(s->flush, 0);
	if (++s->printed == s->conf->count)
		session_stop(&s->session);
}

/* Once for all events that came together. A reader that left, as `head` does, is no failure. */
static void on_flush(void *ctx)
{
	struct stream *s = ctx;

	int error = s->write_error;

	if (fflush(stdout) != 0 && !error)
		error = errno;
	if (!error)
		return;
	s->write_error = 0;
	if (error != EPIPE && !s->failed) {
		s->failed = true;
		fprintf(stderr, COMMAND ": cannot write: %s\n", strerror(error));
	}
	session_stop(&s->session);
}

static void on_loss(void *ctx, const struct event_type *type, uint64_t lost)
{
	(void)ctx;
	sources_say_loss(COMMAND, type, lost);
}

static void on_report(void *ctx, const struct event_type *type, const char *route,
		      const char *error)
{
	struct stream *s = ctx;

	s->failed |= error != NULL;
	sources_say_route(COMMAND, type, route, error);
}

static void on_tick(void *ctx, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct stream *s = ctx;

	sources_tick(s->sources, now_ns, wall_offset_ns);
}

/* A stream asks of a source what a rule with the same condition would. */
static void set_demands(const struct stream *s, const struct event_type *types, unsigned n,
			struct demand *demands)
{
	struct rule rules[EVENT_STREAM_TYPES] = { 0 };
	const struct rule_set set = { .rules = rules, .n_rules = s->conf->n_types };

	for (unsigned i = 0; i < s->conf->n_types; i++) {
		rules[i].on = s->conf->types[i];
		rules[i].where = s->conf->where[i];
	}
	for (unsigned i = 0; i < n; i++) {
		rule_demand(&set, &types[i], &demands[i]);
		if (demands[i].wanted)
			demands[i].fields = UINT64_MAX;
	}
}

static bool start(struct stream *s)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	AUTO_FREE struct demand *demands = xcalloc(n, sizeof(*demands));
	struct sources_conf conf = {
		.loop = s->session.loop,
		.demands = demands,
		.event_limit = s->conf->event_limit,
		.on_event = on_event,
		.on_loss = on_loss,
		.on_report = on_report,
		.ctx = s,
	};

	s->flush = loop_timer_new(s->session.loop, on_flush, s);
	set_demands(s, types, n, demands);
	s->sources = sources_start(COMMAND, &conf);
	return s->sources && !s->failed;
}

int event_stream_run(const struct event_stream_conf *conf)
{
	struct stream s = { .conf = conf };
	bool ok = session_init(&s.session, conf->duration_ns, on_tick, &s);

	if (!ok)
		fprintf(stderr, COMMAND ": cannot start: %s\n", strerror(errno));
	ok = ok && start(&s) && session_run(&s.session) == 0;
	if (ok) {
		sources_stop(s.sources, clock_monotonic_ns(), clock_wall_offset_ns());
		on_flush(&s);
		if (conf->stats)
			sources_print_ledger(s.sources, stderr);
	}
	sources_free(s.sources);
	loop_timer_free(s.flush);
	session_fini(&s.session);
	buf_fini(&s.line);
	return ok && !s.failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
