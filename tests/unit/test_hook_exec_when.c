/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether, when and how often exec hooks run a program. */
#include "exec_rig.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "hook/spawn.h"

static void want_together(unsigned n)
{
	AUTO_FREE char *path = xasprintf("%s/wanted", dir);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "%u\n", n);
	(void)fclose(f);
}

/* Of those allowed at a time each waits until all have begun: they do run together. */
static void no_more_run_at_a_time_than_allowed(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(
		&r, "one",
		"echo + >>out; sleep 0.3; "
		"for i in $(seq 300); do [ $(grep -c + out) -lt $(cat wanted) ] || break; sleep 0.1; done; "
		"echo - >>out")
		->concurrency = 1;
	want_together(1);
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver_other(&r, ALERT_FIRING, i, false);
	rig_run_until_idle(&r);
	assert_string_equal(content("out"), "+\n-\n+\n-\n+\n-\n");
	forget("out");
	r.confs[0].concurrency = 3;
	want_together(3);
	hooks_free(r.hooks);
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver_other(&r, ALERT_FIRING, i, false);
	rig_run_until_idle(&r);
	assert_string_equal(content("out"), "+\n+\n+\n-\n-\n-\n");
	forget("one");
	forget("wanted");
	forget("out");
}

static void a_cooldown_drops_and_says_so(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "calm", "echo x >>out")->cooldown_ns = 600 * NS_PER_S;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_deliver(&r, ALERT_FIRING, 2, "{}");
	rig_run_until_idle(&r);
	assert_string_equal(content("out"), "x\n");
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_int_equal(rig_stats(&r).dropped, 1);
	assert_log(&r, "alert 01JDA800000000000000000002 is dropped: the hook is in its cooldown");
	forget("calm");
	forget("out");
}

static void an_action_that_waited_too_long_never_runs(void **state)
{
	AUTO_RIG r;
	struct hook *h;
	struct alert *a = fixture_alert(ALERT_FIRING, 1, "{}");

	(void)state;
	rig_init(&r);
	h = rig_hook_alone(&r, NULL, to_script(&r, "late", "echo x >>out"));
	h->slots = 0; /* so that it waits */
	hook_queue(h, a);
	TAILQ_FIRST(&h->waiting)->queued_ns -= 61 * NS_PER_S;
	h->slots = 1;
	loop_timer_set(h->timer, 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(loop_run_once(r.loop, 10), 0);
	assert_int_equal(h->stats.dropped, 1);
	assert_string_equal(content("out"), "");
	assert_log(&r, "is dropped: it waited too long");
	alert_unref(a);
	hook_free(h, 0);
	forget("late");
}

/* What a program did when the alert fired, the resolved alert has to undo, however late. */
static void what_undoes_an_action_runs_however_late(void **state)
{
	AUTO_RIG r;
	struct hook *h;
	struct alert *firing = fixture_alert(ALERT_FIRING, 1, "{}");
	struct alert *resolved = fixture_alert(ALERT_RESOLVED, 2, "{}");

	(void)state;
	rig_init(&r);
	h = rig_hook_alone(&r, NULL,
			   to_script(&r, "undo", "sleep 0.2; echo $KERNELSIGHT_STATE >>out"));
	hook_queue(h, firing);
	hook_queue(h, resolved);
	TAILQ_FIRST(&h->waiting)->queued_ns -= 61 * NS_PER_S;
	RIG_RUN_UNTIL(&r, h->stats.queued == 0);
	assert_string_equal(content("out"), "firing\nresolved\n");
	assert_string_equal(rig_log(&r), "");
	alert_unref(firing);
	alert_unref(resolved);
	hook_free(h, 0);
	forget("undo");
	forget("out");
}

static void what_did_not_start_needs_no_undoing(void **state)
{
	AUTO_RIG r;
	AUTO_FREE char *path = xasprintf("%s/starts", dir);

	(void)state;
	rig_init(&r);
	to_script(&r, "starts", "echo x >>out")->cooldown_ns = 600 * NS_PER_S;
	rig_start(&r);
	assert_int_equal(chmod(path, 0644), 0);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_deliver(&r, ALERT_RESOLVED, 2, "{}");
	rig_run_until_idle(&r);
	assert_log(&r, "cannot run the program: Permission denied; alert 01JDA8");
	assert_log(&r, "alert 01JDA800000000000000000002 is dropped: the hook did not act when");
	assert_int_equal(chmod(path, 0755), 0);
	rig_deliver(&r, ALERT_FIRING, 3, "{}"); /* and there is no cooldown for it */
	rig_run_until_idle(&r);
	assert_string_equal(content("out"), "x\n");
	forget("starts");
	forget("out");
}

static void a_resolved_alert_waits_for_the_end_of_its_firing(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "pair",
		  "[ $KERNELSIGHT_STATE = firing ] && sleep 0.4; "
		  "echo $KERNELSIGHT_STATE >>out${KERNELSIGHT_ID#01JDA80000000000000000000}");
	rig_start(&r);
	rig_deliver_other(&r, ALERT_FIRING, 1, false);
	rig_deliver_other(&r, ALERT_RESOLVED, 1, false);
	rig_deliver_other(&r, ALERT_RESOLVED, 2, false); /* its firing was before our time */
	rig_deliver_other(&r, ALERT_FIRING, 3, false);
	rig_deliver_other(&r, ALERT_RESOLVED, 3, false);
	assert_int_equal(rig_stats(&r).queued, 4);
	rig_run_until_idle(&r);
	assert_int_equal(rig_stats(&r).delivered, 4);
	assert_string_equal(rig_log(&r), "hook hook0: alert 01JDA800000000000000000002 is dropped: "
					 "the hook did not act when it fired\n");
	assert_string_equal(content("out1"), "firing\nresolved\n");
	assert_string_equal(content("out3"), "firing\nresolved\n");
	forget("pair");
	forget("out1");
	forget("out3");
}

