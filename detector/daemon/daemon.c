/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/crowding.h"
#include "daemon/host.h"
#include "daemon/outlet.h"
#include "daemon/record.h"
#include "daemon/request.h"
#include "daemon/session.h"
#include "daemon/silencing.h"
#include "daemon/sources_say.h"
#include "daemon/status.h"
#include "daemon/terminal.h"
#include "engine/adopt.h"
#include "engine/engine.h"
#include "engine/incidents.h"
#include "hook/hooks.h"
#include "util/clock.h"

#define FLUSH_NS (5 * NS_PER_S) /* for what is still in the queues of the hooks at the end */

struct daemon {
	struct daemon_conf conf;
	const struct rule_set *rules; /* held */
	struct session session;
	struct engine *engine;
	uint64_t seed;		   /* of the engine's ids */
	uint64_t hash_seed;	   /* kept over a reload: windows hold hashes */
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct incidents *incidents;
	struct hooks *hooks;
	struct sources *sources;
	struct terminal terminal;
	struct outlet *output;
	struct control *control;
	struct source_note *notes; /* one for each of event_types() */
	struct host_info host;
	uint64_t started_ns;
	uint64_t lost;
	struct crowding crowding;
};

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

static unsigned n_event_types(void)
{
	unsigned n;

	(void)event_types(&n);
	return n;
}

static void forget_notes(struct daemon *d)
{
	for (unsigned i = 0; i < n_event_types(); i++) {
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

static struct engine *engine_on(struct daemon *d, const struct rule_set *rules)
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

static void set_demands(const struct rule_set *rules, struct demand *demands)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++)
		rule_demand(rules, &types[i], &demands[i]);
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
	AUTO_FREE struct demand *demands = xcalloc(n_event_types(), sizeof(*demands));

	set_demands(d->rules, demands);
	conf.demands = demands;
	if (!record_start(&d->conf.record, d->seed, d->rules->digest, &d->host, demands,
			  &d->recorder))
		return false;
	d->sources = sources_start("kernelsight", &conf);
	return d->sources != NULL;
}

static struct status_view view_of(const struct daemon *d)
{
	return (struct status_view){
		.rules = d->rules,
		.engine = d->engine,
		.sources = d->sources,
		.notes = d->notes,
		.hooks = d->hooks,
		.started_ns = d->started_ns,
		.now_ns = clock_monotonic_ns(),
		.wall_offset_ns = clock_wall_offset_ns(),
		.lost = d->lost,
		.not_shown = outlet_dropped(d->output),
	};
}

static char *answer_status(void *ctx, const struct request *request, struct json *reply)
{
	const struct status_view view = view_of(ctx);

	(void)request;
	status_write(&view, reply);
	return NULL;
}

static char *answer_explain(void *ctx, const struct request *request, struct json *reply)
{
	const struct status_view view = view_of(ctx);
	CLEANUP(buf_fini) struct buf rule = { 0 };
	CLEANUP(buf_fini) struct buf key = { 0 };
	bool has_key = request_text(request, "key", &key);

	if (!request_text(request, "rule", &rule))
		return xstrdup("the request names no \"rule\"");
	return status_explain(&view, buf_str(&rule), has_key ? buf_str(&key) : NULL, reply);
}

static struct silencing silencing_of(const struct daemon *d)
{
	return (struct silencing){
		.engine = d->engine,
		.rules = d->rules,
		.now_ns = clock_monotonic_ns(),
		.wall_offset_ns = clock_wall_offset_ns(),
	};
}

static char *answer_silence(void *ctx, const struct request *request, struct json *reply)
{
	const struct silencing s = silencing_of(ctx);

	return silencing_add(&s, request, reply);
}

static char *answer_unsilence(void *ctx, const struct request *request, struct json *reply)
{
	const struct silencing s = silencing_of(ctx);

	return silencing_remove(&s, request, reply);
}

static char *answer_silences(void *ctx, const struct request *request, struct json *reply)
{
	const struct silencing s = silencing_of(ctx);

	(void)request;
	silencing_list(&s, reply);
	return NULL;
}

/* --- other rules ----------------------------------------------------------------------------- */

