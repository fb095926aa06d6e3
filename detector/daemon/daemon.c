/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/silencing.h"
#include "daemon/sources_say.h"
#include "engine/incidents.h"
#include "hook/hooks.h"
#include "util/clock.h"

#define FLUSH_NS (5 * NS_PER_S) /* for what is still in the queues of the hooks at the end */

/* A reader that left, as `head` does, wants no more; on a full disk the hooks still do their part. */
static void on_output_failed(void *ctx, int error)
{
	struct daemon *d = ctx;

	if (error == EPIPE)
		session_stop(&d->session);
	else
		fprintf(stderr, "kernelsight: cannot write to standard output: %s\n",
			strerror(error));
}

static void show(struct daemon *d, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	terminal_alert(&d->terminal, a, &text);
	outlet_write(d->output, buf_str(&text), text.len);
}

static void on_transition(void *ctx, const struct transition *t)
{
	struct daemon *d = ctx;
	struct alert *a = alert_new(t, incidents_process(d->incidents, t), &d->host);

	if (!t->silence)
		hooks_deliver(d->hooks, a);
	show(d, a);
	alert_unref(a);
}

static void on_silence_over(void *ctx, const struct silence *s)
{
	(void)ctx;
	silencing_report_over(s);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct daemon *d = ctx;

	engine_feed(d->engine, ev);
	recorder_event(d->recorder, ev);
}

static void on_loss(void *ctx, const struct event_type *type, uint64_t lost)
{
	struct daemon *d = ctx;
	uint64_t now_ns = clock_monotonic_ns();

	d->lost += lost;
	engine_loss(d->engine, type, lost, now_ns);
	recorder_loss(d->recorder, type, lost, now_ns);
	sources_say_loss("kernelsight", type, lost);
}

static void report_dead_rules(const struct daemon *d, const struct event_type *type)
{
	for (unsigned i = 0; i < d->rules->n_rules; i++)
		if (d->rules->rules[i].on == type)
			fprintf(stderr, "  rule %s cannot fire: its source is not attached\n",
				d->rules->rules[i].name);
}

static void on_report(void *ctx, const struct event_type *type, const char *route,
		      const char *error)
{
	struct daemon *d = ctx;
	unsigned n;
	struct source_note *note = &d->notes[type - event_types(&n)];

	free(note->error);
	note->error = xstrdup(error);
	if (route) {
		fprintf(stderr, "  %-15s attached: %s\n", type->name, route);
		return;
	}
	fprintf(stderr, "  %-15s not attached: %s\n", type->name, error);
	report_dead_rules(d, type);
}

void daemon_forget_notes(struct daemon *d)
{
	unsigned n;

	(void)event_types(&n);
	for (unsigned i = 0; i < n; i++) {
		free(d->notes[i].error);
		d->notes[i].error = NULL;
	}
}

static void on_tick(void *ctx, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct daemon *d = ctx;

	sources_tick(d->sources, now_ns, wall_offset_ns);
	engine_tick(d->engine, now_ns, wall_offset_ns);
	recorder_tick(d->recorder, now_ns, wall_offset_ns);
	record_report(d->recorder, d->conf.record.path);
	crowding_tick(&d->crowding, d->engine, d->rules, d->conf.max_keys, now_ns);
}

struct engine *daemon_engine(struct daemon *d, const struct rule_set *rules)
{
	struct engine_conf conf = {
		.rules = rules,
		.seed = d->seed,
		.cost_clock = clock_thread_cpu_ns,
		.hash_seed = d->hash_seed,
		.max_keys = d->conf.max_keys,
		.on_transition = on_transition,
		.on_silence_over = on_silence_over,
		.ctx = d,
	};

	return engine_new(&conf);
}

struct demand *daemon_demands(const struct rule_set *rules)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	struct demand *demands = xcalloc(n, sizeof(*demands));

	for (unsigned i = 0; i < n; i++)
		rule_demand(rules, &types[i], &demands[i]);
	return demands;
}

