/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs run by exec hooks: what they are given, and that nothing of them is left behind. */
#include "exec_rig.h"

#include <fcntl.h>
#include <signal.h>

/* Neither there nor, which is as dead, a zombie that nobody has reaped; waits half a minute for it. */
static bool is_dead(const char *pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%ld/stat", strtol(pid, NULL, 10));
	char line[256];

	for (int i = 0; i < 3000; i++) {
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

/* --- what a program is given ------------------------------------------------------------------ */

static void the_environment_is_exactly_this(void **state)
{
	AUTO_RIG r;

	(void)state;
	(void)setenv("LEAKED", "by the daemon", 1);
	rig_init(&r);
	to_script(&r, "env", "tr '\\0' '\\n' </proc/$$/environ >out");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, FIXTURE_DOC);
	rig_run_until_idle(&r);
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
	rig_run_until_idle(&r);
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
	rig_run_until_idle(&r);
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
		"sh -c \"ls /proc/$$/fd >fds\"\n"
		"{ id -u; id -G; umask; ulimit -c; ulimit -n; cut -d' ' -f5,6 /proc/$$/stat; echo $$; } >rest\n"
		"echo x | dd of=/proc/$$/fd/0 conv=notrunc 2>/dev/null && echo writable >doc");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r);
	assert_string_equal(content("status"), "NoNewPrivs:\t1\n");
	/* the shell keeps the script open at 10 (dash) or 255 (bash) */
	if (strcmp(content("fds"), "0\n1\n10\n2\n") != 0)
		assert_string_equal(content("fds"), "0\n1\n2\n255\n");
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

/* --- how it ends ------------------------------------------------------------------------------ */

static void a_failure_is_said_with_its_output(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_script(&r, "fails", "echo 'cannot\tdo it'; printf '\\033[31mred\\377' >&2; exit 3");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r);
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
	rig_run_until_idle(&r);
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
	rig_run_until_idle(&r);
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
		->timeout_ns = 1500 * NS_PER_MS;
	rig_start(&r);
	start_s = rig_clock_s();
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_idle(&r);
	assert_true(rig_clock_s() - start_s > 3.4);
	assert_true(is_dead(content("leader")));
	assert_true(is_dead(content("child")));
	assert_int_equal(rig_stats(&r).failed, 1);
	assert_log(&r, "/hangs did not end within 1.5 s and was ended \"half\"; alert");
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
	rig_run_until_idle(&r);
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
	RIG_RUN_UNTIL(&r, content("child")[0] && content("leader")[0]);
	start_s = rig_clock_s();
	hooks_free(r.hooks);
	r.hooks = NULL;
	assert_true(rig_clock_s() - start_s < 3.5);
	assert_true(is_dead(content("child")));
	assert_true(is_dead(content("leader")));
	forget("runs");
	forget("ignores");
	forget("child");
	forget("leader");
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
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