/* What became of the rules, for people. */
struct reload_report {
	unsigned counts[4]; /* by enum rule_fate */
	FILE *out;
};

static void on_fate(void *ctx, const struct rule *rule, enum rule_fate fate, const char *why)
{
	struct reload_report *r = ctx;

	r->counts[fate]++;
	if (fate == RULE_CHANGED)
		fprintf(r->out, "rule %s: begins anew, since %s\n", rule->name, why);
	else if (fate == RULE_REMOVED)
		fprintf(r->out, "rule %s: removed\n", rule->name);
}

/* Nothing can go wrong from here on. */
static void exchange(struct daemon *d, const struct rule_set *rules, struct hooks_plan *plan,
		     FILE *out)
{
	AUTO_FREE struct demand *demands = xcalloc(n_event_types(), sizeof(*demands));
	struct engine *engine = engine_on(d, rules);
	struct reload_report report = { .out = out };
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_offset_ns = clock_wall_offset_ns();

	engine_adopt(engine, d->engine, now_ns, wall_offset_ns, on_fate, &report);
	hooks_apply(d->hooks, plan);
	engine_free(d->engine);
	rule_set_free(d->rules);
	d->engine = engine;
	d->rules = rules;
	forget_notes(d);
	set_demands(rules, demands);
	recorder_rules(d->recorder, rules->digest, demands, now_ns, wall_offset_ns);
	sources_adjust(d->sources, demands);
	fprintf(out, "%u rule%s: %u as before, %u new, %u begun anew, %u removed\n", rules->n_rules,
		plural(rules->n_rules), report.counts[RULE_KEPT], report.counts[RULE_ADDED],
		report.counts[RULE_CHANGED], report.counts[RULE_REMOVED]);
}

/* False, with everything as it was, if the rules or their hooks are not right. */
static bool reload(struct daemon *d, FILE *out)
{
	const struct rule_set *rules = d->conf.load(d->conf.load_ctx, out);
	struct hooks_plan *plan = NULL;
	AUTO_FREE char *error = NULL;

	if (rules)
		plan = hooks_plan(d->hooks, rules, &error);
	if (error)
		fprintf(out, "%s\n", error);
	if (plan) {
		exchange(d, rules, plan, out);
		return true;
	}
	rule_set_free(rules);
	return false;
}

/* Reloads, and says so on standard error. What there is to say is lent until *ret_text is freed. */
static bool reload_and_say(struct daemon *d, char **ret_text)
{
	size_t len;
	FILE *out = open_memstream(ret_text, &len);
	bool ok = reload(d, out);

	(void)fclose(out);
	fprintf(stderr, "kernelsight: %s\n%s",
		ok ? "rules read again" : "the new rules are refused; those before stay",
		*ret_text);
	return ok;
}

static void on_hangup(void *ctx)
{
	AUTO_FREE char *text = NULL;

	(void)reload_and_say(ctx, &text);
}

static char *answer_reload(void *ctx, const struct request *request, struct json *reply)
{
	AUTO_FREE char *text = NULL;
	bool ok = reload_and_say(ctx, &text);

	(void)request;
	json_member_str(reply, "messages", text);
	return ok ? NULL : xstrdup("the new rules are refused; those before stay");
}

static void on_request(void *ctx, const char *request, size_t len, struct buf *reply)
{
	static const struct request_command commands[] = {
		{ "status", answer_status },	 { "reload", answer_reload },
		{ "explain", answer_explain },	 { "silence", answer_silence },
		{ "silences", answer_silences }, { "unsilence", answer_unsilence },
	};

	request_answer(commands, ARRAY_SIZE(commands), ctx, request, len, reply);
}

/* Detection matters more than being asked about it. */
static void start_control(struct daemon *d)
{
	AUTO_FREE char *error = NULL;

	if (!d->conf.socket)
		return;
	d->control = control_new(d->session.loop, d->conf.socket, on_request, d, &error);
	if (!d->control)
		fprintf(stderr, "kernelsight: no control socket: %s\n", error);
}

static bool start(struct daemon *d)
{
	d->started_ns = clock_monotonic_ns();
	d->notes = xcalloc(n_event_types(), sizeof(*d->notes));
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
	d->engine = engine_on(d, d->rules);
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
	forget_notes(d);
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
