/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs run by exec hooks: what they are given, and that nothing of them is left behind. */
#include "hook_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "hook/spawn.h"
#include "util/json_scan.h"

static char dir[] = "/tmp/kernelsight-exec-XXXXXX";

/* Programs run as nobody if we are root, and must be able to write there. */
static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) && chmod(dir, 0777) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* An executable script in the directory; the text of it follows "#!/bin/sh\ncd DIR\n". */
static struct hook_conf *to_script(struct rig *r, const char *name, const char *text)
{
	struct hook_conf *conf = rig_hook(r, HOOK_EXEC);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\ncd %s\n%s\n", dir, text);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
	conf->argv = xcalloc(8, sizeof(struct template *));
	conf->argv[conf->n_argv++] = rig_template(path);
	return conf;
}

static void add_argument(struct hook_conf *conf, const char *text)
{
	conf->argv[conf->n_argv++] = rig_template(text);
}

/* The content of a file of the directory; empty if there is none. Lends until the next but three.
 */
static const char *content(const char *name)
{
	static char texts[4][16384];
	static unsigned next;
	char *text = texts[next++ % ARRAY_SIZE(texts)];
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f) {
		n = fread(text, 1, sizeof(texts[0]) - 1, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	return text;
}

static void forget(const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);

	(void)unlink(path);
}

/* Neither there nor, which is as dead, a zombie that nobody has reaped; waits a second for it. */
static bool is_dead(const char *pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%ld/stat", strtol(pid, NULL, 10));
	char line[256];

	for (int i = 0; i < 100; i++) {
		FILE *f = fopen(path, "r");
		const char *state;

		if (!f || !fgets(line, sizeof(line), f))
			line[0] = '\0';
		if (f)
			(void)fclose(f);
		state = strrchr(line, ')');
		if (!state || state[2] == 'Z')
			return true;
		(void)usleep(10000);
	}
	return false;
}

/* --- what a program is given ----------------------------------------------------------------- */

static void the_environment_is_exactly_this(void **state)
{
	AUTO_RIG r;

	(void)state;
	(void)setenv("LEAKED", "by the daemon", 1);
	rig_init(&r);
	to_script(&r, "env", "tr '\\0' '\\n' </proc/$$/environ >out");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_run_until_idle(&r, 5);
	assert_string_equal(content("out"), "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
					    "HOME=/\n"
					    "LANG=C.UTF-8\n"
					    "KERNELSIGHT_STATE=firing\n"
					    "KERNELSIGHT_SEVERITY=critical\n"
					    "KERNELSIGHT_RULE=slow-syscall\n"
					    "KERNELSIGHT_ID=01JDA800000000000000000001\n"
					    "KERNELSIGHT_INCIDENT=01JDA8INCIDENT00000000000A\n"
					    "KERNELSIGHT_SUMMARY=fsync took 31.2 ms\n"
					    "KERNELSIGHT_KEY=comm=postgres\n"
					    "KERNELSIGHT_VALUE=31.2\n"
					    "KERNELSIGHT_PID=812\n"
					    "KERNELSIGHT_TID=813\n"
					    "KERNELSIGHT_COMM=postgres\n"
					    "KERNELSIGHT_HOST=db07\n"
					    "KERNELSIGHT_START_TIME=4711.25\n");
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_string_equal(rig_log(&r), "");
	forget("env");
	forget("out");
}

static void no_shell_sees_the_arguments(void **state)
{
	AUTO_RIG r;
	struct hook_conf *conf;

	(void)state;
	rig_init(&r);
	conf = to_script(&r, "args", "for a; do echo \"<$a>\"; done >out; cat >doc");
	add_argument(conf, "$(touch pwned); `touch pwned` & > pwned");
	add_argument(conf, "{{evil}}");
	add_argument(conf, "");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{\"evil\":\"'; touch pwned; \\\"* $HOME\\n-rf\"}");
	rig_run_until_idle(&r, 5);
	assert_string_equal(content("out"), "<$(touch pwned); `touch pwned` & > pwned>\n"
					    "<'; touch pwned; \"* $HOME\n-rf>\n<>\n");
	assert_string_equal(content("doc"), "{\"evil\":\"'; touch pwned; \\\"* $HOME\\n-rf\"}");
	assert_string_equal(content("pwned"), "");
	forget("args");
	forget("out");
	forget("doc");
}

