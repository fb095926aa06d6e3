/* SPDX-License-Identifier: BSD-2-Clause */
/* Other hooks while alerts are on their way: what stays, what goes over, what still has to be done. */
#include "hook_rig.h"

#include <sys/stat.h>

#define DEAD_URL "http://127.0.0.1:1/"

static char dir[32];

static int make_dir(void **state)
{
	(void)state;
	(void)unsetenv("http_proxy");
	strcpy(dir, "/tmp/kernelsight-reload-XXXXXX");
	return mkdtemp(dir) ? chmod(dir, 0777) : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* The other rules: hooks of the rig that no rule used so far, as a set of their own. */
struct other {
	struct rule_set set;
	struct hook_conf confs[RIG_HOOKS_MAX];
};

static struct hook_conf *other_hook(struct other *o, const char *name, struct hook_conf conf)
{
	struct hook_conf *h = &o->confs[o->set.n_hooks++];

	o->set.hooks = o->confs;
	*h = conf;
	h->name = (char *)name;
	return h;
}

static void apply(struct rig *r, const struct other *o)
{
	AUTO_FREE char *error = NULL;
	struct hooks_plan *plan = hooks_plan(r->hooks, &o->set, &error);

	if (!plan)
		fail_msg("%s", error);
	hooks_apply(r->hooks, plan);
}

/* One that is never reached. */
static struct hook_conf *dead(struct rig *r)
{
	struct hook_conf *conf = rig_hook(r, HOOK_WEBHOOK);

	conf->url.plain = rig_text(r, xstrdup(DEAD_URL));
	conf->identity = 1;
	return conf;
}

/* A script that writes its word and the alert's state to the file "out", after a time. */
static struct hook_conf *script(struct rig *r, const char *word, const char *wait_s)
{
	struct hook_conf *conf = rig_hook(r, HOOK_EXEC);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, word);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nsleep %s\necho \"%s $KERNELSIGHT_ID\" | tr -d 0 >>%s/out\n", wait_s,
		word, dir);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
	conf->argv = xcalloc(1, sizeof(struct template *));
	conf->argv[conf->n_argv++] = rig_template(path);
	conf->identity = 2;
	return conf;
}

/* What is in "out", which goes with it, as do the scripts of these words. */
static const char *take_output(const char *a, const char *b)
{
	static char text[4096];
	const char *const names[] = { "out", a, b };
	size_t n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, names[i]);
		FILE *f = i == 0 ? fopen(path, "r") : NULL;

		if (f) {
			n = fread(text, 1, sizeof(text) - 1, f);
			(void)fclose(f);
		}
		(void)unlink(path);
	}
	text[n] = '\0';
	return text;
}

static struct hook_view view(const struct rig *r, unsigned i)
{
	struct hook_view v;

	assert_true(hooks_view(r->hooks, i, &v));
	return v;
}

static void one_configured_as_before_keeps_queue_and_back_off(void **state)
{
	AUTO_RIG r;
	struct other o = { 0 };

	(void)state;
	rig_init(&r);
	dead(&r);
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_deliver(&r, ALERT_RESOLVED, 2, "{}");
	RIG_RUN_UNTIL(&r, view(&r, 0).failures > 0);
	assert_true(view(&r, 0).failures > 0);
	/* at another place in the list */
	other_hook(&o, "unused", r.confs[0])->used = false;
	other_hook(&o, "hook0", r.confs[0]);
	apply(&r, &o);
	assert_true(view(&r, 1).failures > 0);
	assert_true(view(&r, 1).not_before_ns > 0);
	assert_int_equal(view(&r, 1).stats.queued, 2);
	assert_int_equal(rig_stats(&r).queued, 2);
	assert_false(hooks_view(r.hooks, 0, &(struct hook_view){ 0 }));
}

static void the_queue_of_one_that_changed_goes_over_in_order(void **state)
{
	AUTO_RIG r;
	struct other o = { 0 };

	(void)state;
	rig_init(&r);
	dead(&r);
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver(&r, ALERT_FIRING, i, "{}");
	RIG_RUN_UNTIL(&r, view(&r, 0).failures > 0);
	other_hook(&o, "hook0", *script(&r, "new", "0"));
	apply(&r, &o);
	assert_int_equal(view(&r, 0).failures, 0);
	r.rules.n_hooks = 1;
	rig_deliver(&r, ALERT_RESOLVED, 4, "{}");
	r.rules.n_hooks = 2;
	rig_run_until_idle(&r);
	assert_string_equal(take_output("new", NULL),
			    "new 1JDA81\nnew 1JDA82\nnew 1JDA83\nnew 1JDA84\n");
	assert_int_equal(rig_stats(&r).delivered, 4);
}

