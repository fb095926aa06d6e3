/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/cmdline_reader.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/proc_files.h"
#include "util/clock.h"

#define CHILDREN 31

/* What was read, by the place of its process in the list. */
struct heard {
	struct process_name names[CHILDREN];
	char texts[CHILDREN][64];
	unsigned n;
};

static void on_cmdline(void *ctx, struct process_name name, uint64_t at_ns, const char *cmdline)
{
	struct heard *heard = ctx;

	assert_true(at_ns <= clock_monotonic_ns());
	for (unsigned i = 0; i < CHILDREN; i++)
		if (heard->names[i].pid == name.pid)
			(void)snprintf(heard->texts[i], sizeof(heard->texts[i]), "%s", cmdline);
	heard->n++;
}

/* What /proc tells: its state, and when it started, as events have it but no finer than that. */
static uint64_t start_time_ns(pid_t pid, char *ret_state)
{
	char path[32], stat[1024] = "";
	unsigned long long ticks = 0;
	const char *rest;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(stat, 1, sizeof(stat) - 1, f) > 0);
	(void)fclose(f);
	rest = strrchr(stat, ')');
	assert_int_equal(sscanf(rest + 1,
				" %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
				"%*d %*d %*d %llu",
				ret_state, &ticks),
			 2);
	return ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static struct process_name own_name(void)
{
	char state;

	return (struct process_name){ (uint32_t)getpid(), start_time_ns(getpid(), &state) };
}

/* One that sleeps in its program when this returns: right after exec its arguments are not in place
 * yet. Ends with the test. */
static struct process_name start(unsigned number)
{
	struct process_name name = { 0 };
	char seconds[16], end, state = 0;
	int began[2];
	pid_t pid;

	assert_int_equal(pipe(began), 0);
	(void)snprintf(seconds, sizeof(seconds), "6%02u", number);
	pid = fork();
	if (pid == 0) {
		(void)close(began[0]);
		(void)fcntl(began[1], F_SETFD, FD_CLOEXEC);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execlp("sleep", "sleep", seconds, (char *)NULL);
		_exit(127);
	}
	(void)close(began[1]);
	assert_int_equal(read(began[0], &end, 1), 0);
	(void)close(began[0]);
	name.pid = (uint32_t)pid;
	for (unsigned ms = 0; state != 'S' && ms < 10000; ms++) {
		name.start_time_ns = start_time_ns(pid, &state);
		(void)usleep(1000);
	}
	assert_int_equal(state, 'S');
	return name;
}

static void command_lines_of_others_are_read(void **state)
{
	struct cmdline_reader *r = cmdline_reader_new();
	struct heard heard = { 0 };
	struct process_name other;

	(void)state;
	for (unsigned i = 0; i < CHILDREN; i++) {
		heard.names[i] = start(i);
		cmdline_reader_ask(r, heard.names[i]);
	}
	other = heard.names[0];
	other.start_time_ns += NS_PER_S; /* a pid that was used again */
	cmdline_reader_ask(r, other);
	cmdline_reader_take(r, 10 * NS_PER_S, on_cmdline, &heard);
	assert_int_equal(heard.n, CHILDREN);
	for (unsigned i = 0; i < CHILDREN; i++) {
		char want[16];

		(void)snprintf(want, sizeof(want), "sleep 6%02u", i);
		assert_string_equal(heard.texts[i], want);
		(void)kill((pid_t)heard.names[i].pid, SIGKILL);
		(void)waitpid((pid_t)heard.names[i].pid, NULL, 0);
		cmdline_reader_ask(r, heard.names[i]);
	}
	heard.n = 0;
	cmdline_reader_take(r, 10 * NS_PER_S, on_cmdline, &heard);
	assert_int_equal(heard.n, 0); /* they have ended */
	assert_false(cmdline_reader_held_up(r));
	cmdline_reader_free(r);
}

static void it_may_end_with_work_left(void **state)
{
	const struct process_name self = own_name();

	(void)state;
	for (unsigned i = 0; i < 101; i++) {
		struct cmdline_reader *r = cmdline_reader_new();

		for (unsigned k = 0; k < 7; k++)
			cmdline_reader_ask(r, self);
		cmdline_reader_free(r);
	}
}

static void a_process_is_read_from_proc(void **state)
{
	CLEANUP(proc_facts_fini) struct proc_facts f = { 0 };
	struct process_name self = own_name();

	(void)state;
	assert_true(proc_is(self));
	assert_true(proc_read(self, &f));
	assert_non_null(strstr(f.facts.exe, "/test_cmdline_reader"));
	assert_int_equal(strncmp("test_cmdline_re", f.facts.comm, 15), 0);
	assert_int_equal(f.facts.cgroup[0], '/');
	self.start_time_ns += NS_PER_S;
	assert_false(proc_is(self));
	assert_false(proc_read(self, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines_of_others_are_read),
		cmocka_unit_test(it_may_end_with_work_left),
		cmocka_unit_test(a_process_is_read_from_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
