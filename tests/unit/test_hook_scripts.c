/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs in hooks/, run as an exec hook runs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/buf.h"

static pid_t offender, helper;
static char dir[] = "/tmp/kernelsight-scripts-XXXXXX";

static pid_t start_idle(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	return pid;
}

static void end_idle(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static int start_offender(void **state)
{
	(void)state;
	offender = start_idle();
	helper = start_idle();
	return mkdtemp(dir) && offender > 0 && helper > 0 ? 0 : -1;
}

static int end_offender(void **state)
{
	AUTO_FREE char *clean = xasprintf("rm -r %s", dir);

	(void)state;
	end_idle(offender);
	end_idle(helper);
	return system(clean);
}

/* Runs a command line with nothing but these variables; gives the exit status, and its output. */
static int run(const char *variables, const char *command, struct buf *out)
{
	AUTO_FREE char *line = xasprintf("env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin %s %s 2>&1",
					 variables, command);
	FILE *f = popen(line, "r");
	char block[4096];
	size_t n;

	assert_non_null(f);
	buf_reset(out);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(out, block, n);
	return WEXITSTATUS(pclose(f));
}

/* Field 22 of /proc/PID/stat in seconds. */
static double start_time_s(pid_t pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/stat", pid);
	unsigned long long ticks = 0;
	char line[1024] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	assert_int_equal(sscanf(strrchr(line, ')'),
				") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
				"%*s %*s %*s %llu",
				&ticks),
			 1);
	return (double)ticks / 100;
}

static int nice_of(pid_t pid)
{
	errno = 0;
	return getpriority(PRIO_PROCESS, (id_t)pid);
}

static void renice_refuses_what_is_no_process_of_the_alert(void **state)
{
	static const char *const pids[] = { "", "0", "1", "-1", "2", "'1 2'", "99999999", "08" };
	CLEANUP(buf_fini) struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		AUTO_FREE char *variables = xasprintf("KERNELSIGHT_PID=%s", pids[i]);

		if (run(variables, "hooks/renice-offender", &out) != 1)
			fail_msg("%s: %s", pids[i], buf_str(&out));
		assert_int_equal(strncmp(buf_str(&out), "renice-offender: ", 17), 0);
	}
}

static void renice_leaves_a_successor_with_the_same_pid_alone(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	AUTO_FREE char *variables = xasprintf("KERNELSIGHT_PID=%d KERNELSIGHT_START_TIME=%.3f",
					      offender, start_time_s(offender) - 0.03);

	(void)state;
	assert_int_equal(run(variables, "hooks/renice-offender", &out), 1);
	assert_non_null(strstr(buf_str(&out), "another one has its id now"));
	assert_int_equal(nice_of(offender), 0);
}

static void renice_changes_no_process_that_cannot_be_told_from_another(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	AUTO_FREE char *variables = xasprintf("KERNELSIGHT_PID=%d", offender);
	AUTO_FREE char *by_hand = xasprintf("hooks/renice-offender --unchecked %d", helper);

	(void)state;
	assert_int_equal(run(variables, "hooks/renice-offender", &out), 1);
	assert_non_null(strstr(buf_str(&out), "does not say when process"));
	assert_int_equal(nice_of(offender), 0);
	assert_int_equal(run("", by_hand, &out), 0);
	assert_int_equal(nice_of(helper), 10);
}

static void renice_lowers_the_priority_and_says_so(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	AUTO_FREE char *variables =
		xasprintf("KERNELSIGHT_PID=%d KERNELSIGHT_COMM=bad KERNELSIGHT_START_TIME=%.6f",
			  offender, start_time_s(offender) + 0.009);
	AUTO_FREE char *expected = xasprintf("process %d (bad): nice 0 is now 10\n", offender);

	(void)state;
	assert_int_equal(run(variables, "KERNELSIGHT_STATE=resolved hooks/renice-offender", &out),
			 0);
	assert_int_equal(nice_of(offender), 0);
	assert_int_equal(run(variables, "hooks/renice-offender", &out), 0);
	assert_string_equal(buf_str(&out), expected);
	assert_int_equal(nice_of(offender), 10);
}

static void evidence_is_kept_up_to_a_number(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	/* a directory that is not there yet */
	AUTO_FREE char *command = xasprintf("hooks/capture-evidence %s/lib/evidence 2", dir);
	AUTO_FREE char *list = xasprintf("ls -A %s/lib/evidence", dir);
	AUTO_FREE char *show = xasprintf("cat %s/lib/evidence/01JDA800000000000000000003.txt", dir);
	AUTO_FREE char *own_line = xasprintf("\n%d (", offender);
	AUTO_FREE char *section = xasprintf("== /proc/%d/status\nName:", offender);

	(void)state;
	for (int i = 1; i <= 3; i++) {
		AUTO_FREE char *variables =
			xasprintf("KERNELSIGHT_PID=%d KERNELSIGHT_ID=01JDA80000000000000000000%d",
				  offender, i);

		if (run(variables, command, &out) != 0)
			fail_msg("%s", buf_str(&out));
	}
	assert_int_equal(run("", list, &out), 0);
	assert_string_equal(buf_str(&out),
			    "01JDA800000000000000000002.txt\n01JDA800000000000000000003.txt\n");
	assert_int_equal(run("", show, &out), 0);
	assert_non_null(strstr(buf_str(&out), section));
	assert_non_null(strstr(buf_str(&out), own_line));
}

static void evidence_stays_in_its_directory(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	AUTO_FREE char *command = xasprintf("hooks/capture-evidence %s", dir);

	(void)state;
	assert_int_equal(run("KERNELSIGHT_ID=../escaped", command, &out), 1);
	assert_non_null(strstr(buf_str(&out), "is no alert id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renice_refuses_what_is_no_process_of_the_alert),
		cmocka_unit_test(renice_leaves_a_successor_with_the_same_pid_alone),
		cmocka_unit_test(renice_changes_no_process_that_cannot_be_told_from_another),
		cmocka_unit_test(renice_lowers_the_priority_and_says_so),
		cmocka_unit_test(evidence_is_kept_up_to_a_number),
		cmocka_unit_test(evidence_stays_in_its_directory),
	};

	return cmocka_run_group_tests(tests, start_offender, end_offender);
}