/* The daemon blocks what it reads from a signalfd. (A shell would reset its mask by itself.) */
static void no_signal_is_blocked_or_ignored(void **state)
{
	AUTO_RIG r;
	struct hook_conf *conf;
	sigset_t set, old;

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	(void)signal(SIGUSR1, SIG_IGN);
	rig_init(&r);
	conf = rig_hook(&r, HOOK_EXEC);
	conf->argv = xcalloc(5, sizeof(struct template *));
	add_argument(conf, "/bin/grep");
	add_argument(conf, "-hsE");
	add_argument(conf, "^Sig(Blk|Ign)");
	add_argument(conf, "/proc/self/status");
	add_argument(conf, "/no/such/file"); /* so that it fails, and its output is logged */
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r, 5);
	assert_log(&r, "\"SigBlk: 0000000000000000 SigIgn: 0000000000000000\"");
	(void)signal(SIGUSR1, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Descriptors, limits and the rest of us are not handed down. */
static void a_program_inherits_nothing(void **state)
{
	AUTO_RIG r;
	int fd = open("/dev/null", O_RDONLY); /* not closed by exec */

	(void)state;
	rig_init(&r);
	to_script(
		&r, "inherit",
		"grep -E '^NoNewPrivs' /proc/$$/status >status\n"
		"ls /proc/$$/fd | tr '\\n' ' ' >fds\n"
		"{ id -u; id -G; umask; ulimit -c; ulimit -n; cut -d' ' -f5,6 /proc/$$/stat; echo $$; } >rest\n"
		"echo x | dd of=/proc/$$/fd/0 conv=notrunc 2>/dev/null && echo writable >doc");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r, 5);
	assert_string_equal(content("status"), "NoNewPrivs:\t1\n");
	/* the shell keeps the script open at 10 (dash) or 255 (bash) */
	if (strcmp(content("fds"), "0 1 10 2 ") != 0)
		assert_string_equal(content("fds"), "0 1 2 255 ");
	if (geteuid() == 0) {
		static const char nobody[] = "65534\n65534\n0077\n0\n1024\n";

		assert_int_equal(strncmp(content("rest"), nobody, strlen(nobody)), 0);
	}
	{
		long group, session, pid;

		assert_int_equal(sscanf(strstr(content("rest"), "1024\n"), "1024 %ld %ld %ld",
					&group, &session, &pid),
				 3);
		assert_int_equal(group, pid);
		assert_int_equal(session, pid);
	}
	assert_string_equal(content("doc"), "");
	(void)close(fd);
	forget("inherit");
	forget("status");
	forget("fds");
	forget("rest");
}

/* --- how it ends ----------------------------------------------------------------------------- */

static void a_failure_is_said_with_its_output(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "fails", "echo 'cannot\tdo it'; printf '\\033[31mred\\377' >&2; exit 3");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r, 5);
	assert_int_equal(rig_stats(&r).failed, 1);
	assert_int_equal(rig_stats(&r).retried, 0);
	assert_log(&r, "/fails exited with status 3 \"cannot do it [31mred?\"; alert 01JDA8");
	forget("fails");
}

static void much_output_is_read_and_bounded(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "floods", "head -c 3000000 /dev/zero | tr '\\0' x; exit 1");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r, 5);
	assert_log(&r, "/floods exited with status 1 \"xxx");
	assert_log(&r, "xxx...\"; alert");
	assert_true(strlen(rig_log(&r)) < HOOK_LOG_BYTES + 200);
	forget("floods");
}

static void a_program_that_cannot_be_run_says_why(void **state)
{
	AUTO_RIG r;
	AUTO_FREE char *path = xasprintf("%s/broken", dir);
	FILE *f;

	(void)state;
	rig_init(&r);
	to_script(&r, "broken", "");
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("#!/no/such/interpreter\n", f);
	(void)fclose(f);
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r, 5);
	assert_int_equal(rig_stats(&r).failed, 1);
	assert_log(&r, "/broken: cannot run the program: No such file or directory; alert");
	forget("broken");
}