static void tries_under_way_end_first(void **state)
{
	AUTO_RIG r;
	struct other o = { 0 }, p = { 0 };

	(void)state;
	rig_init(&r);
	script(&r, "old", "0.5");
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver(&r, ALERT_FIRING, i, "{}");
	RIG_RUN_UNTIL(&r, view(&r, 0).in_flight == 1);
	/* twice: what has not begun to deliver anything passes all on */
	other_hook(&o, "hook0", *dead(&r));
	apply(&r, &o);
	other_hook(&p, "hook0", *script(&r, "new", "0"))->identity = 3;
	apply(&r, &p);
	assert_int_equal(view(&r, 0).stats.queued, 2);
	assert_int_equal(rig_stats(&r).queued, 3);
	rig_run_until_idle(&r);
	assert_string_equal(take_output("old", "new"), "old 1JDA81\nnew 1JDA82\nnew 1JDA83\n");
	rig_run(&r, 1.2);
	assert_int_equal(rig_stats(&r).delivered, 3);
	assert_int_equal(view(&r, 0).stats.delivered, 3);
}

static void one_that_is_gone_delivers_what_it_has(void **state)
{
	AUTO_RIG r;
	struct other o = { 0 };

	(void)state;
	rig_init(&r);
	script(&r, "old", "0.2");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_deliver(&r, ALERT_FIRING, 2, "{}");
	apply(&r, &o);
	assert_int_equal(rig_stats(&r).queued, 2);
	rig_deliver(&r, ALERT_FIRING, 3, "{}");
	rig_run_until_idle(&r);
	assert_string_equal(take_output("old", NULL), "old 1JDA81\nold 1JDA82\n");
	rig_run(&r, 1.2);
	assert_int_equal(rig_stats(&r).delivered, 2);
}

static void another_secret_is_another_hook(void **state)
{
	AUTO_RIG r;
	struct other o = { 0 };

	(void)state;
	rig_init(&r);
	dead(&r)->url = (struct secret_ref){ .env = (char *)"RELOAD_URL" };
	(void)setenv("RELOAD_URL", DEAD_URL, 1);
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	RIG_RUN_UNTIL(&r, view(&r, 0).failures > 0);
	other_hook(&o, "hook0", r.confs[0]);
	apply(&r, &o);
	assert_true(view(&r, 0).failures > 0);
	(void)setenv("RELOAD_URL", DEAD_URL "other", 1);
	apply(&r, &o);
	assert_int_equal(view(&r, 0).failures, 0);
	assert_int_equal(view(&r, 0).stats.queued, 1);
}

static void if_one_cannot_work_nothing_has_changed(void **state)
{
	AUTO_RIG r;
	AUTO_FREE char *error = NULL;
	struct other o = { 0 };
	struct hook_conf *bad;

	(void)state;
	rig_init(&r);
	dead(&r);
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	other_hook(&o, "hook0", r.confs[0])->identity = 9;
	bad = other_hook(&o, "bad", r.confs[0]);
	bad->url = (struct secret_ref){ .file = (char *)"/nonexistent" };
	assert_null(hooks_plan(r.hooks, &o.set, &error));
	assert_non_null(strstr(error, "hook bad: "));
	assert_int_equal(view(&r, 0).conf->identity, 1);
	assert_int_equal(view(&r, 0).stats.queued, 1);
}

static void those_that_leave_are_bounded(void **state)
{
	AUTO_RIG r;
	struct other none = { 0 }, back = { 0 };

	(void)state;
	rig_init(&r);
	dead(&r);
	rig_start(&r);
	other_hook(&back, "hook0", r.confs[0]);
	for (unsigned i = 0; i < HOOKS_LEAVING_MAX + 3; i++) {
		rig_deliver(&r, ALERT_FIRING, i, "{}");
		apply(&r, &none);
		apply(&r, &back);
	}
	assert_int_equal(rig_stats(&r).queued, HOOKS_LEAVING_MAX);
	assert_int_equal(rig_stats(&r).dropped, 3);
	assert_log(&r, "gives up: too many hooks that are no longer there");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_configured_as_before_keeps_queue_and_back_off),
		cmocka_unit_test(the_queue_of_one_that_changed_goes_over_in_order),
		cmocka_unit_test(tries_under_way_end_first),
		cmocka_unit_test(one_that_is_gone_delivers_what_it_has),
		cmocka_unit_test(another_secret_is_another_hook),
		cmocka_unit_test(if_one_cannot_work_nothing_has_changed),
		cmocka_unit_test(those_that_leave_are_bounded),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