static void a_repeat_runs_nothing(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "repeats", "echo $KERNELSIGHT_ID >>out");
	rig_start(&r);
	rig_deliver_other(&r, ALERT_FIRING, 1, false);
	rig_run_until_idle(&r);
	rig_deliver_other(&r, ALERT_FIRING, 1, true);
	rig_deliver_other(&r, ALERT_FIRING, 2, true);
	rig_run_until_idle(&r);
	assert_string_equal(content("out"), "01JDA800000000000000000001\n");
	assert_string_equal(rig_log(&r), "");
	assert_int_equal(rig_stats(&r).dropped, 0);
	forget("repeats");
	forget("out");
}

/* Runs a program with room for n more descriptors in this process, and gives the log. */
static const char *run_with_descriptors(struct rig *r, unsigned n)
{
	struct rlimit before, few;
	int fds[16];

	rig_start(r);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (unsigned i = 0; i < n; i++)
		fds[i] = open("/dev/null", O_RDONLY);
	few.rlim_cur = (rlim_t)fds[n - 1] + 1;
	for (unsigned i = 0; i < n; i++)
		(void)close(fds[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rig_deliver_other(r, ALERT_FIRING, 1, false);
	rig_run_until_idle(r);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	return rig_log(r);
}

/* One for the document, four for the pipes, one for the process. */
static void too_few_descriptors_are_said(void **state)
{
	for (unsigned n = 5; n <= 6; n++) {
		AUTO_RIG r;
		double start_s = rig_clock_s();

		(void)state;
		rig_init(&r);
		to_script(&r, "few", "");
		if (!strstr(run_with_descriptors(&r, n), "Too many open files"))
			fail_msg("with %u: %s", n, rig_log(&r));
		assert_log(&r, n == 5 ? "cannot start " : "cannot set up its descriptors: ");
		assert_true(n == 6 || rig_clock_s() - start_s < SPAWN_KILL_WAIT_MS / 1e3);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left to reap */
		forget("few");
	}
}

static void a_dry_run_runs_nothing(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	r.dry_run = true;
	add_argument(to_script(&r, "dry", "echo x >>out"), "{{pid}}");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_run_until_idle(&r);
	assert_string_equal(content("out"), "");
	assert_log(&r, "hook hook0: would run: /tmp/kernelsight-exec-");
	assert_log(&r, "/dry 812\n");
	forget("dry");
}

static void what_cannot_run_is_said_at_the_start(void **state)
{
	static const char *const programs[] = { "/no/such/program", "/etc", "/etc/passwd" };
	static const char *const errors[] = {
		"rules.json:7: hook hook0: program /no/such/program: No such file or directory",
		"rules.json:7: hook hook0: program /etc is not a regular file",
		"rules.json:7: hook hook0: program /etc/passwd is not executable",
	};
	char no_user[] = "no-such-user";

	(void)state;
	for (size_t i = 0; i <= ARRAY_SIZE(programs); i++) {
		bool bad_user = i == ARRAY_SIZE(programs);
		AUTO_RIG r;
		struct hook_conf *conf;

		rig_init(&r);
		conf = rig_hook(&r, HOOK_EXEC);
		conf->argv = xcalloc(1, sizeof(struct template *));
		add_argument(conf, bad_user ? "/bin/true" : programs[i]);
		conf->user = bad_user ? no_user : NULL;
		assert_no_start(&r, bad_user ? "rules.json:7: hook hook0: there is no "
					       "user \"no-such-user\""
					     : errors[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_run_at_a_time_than_allowed),
		cmocka_unit_test(a_cooldown_drops_and_says_so),
		cmocka_unit_test(an_action_that_waited_too_long_never_runs),
		cmocka_unit_test(what_undoes_an_action_runs_however_late),
		cmocka_unit_test(what_did_not_start_needs_no_undoing),
		cmocka_unit_test(a_resolved_alert_waits_for_the_end_of_its_firing),
		cmocka_unit_test(a_repeat_runs_nothing),
		cmocka_unit_test(too_few_descriptors_are_said),
		cmocka_unit_test(a_dry_run_runs_nothing),
		cmocka_unit_test(what_cannot_run_is_said_at_the_start),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
