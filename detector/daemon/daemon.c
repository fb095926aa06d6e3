/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/clock.h"
#include "daemon/incidents.h"
#include "daemon/process.h"
#include "daemon/session.h"
#include "daemon/sources.h"
#include "daemon/terminal.h"
#include "engine/engine.h"
#include "hook/hooks.h"

#define FLUSH_NS (5 * NS_PER_S) /* for what is still in the queues of the hooks at the end */

struct daemon {
	struct daemon_conf conf;
	struct session session;
	struct engine *engine;
	struct incidents *incidents;
	struct hooks *hooks;
	struct sources *sources;
	struct terminal terminal;
	struct host_info host;
	uint64_t lost;
	bool output_failed; /* and said so */
};

/* A reader that left, as `head` does, wants no more; on a full disk the hooks still do their part. */
static void show(struct daemon *d, const struct alert *a)
{
	if (terminal_alert(&d->terminal, a))
		return;
	if (errno == EPIPE)
		session_stop(&d->session);
	else if (!d->output_failed)
		fprintf(stderr, "kernelsight: cannot write to standard output: %s\n",
			strerror(errno));
	d->output_failed = true;
	clearerr(stdout);
}

static void on_transition(void *ctx, const struct transition *t)
{
	struct daemon *d = ctx;
	struct alert *a = alert_new(t, incidents_process(d->incidents, t), &d->host);

	hooks_deliver(d->hooks, a);
	show(d, a);
	alert_unref(a);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct daemon *d = ctx;

	engine_feed(d->engine, ev);
}

static void on_loss(void *ctx, const struct event_type *type, uint64_t lost)
{
	struct daemon *d = ctx;

	d->lost += lost;
	engine_loss(d->engine, type, lost, clock_monotonic_ns());
	fprintf(stderr, "kernelsight: %s: %llu events lost in the last second\n", type->name,
		(unsigned long long)lost);
}

static void report_dead_rules(const struct daemon *d, const struct event_type *type)
{
	for (unsigned i = 0; i < d->conf.rules->n_rules; i++)
		if (d->conf.rules->rules[i].on == type)
			fprintf(stderr, "  rule %s cannot fire: its source is not attached\n",
				d->conf.rules->rules[i].name);
}

static void on_report(void *ctx, const struct event_type *type, const char *route,
		      const char *error)
{
	struct daemon *d = ctx;

	if (route) {
		fprintf(stderr, "  %-15s attached: %s\n", type->name, route);
		return;
	}
	fprintf(stderr, "  %-15s not attached: %s\n", type->name, error);
	report_dead_rules(d, type);
}

static void on_tick(void *ctx, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct daemon *d = ctx;

	sources_tick(d->sources, now_ns, wall_offset_ns);
	engine_tick(d->engine, now_ns, wall_offset_ns);
}

static void start_engine(struct daemon *d)
{
	struct engine_conf conf = {
		.rules = d->conf.rules,
		.on_transition = on_transition,
		.ctx = d,
	};

	(void)getrandom(&conf.seed, sizeof(conf.seed), 0);
	d->engine = engine_new(&conf);
}

static bool start_hooks(struct daemon *d)
{
	struct hooks_conf conf = {
		.loop = d->session.loop,
		.rules = d->conf.rules,
		.dry_run = d->conf.dry_run,
		.log = stderr,
	};
	AUTO_FREE char *error = NULL;

	d->hooks = hooks_new(&conf, &error);
	if (!d->hooks)
		fprintf(stderr, "kernelsight: %s\n", error);
	return d->hooks != NULL;
}

static bool start_sources(struct daemon *d)
{
	struct sources_conf conf = {
		.loop = d->session.loop,
		.on_event = on_event,
		.on_loss = on_loss,
		.on_report = on_report,
		.ctx = d,
	};
	unsigned n;
	const struct event_type *types = event_types(&n);
	AUTO_FREE struct demand *demands = xcalloc(n, sizeof(*demands));
	AUTO_FREE char *error = NULL;

	for (unsigned i = 0; i < n; i++)
		rule_demand(d->conf.rules, &types[i], &demands[i]);
	conf.demands = demands;
	d->sources = sources_new(&conf, &error);
	if (!d->sources)
		fprintf(stderr, "kernelsight: %s\n", error);
	return d->sources != NULL;
}

static bool start(struct daemon *d)
{
	if (!session_init(&d->session, d->conf.duration_ns, on_tick, d)) {
		fprintf(stderr, "kernelsight: cannot start: %s\n", strerror(errno));
		return false;
	}
	d->terminal = terminal_on(stdout);
	host_info_init(&d->host);
	d->incidents = incidents_new();
	start_engine(d);
	return start_hooks(d) && start_sources(d);
}

/* Gives the hooks a last chance; a second signal ends that too. */
static void flush_hooks(struct daemon *d)
{
	uint64_t until_ns = clock_monotonic_ns() + FLUSH_NS;

	while (!hooks_idle(d->hooks) && clock_monotonic_ns() < until_ns &&
	       !session_interrupted(&d->session))
		(void)loop_run_once(d->session.loop, 100);
}

static void print_summary(const struct daemon *d)
{
	const struct engine_stats *e = engine_stats(d->engine);
	struct hook_stats h;

	hooks_stats(d->hooks, &h);
	fprintf(stderr,
		"kernelsight: %llu events, %llu matched, %llu alerts fired, %llu resolved; "
		"%llu events lost; hooks: %llu delivered, %llu failed, %llu dropped, %llu not sent\n",
		(unsigned long long)e->events, (unsigned long long)e->matched,
		(unsigned long long)e->fired, (unsigned long long)e->resolved,
		(unsigned long long)d->lost, (unsigned long long)h.delivered,
		(unsigned long long)h.failed, (unsigned long long)h.dropped,
		(unsigned long long)h.queued);
}

static void stop(struct daemon *d)
{
	sources_free(d->sources);
	hooks_free(d->hooks);
	engine_free(d->engine);
	incidents_free(d->incidents);
	host_info_fini(&d->host);
	session_fini(&d->session);
}

int daemon_run(const struct daemon_conf *conf)
{
	struct daemon d = { .conf = *conf };
	bool ok = start(&d);

	if (ok) {
		fprintf(stderr, "watching; Ctrl-C ends\n");
		ok = session_run(&d.session) == 0;
		sources_tick(d.sources, clock_monotonic_ns(), clock_wall_offset_ns());
		flush_hooks(&d);
		print_summary(&d);
	}
	stop(&d);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
