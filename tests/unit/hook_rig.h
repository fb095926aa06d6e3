/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks on a real loop, for tests: confs written by hand, the log in memory. */
#ifndef TESTS_HOOK_RIG_H
#define TESTS_HOOK_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert_fixture.h"
#include "hook/hook.h"
#include "hook/hooks.h"

#define RIG_HOOKS_MAX 6
#define RIG_TEXTS_MAX 32

/* How long a test waits for what must come: a busy machine takes its time. */
#define RIG_PATIENCE_S 60

struct rig {
	struct loop *loop;
	struct hooks *hooks;
	struct hook_conf confs[RIG_HOOKS_MAX];
	struct rule_set rules;
	struct hook_env env; /* of a hook by itself */
	bool dry_run;
	char *log;
	size_t log_len;
	FILE *log_file;
	char *texts[RIG_TEXTS_MAX];
	unsigned n_texts;
};

static inline void rig_init(struct rig *r)
{
	*r = (struct rig){ .loop = loop_new() };
	r->rules.hooks = r->confs;
	r->log_file = open_memstream(&r->log, &r->log_len);
}

/* A text that lives as long as the rig. Takes s. */
static inline char *rig_text(struct rig *r, char *s)
{
	assert_true(r->n_texts < RIG_TEXTS_MAX);
	return r->texts[r->n_texts++] = s;
}

/* A further hook, with what the loader sets by default. */
static inline struct hook_conf *rig_hook(struct rig *r, enum hook_type type)
{
	unsigned i = r->rules.n_hooks++;

	assert_true(i < RIG_HOOKS_MAX);
	r->confs[i] = (struct hook_conf){
		.name = rig_text(r, xasprintf("hook%u", i)),
		.type = type,
		.file = "rules.json",
		.line = 7 + i,
		.timeout_ns = 5 * NS_PER_S,
		.concurrency = 4,
		.on_firing = true,
		.on_resolved = true,
		.used = true,
	};
	return &r->confs[i];
}

/* A hook by itself, for hook_free(). */
static inline struct hook *rig_hook_alone(struct rig *r, struct http *http,
					  const struct hook_conf *conf)
{
	char *error = NULL;
	struct hook *h;

	r->env = (struct hook_env){ r->loop, http, r->log_file, false };
	h = hook_new(&r->env, &r->rules, conf, &error);
	assert_non_null(h);
	return h;
}

static inline char *rig_try_start(struct rig *r)
{
	struct hooks_conf conf = {
		.loop = r->loop, .rules = &r->rules, .dry_run = r->dry_run, .log = r->log_file
	};
	char *error = NULL;

	r->hooks = hooks_new(&conf, &error);
	return error;
}

static inline void rig_start(struct rig *r)
{
	AUTO_FREE char *error = rig_try_start(r);

	if (!r->hooks)
		fail_msg("%s", error);
}

/* The hooks of the rig must not start, for this reason. */
static inline void assert_no_start(struct rig *r, const char *expected)
{
	AUTO_FREE char *error = rig_try_start(r);

	assert_null(r->hooks);
	assert_string_equal(error, expected);
}

/* Delivers an alert to all hooks of the rig. Takes a. */
static inline void rig_deliver_alert(struct rig *r, struct alert *a)
{
	a->n_hooks = r->rules.n_hooks;
	for (unsigned i = 0; i < a->n_hooks; i++)
		a->hooks[i] = i;
	hooks_deliver(r->hooks, a);
	alert_unref(a);
}

/* Alert n, of the one rule and key. */
static inline void rig_deliver(struct rig *r, enum alert_state state, unsigned n, const char *doc)
{
	rig_deliver_alert(r, fixture_alert(state, n, doc));
}

/* Alert n, of a rule and key and an incident of its own. */
static inline void rig_deliver_other(struct rig *r, enum alert_state state, unsigned n, bool repeat)
{
	struct alert *a = fixture_alert(state, n, "{}");

	free(a->identity);
	a->identity = xasprintf("db07/slow-syscall/comm=%u", n);
	(void)snprintf(a->incident, sizeof(a->incident), "01JDA8%020u", n);
	a->repeat = repeat;
	rig_deliver_alert(r, a);
}

static inline double rig_clock_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs the loop for a time. */
static inline void rig_run(struct rig *r, double seconds)
{
	double end_s = rig_clock_s() + seconds;

	while (rig_clock_s() < end_s)
		assert_int_equal(loop_run_once(r->loop, 10), 0);
}

/* Runs the loop until the condition holds; fails the test if it never does. */
#define RIG_RUN_UNTIL(r, condition)                                                                \
	do {                                                                                       \
		double end_s_ = rig_clock_s() + RIG_PATIENCE_S;                                    \
                                                                                                   \
		while (!(condition)) {                                                             \
			if (rig_clock_s() > end_s_)                                                \
				fail_msg("never was: %s", #condition);                             \
			assert_int_equal(loop_run_once((r)->loop, 10), 0);                         \
		}                                                                                  \
	} while (0)

/* Runs the loop until nothing is left to deliver. */
static inline void rig_run_until_idle(struct rig *r)
{
	RIG_RUN_UNTIL(r, hooks_idle(r->hooks));
}

static inline const char *rig_log(struct rig *r)
{
	(void)fflush(r->log_file);
	return r->log;
}

static inline void rig_run_until_logged(struct rig *r, const char *part)
{
	RIG_RUN_UNTIL(r, strstr(rig_log(r), part));
}

static inline void assert_log(struct rig *r, const char *part)
{
	if (!strstr(rig_log(r), part))
		fail_msg("no \"%s\" in the log:\n%s", part, r->log);
}

static inline void assert_not_in_log(struct rig *r, const char *part)
{
	if (strstr(rig_log(r), part))
		fail_msg("\"%s\" in the log:\n%s", part, r->log);
}

static inline struct hook_stats rig_stats(const struct rig *r)
{
	struct hook_stats stats;

	hooks_stats(r->hooks, &stats);
	return stats;
}

static inline void rig_fini(struct rig *r)
{
	hooks_free(r->hooks);
	for (unsigned i = 0; i < r->rules.n_hooks; i++) {
		for (unsigned j = 0; j < r->confs[i].n_argv; j++)
			template_free(r->confs[i].argv[j]);
		free(r->confs[i].argv);
		template_free(r->confs[i].body);
		free(r->confs[i].headers);
	}
	loop_free(r->loop);
	(void)fclose(r->log_file);
	free(r->log);
	for (unsigned i = 0; i < r->n_texts; i++)
		free(r->texts[i]);
}

#define AUTO_RIG CLEANUP(rig_fini) struct rig

static inline struct template *rig_template(const char *text)
{
	const char *message;
	size_t offset;
	struct template *t = template_parse(text, &offset, &message);

	assert_non_null(t);
	return t;
}

#endif