static bool start_hooks(struct daemon *d)
{
	struct hooks_conf conf = {
		.loop = d->session.loop,
		.rules = d->rules,
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
		.cpu_budget = d->conf.cpu_budget,
		.event_limit = d->conf.event_limit,
		.on_event = on_event,
		.on_loss = on_loss,
		.on_report = on_report,
		.ctx = d,
	};
	AUTO_FREE struct demand *demands = daemon_demands(d->rules);

	conf.demands = demands;
	if (!record_start(&d->conf.record, d->seed, d->rules->digest, &d->host, demands,
			  &d->recorder))
		return false;
	d->sources = sources_start("kernelsight", &conf);
	return d->sources != NULL;
}

static void on_hangup(void *ctx)
{
	AUTO_FREE char *text = NULL;

	(void)daemon_reload(ctx, &text);
}

/* Detection matters more than being asked about it. */
static void start_control(struct daemon *d)
{
	AUTO_FREE char *error = NULL;

	if (!d->conf.socket)
		return;
	d->control = control_new(d->session.loop, d->conf.socket, daemon_on_request, d, &error);
	if (!d->control)
		fprintf(stderr, "kernelsight: no control socket: %s\n", error);
}

static bool start(struct daemon *d)
{
	unsigned n_types;

	(void)event_types(&n_types);
	d->started_ns = clock_monotonic_ns();
	d->notes = xcalloc(n_types, sizeof(*d->notes));
	/* before there is any thread that the signal could go to */
	if (!session_init(&d->session, d->conf.duration_ns, on_tick, d) ||
	    !session_on_hangup(&d->session, on_hangup)) {
		fprintf(stderr, "kernelsight: cannot start: %s\n", strerror(errno));
		return false;
	}
	d->terminal = terminal_on(STDOUT_FILENO);
	d->output = outlet_new(d->session.loop, STDOUT_FILENO, on_output_failed, d);
	host_info_init(&d->host);
	d->incidents = incidents_new();
	(void)getrandom(&d->seed, sizeof(d->seed), 0);
	(void)getrandom(&d->hash_seed, sizeof(d->hash_seed), 0);
	d->engine = daemon_engine(d, d->rules);
	if (!start_hooks(d) || !start_sources(d))
		return false;
	start_control(d);
	return true;
}

/* Gives the hooks a last chance; a second signal ends that too. */
static void flush_hooks(struct daemon *d)
{
	uint64_t until_ns = clock_monotonic_ns() + FLUSH_NS;
	unsigned signals = session_signals(&d->session);

	session_end_ticks(&d->session);
	while (!hooks_idle(d->hooks) && clock_monotonic_ns() < until_ns &&
	       session_signals(&d->session) == signals)
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
	crowding_list(d->engine, d->rules, d->conf.max_keys);
	if (outlet_dropped(d->output))
		fprintf(stderr,
			"kernelsight: %llu alerts not shown, as nobody read standard output\n",
			(unsigned long long)outlet_dropped(d->output));
}

static void stop(struct daemon *d)
{
	control_free(d->control);
	record_end(d->recorder, d->conf.record.path);
	sources_free(d->sources);
	hooks_free(d->hooks);
	engine_free(d->engine);
	incidents_free(d->incidents);
	outlet_free(d->output);
	host_info_fini(&d->host);
	daemon_forget_notes(d);
	free(d->notes);
	rule_set_free(d->rules);
	session_fini(&d->session);
}

int daemon_run(const struct daemon_conf *conf)
{
	struct daemon d = { .conf = *conf, .rules = rule_set_ref(conf->rules) };
	bool ok = start(&d);

	if (ok) {
		fprintf(stderr, "watching; Ctrl-C ends\n");
		ok = session_run(&d.session) == 0;
		sources_stop(d.sources, clock_monotonic_ns(), clock_wall_offset_ns());
		flush_hooks(&d);
		print_summary(&d);
		record_end(d.recorder, d.conf.record.path);
		d.recorder = NULL;
	}
	stop(&d);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