/* The leader and what it started ignore SIGTERM; both must be gone. */
static void a_timeout_ends_the_grandchildren_too(void **state)
{
	AUTO_RIG r;
	double start_s;

	(void)state;
	rig_init(&r);
	to_script(&r, "hangs",
		  "trap '' TERM; (trap '' TERM; exec sleep 300) & echo $! >child; echo half; "
		  "echo $$ >leader; while :; do sleep 0.1; done")
		->timeout_ns = 300 * NS_PER_MS;
	rig_start(&r);
	start_s = rig_clock_s();
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r, 5);
	assert_true(rig_clock_s() - start_s > 2.2);
	assert_true(is_dead(content("leader")));
	assert_true(is_dead(content("child")));
	assert_int_equal(rig_stats(&r).failed, 1);
	assert_log(&r, "/hangs did not end within 0.3 s and was ended \"half\"; alert");
	forget("hangs");
	forget("child");
	forget("leader");
}

static void what_a_program_leaves_behind_is_ended(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "leaves", "sleep 300 & echo $! >child");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r, 5);
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_true(is_dead(content("child")));
	forget("leaves");
	forget("child");
}

static void freeing_ends_what_runs(void **state)
{
	AUTO_RIG r;
	double start_s;

	(void)state;
	rig_init(&r);
	to_script(&r, "runs", "sleep 300 & echo $! >child; wait");
	to_script(&r, "ignores", "trap '' TERM; echo $$ >leader; while :; do sleep 0.1; done");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run(&r, 0.3);
	start_s = rig_clock_s();
	hooks_free(r.hooks);
	r.hooks = NULL;
	assert_true(rig_clock_s() - start_s < 2.5);
	assert_true(is_dead(content("child")));
	assert_true(is_dead(content("leader")));
	forget("runs");
	forget("ignores");
	forget("child");
	forget("leader");
}

/* --- how often ------------------------------------------------------------------------------- */

static void no_more_run_at_a_time_than_allowed(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "one", "echo + >>out; sleep 0.4; echo - >>out")->concurrency = 1;
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver_other(&r, ALERT_FIRING, i, false);
	rig_run_until_idle(&r, 5);
	assert_string_equal(content("out"), "+\n-\n+\n-\n+\n-\n");
	forget("out");
	r.confs[0].concurrency = 3;
	hooks_free(r.hooks);
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver_other(&r, ALERT_FIRING, i, false);
	rig_run_until_idle(&r, 5);
	assert_string_equal(content("out"), "+\n+\n+\n-\n-\n-\n");
	forget("one");
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
	rig_run_until_idle(&r, 5);
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
	for (int i = 0; i < 200 && h->stats.queued > 0; i++)
		assert_int_equal(loop_run_once(r.loop, 10), 0);
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
	rig_run_until_idle(&r, 5);
	assert_log(&r, "cannot run the program: Permission denied; alert 01JDA8");
	assert_log(&r, "alert 01JDA800000000000000000002 is dropped: the hook did not act when");
	assert_int_equal(chmod(path, 0755), 0);
	rig_deliver(&r, ALERT_FIRING, 3, "{}"); /* and there is no cooldown for it */
	rig_run_until_idle(&r, 5);
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
	rig_run_until_idle(&r, 5);
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
	rig_run_until_idle(&r, 5);
	rig_deliver_other(&r, ALERT_FIRING, 1, true);
	rig_deliver_other(&r, ALERT_FIRING, 2, true);
	rig_run_until_idle(&r, 5);
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
	rig_run_until_idle(r, 5);
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
	rig_run_until_idle(&r, 5);
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
		{
			AUTO_FREE char *error = rig_try_start(&r);

			assert_null(r.hooks);
			assert_string_equal(error,
					    bad_user ? "rules.json:7: hook hook0: there is no "
						       "user \"no-such-user\""
						     : errors[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_is_exactly_this),
		cmocka_unit_test(no_shell_sees_the_arguments),
		cmocka_unit_test(no_signal_is_blocked_or_ignored),
		cmocka_unit_test(a_program_inherits_nothing),
		cmocka_unit_test(a_failure_is_said_with_its_output),
		cmocka_unit_test(much_output_is_read_and_bounded),
		cmocka_unit_test(a_program_that_cannot_be_run_says_why),
		cmocka_unit_test(a_timeout_ends_the_grandchildren_too),
		cmocka_unit_test(what_a_program_leaves_behind_is_ended),
		cmocka_unit_test(freeing_ends_what_runs),
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
