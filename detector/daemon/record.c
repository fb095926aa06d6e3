/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/host.h"
#include "daemon/session.h"
#include "daemon/sources_say.h"
#include "util/clock.h"

bool record_start(const struct record_conf *conf, uint64_t seed, uint64_t rules,
		  const struct host_info *host, const struct demand *demands,
		  struct recorder **ret_recorder)
{
	struct recorder_conf recorder = {
		.path = conf->path,
		.max_bytes = conf->max_bytes,
		.max_files = conf->max_files,
		.seed = seed,
		.rules = rules,
		.wall_offset_ns = clock_wall_offset_ns(),
		.host = host,
		.demands = demands,
	};
	AUTO_FREE char *error = NULL;

	*ret_recorder = NULL;
	if (!conf->path)
		return true;
	recorder.wall_ns = clock_monotonic_ns() + (uint64_t)recorder.wall_offset_ns;
	*ret_recorder = recorder_new(&recorder, &error);
	if (!*ret_recorder)
		fprintf(stderr, "kernelsight: %s\n", error);
	return *ret_recorder;
}

void record_report(struct recorder *r, const char *path)
{
	const char *failure = recorder_failure(r);

	if (failure)
		fprintf(stderr, "kernelsight: %s: %s; nothing is recorded any more\n", path,
			failure);
}

bool record_end(struct recorder *r, const char *path)
{
	CLEANUP(buf_fini) struct buf size = { 0 };
	struct recorder_stats stats;
	bool ok;

	if (!r)
		return true;
	record_report(r, path);
	ok = recorder_close(r, &stats);
	quantity_format(&size, (double)stats.bytes, UNIT_BYTES);
	fprintf(stderr, "kernelsight: recorded %llu event%s to %s (%s)",
		(unsigned long long)stats.events, plural(stats.events), path, buf_str(&size));
	if (stats.missed)
		fprintf(stderr, "; %llu more could not be kept, the file says where",
			(unsigned long long)stats.missed);
	fprintf(stderr, "%s\n", ok || stats.missed ? "" : "; it could not be written to its end");
	return ok;
}

/* --- kernelsight record ---------------------------------------------------------------------- */

#define COMMAND "kernelsight record"

struct record_session {
	const struct record_session_conf *conf;
	struct session session;
	struct sources *sources;
	struct recorder *recorder;
	struct host_info host;
	bool failed;
};

static void on_event(void *ctx, const struct event *ev)
{
	struct record_session *s = ctx;

	recorder_event(s->recorder, ev);
}

static void on_loss(void *ctx, const struct event_type *type, uint64_t lost)
{
	struct record_session *s = ctx;

	recorder_loss(s->recorder, type, lost, clock_monotonic_ns());
	sources_say_loss(COMMAND, type, lost);
}

static void on_report(void *ctx, const struct event_type *type, const char *route,
		      const char *error)
{
	struct record_session *s = ctx;

	s->failed |= error != NULL;
	sources_say_route(COMMAND, type, route, error);
}

static void on_tick(void *ctx, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct record_session *s = ctx;

	sources_tick(s->sources, now_ns, wall_offset_ns);
	recorder_tick(s->recorder, now_ns, wall_offset_ns);
	record_report(s->recorder, s->conf->record.path);
}

static bool start(struct record_session *s)
{
	struct sources_conf conf = {
		.loop = s->session.loop,
		.demands = s->conf->demands,
		.on_event = on_event,
		.on_loss = on_loss,
		.on_report = on_report,
		.ctx = s,
	};
	uint64_t seed = 0;

	(void)getrandom(&seed, sizeof(seed), 0);
	host_info_init(&s->host);
	if (!record_start(&s->conf->record, seed, 0, &s->host, s->conf->demands, &s->recorder))
		return false;
	s->sources = sources_start(COMMAND, &conf);
	return s->sources;
}

int record_run(const struct record_session_conf *conf)
{
	struct record_session s = { .conf = conf };
	bool ok = session_init(&s.session, conf->duration_ns, on_tick, &s);

	if (!ok)
		fprintf(stderr, COMMAND ": cannot start: %s\n", strerror(errno));
	ok = ok && start(&s) && session_run(&s.session) == 0;
	if (ok)
		sources_stop(s.sources, clock_monotonic_ns(), clock_wall_offset_ns());
	sources_free(s.sources);
	ok &= record_end(s.recorder, conf->record.path);
	host_info_fini(&s.host);
	session_fini(&s.session);
	return ok && !s.failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
