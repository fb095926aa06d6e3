/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/process_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "process/proc_files.h"
#include "process/process_text.h"
#include "process/users.h"

#define MINUTE_NS (60 * NS_PER_S)

static const struct process_cache_limits roomy = {
	.processes = 1000,
	.bytes = 1 << 20,
	.keep_ended_ns = 10 * MINUTE_NS,
};

/* A record with room for its texts. */
struct full_record {
	struct process_record r;
	char text[9000];
};

static size_t add_names(struct full_record *f, size_t at, const char *path)
{
	for (size_t end = strlen(path); end > 1;) {
		size_t start = end;

		while (path[start - 1] != '/')
			start--;
		memcpy(f->text + at, path + start, end - start);
		at += end - start;
		f->text[at++] = '\0';
		end = start - 1;
	}
	return at;
}

/* NULL leaves a text out; arguments are written with '|' for NUL. */
static void tell(struct process_cache *c, struct process_record head, const char *exe,
		 const char *cgroup, const char *args)
{
	static struct full_record f;
	size_t at = 0;

	f.r = head;
	if (exe)
		at = add_names(&f, at, exe);
	f.r.exe_bytes = (__u16)at;
	if (cgroup) {
		at = add_names(&f, at, cgroup);
		f.r.flags |= PROCESS_HAS_CGROUP;
	}
	f.r.cgroup_bytes = (__u16)(at - f.r.exe_bytes);
	for (; args && *args; args++)
		f.text[at++] = *args == '|' ? '\0' : *args;
	f.r.args_bytes = (__u16)(at - f.r.exe_bytes - f.r.cgroup_bytes);
	process_cache_take(c, &f, sizeof(f.r) + at);
}

static struct process_record head(unsigned change, uint32_t pid, uint64_t start, uint64_t ts)
{
	return (struct process_record){
		.change = (__u8)change,
		.pid = pid,
		.start_time_ns = start,
		.ts_ns = ts,
		.comm = "program",
	};
}

static struct process at_time(struct process_cache *c, uint32_t pid, uint64_t start, uint64_t ts)
{
	struct process p;

	assert_true(process_cache_find(c, (struct process_name){ pid, start }, ts, &p));
	return p;
}

static bool knows(struct process_cache *c, uint32_t pid, uint64_t start)
{
	struct process p;

	return process_cache_find(c, (struct process_name){ pid, start }, 0, &p);
}

static void fork_of(struct process_cache *c, uint32_t pid, uint64_t start, uint32_t from,
		    uint64_t from_start)
{
	struct process_record r = head(PROCESS_FORKED, pid, start, start);

	r.from_pid = from;
	r.from_start_time_ns = from_start;
	tell(c, r, NULL, NULL, NULL);
}

static void a_program_has_its_texts(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct process p;

	(void)state;
	tell(c, head(PROCESS_EXECED, 812, 4711, 5000), "/usr/bin/dd",
	     "/system.slice/backup.service", "dd|if=/dev/zero|of=a b|");
	p = at_time(c, 812, 4711, 6000);
	assert_string_equal(p.exe, "/usr/bin/dd");
	assert_string_equal(p.cmdline, "dd if=/dev/zero of=a b");
	assert_string_equal(p.cgroup, "/system.slice/backup.service");
	assert_string_equal(p.unit, "backup.service");
	assert_string_equal(p.container_id, "");
	assert_false(knows(c, 812, 4712));
	assert_false(knows(c, 813, 4711));
	process_cache_free(c);
}

static void what_is_cut_or_gone_is_marked(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct process_record r = head(PROCESS_EXECED, 1, 1, 1);
	struct process p;

	(void)state;
	r.flags = PROCESS_EXE_CUT | PROCESS_EXE_DELETED | PROCESS_ARGS_CUT | PROCESS_CGROUP_CUT;
	tell(c, r, "/deep/down", "/very/deep", "a|b|c|");
	p = at_time(c, 1, 1, 1);
	assert_string_equal(p.exe, ".../deep/down (deleted)");
	assert_string_equal(p.cgroup, ".../very/deep");
	assert_string_equal(p.cmdline, "a b c ...");
	tell(c, head(PROCESS_EXECED, 2, 1, 1), "/", "/", "");
	p = at_time(c, 2, 1, 1);
	assert_string_equal(p.exe, "/");
	assert_string_equal(p.cgroup, "/");
	assert_string_equal(p.cmdline, "");
	process_cache_free(c);
}

static void a_copy_has_what_its_parent_has_then(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);

	(void)state;
	tell(c, head(PROCESS_EXECED, 10, 1, 1), "/bin/sh", "/docker/x", "sh|-c|true|");
	fork_of(c, 11, 100, 10, 1);
	tell(c, head(PROCESS_EXECED, 10, 1, 200), "/bin/true", "/docker/x", "true|");
	assert_string_equal(at_time(c, 11, 100, 300).exe, "/bin/sh");
	assert_string_equal(at_time(c, 11, 100, 300).cmdline, "sh -c true");
	assert_string_equal(at_time(c, 11, 100, 300).cgroup, "/docker/x");
	fork_of(c, 12, 300, 10, 2); /* of one that is not known */
	assert_string_equal(at_time(c, 12, 300, 300).exe, "");
	process_cache_free(c);
}

static void an_event_before_an_exec_has_the_older_program(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);

	(void)state;
	tell(c, head(PROCESS_EXECED, 10, 1, 100), "/bin/sh", "/", "sh|");
	tell(c, head(PROCESS_EXECED, 10, 1, 200), "/bin/ls", "/", "ls|-l|");
	assert_string_equal(at_time(c, 10, 1, 199).exe, "/bin/sh");
	assert_string_equal(at_time(c, 10, 1, 199).cmdline, "sh");
	assert_string_equal(at_time(c, 10, 1, 200).exe, "/bin/ls");
	assert_string_equal(at_time(c, 10, 1, 200).cmdline, "ls -l");
	process_cache_free(c);
}

static void a_reused_pid_is_another_process(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);

	(void)state;
	tell(c, head(PROCESS_EXECED, 10, 100, 100), "/bin/old", "/", "old|");
	tell(c, head(PROCESS_ENDED, 10, 100, 150), NULL, NULL, NULL);
	tell(c, head(PROCESS_EXECED, 10, 200, 200), "/bin/new", "/", "new|");
	assert_string_equal(at_time(c, 10, 100, 300).exe, "/bin/old");
	assert_string_equal(at_time(c, 10, 200, 300).exe, "/bin/new");
	process_cache_free(c);
}

static void the_parent_is_the_one_that_was_there(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct process_record r = head(PROCESS_RENAMED, 10, 200, 250);

	(void)state;
	tell(c, head(PROCESS_EXECED, 10, 100, 100), "/bin/old", "/", "old|");
	memcpy(r.comm, "sixteen-letters!", 16);
	tell(c, r, NULL, NULL, NULL);
	assert_string_equal(process_cache_comm(c, 10, 99), "");
	assert_string_equal(process_cache_comm(c, 10, 100), "program");
	assert_string_equal(process_cache_comm(c, 10, 199), "program");
	assert_string_equal(process_cache_comm(c, 10, 200), "sixteen-letters!");
	assert_string_equal(process_cache_comm(c, 11, 200), "");
	process_cache_free(c);
}

static void a_move_changes_the_cgroup_alone(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct process p;

	(void)state;
	tell(c, head(PROCESS_EXECED, 10, 1, 100), "/bin/sh", "/a.service", "sh|");
	tell(c, head(PROCESS_MOVED, 10, 1, 200), NULL, "/system.slice/b.service", NULL);
	p = at_time(c, 10, 1, 200);
	assert_string_equal(p.exe, "/bin/sh");
	assert_string_equal(p.cmdline, "sh");
	assert_string_equal(p.unit, "b.service");
	assert_string_equal(at_time(c, 10, 1, 199).cgroup, "/a.service");
	process_cache_free(c);
}

static void what_ended_is_kept_for_its_time(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct process_cache_stats s;

	(void)state;
	tell(c, head(PROCESS_EXECED, 10, 1, 100), "/bin/sh", "/", "sh|");
	fork_of(c, 11, 2, 10, 1);
	tell(c, head(PROCESS_ENDED, 10, 1, MINUTE_NS), NULL, NULL, NULL);
	process_cache_expire(c, 11 * MINUTE_NS);
	assert_true(knows(c, 10, 1));
	process_cache_expire(c, 11 * MINUTE_NS + 1);
	assert_false(knows(c, 10, 1));
	assert_string_equal(at_time(c, 11, 2, 200).exe, "/bin/sh"); /* shared, and still there */
	process_cache_stats(c, &s);
	assert_int_equal(s.processes, 1);
	assert_int_equal(s.ended, 0);
	assert_int_equal(s.evicted + s.evicted_ended, 0);
	process_cache_free(c);
}

static void too_many_push_out_what_ended_first(void **state)
{
	const struct process_cache_limits narrow = { 7, 1 << 20, 10 * MINUTE_NS };
	struct process_cache *c = process_cache_new(&narrow);
	struct process_cache_stats s;

	(void)state;
	for (uint32_t pid = 1; pid <= 5; pid++)
		fork_of(c, pid, pid, 0, 0);
	tell(c, head(PROCESS_ENDED, 4, 4, 50), NULL, NULL, NULL);
	tell(c, head(PROCESS_ENDED, 3, 3, 60), NULL, NULL, NULL);
	for (uint32_t pid = 6; pid <= 9; pid++)
		fork_of(c, pid, pid, 0, 0);
	assert_false(knows(c, 4, 4));
	assert_false(knows(c, 3, 3));
	assert_true(knows(c, 1, 1)); /* and is the last one used now */
	fork_of(c, 10, 10, 0, 0);
	assert_false(knows(c, 2, 2));
	assert_true(knows(c, 1, 1));
	process_cache_stats(c, &s);
	assert_int_equal(s.processes, 7);
	assert_int_equal(s.evicted_ended, 2);
	assert_int_equal(s.evicted, 1);
	process_cache_free(c);
}

static bool nobody_lives(struct process_name name)
{
	(void)name;
	return false;
}

static bool only_the_first_lives(struct process_name name)
{
	return name.pid == 1;
}

static void bytes_are_bounded_and_all_given_back(void **state)
{
	const struct process_cache_limits narrow = { 100000, 50000, 10 * MINUTE_NS };
	struct process_cache *c = process_cache_new(&narrow);
	char path[600], args[4001];
	struct process_cache_stats s;

	(void)state;
	memset(args, 'x', sizeof(args) - 1);
	args[sizeof(args) - 1] = '\0';
	for (uint32_t pid = 1; pid <= 1009; pid++) {
		(void)snprintf(path, sizeof(path), "/%0500u", pid);
		tell(c, head(PROCESS_EXECED, pid, pid, pid), path, path, args);
		if (pid % 3)
			tell(c, head(PROCESS_ENDED, pid, pid, pid), NULL, NULL, NULL);
		process_cache_stats(c, &s);
		assert_true(s.bytes <= narrow.bytes);
	}
	assert_true(s.processes > 5);
	assert_int_equal(s.processes + s.evicted + s.evicted_ended, 1009);
	process_cache_expire(c, 100 * MINUTE_NS);
	process_cache_walk_begins(c);
	process_cache_walk_ended(c, 2000, 2000, nobody_lives);
	process_cache_expire(c, 100 * MINUTE_NS);
	process_cache_stats(c, &s);
	assert_int_equal(s.processes, 0);
	assert_int_equal(s.bytes, 0);
	process_cache_free(c);
}

static void a_storm_of_forks_shares_its_texts(void **state)
{
	const struct process_cache_limits many = { 20000, 64 << 20, 10 * MINUTE_NS };
	struct process_cache *c = process_cache_new(&many);
	struct process_cache_stats s;

	(void)state;
	tell(c, head(PROCESS_EXECED, 1, 1, 1), "/bin/storm", "/x", "storm|processes|10007|");
	for (uint32_t pid = 2; pid < 10009; pid++)
		fork_of(c, pid, pid, 1, 1);
	process_cache_stats(c, &s);
	assert_int_equal(s.processes, 10008);
	assert_true(s.bytes < 10008 * 200);
	assert_string_equal(at_time(c, 10008, 10008, 1).cmdline, "storm processes 10007");
	process_cache_free(c);
}

static void a_walk_finds_who_is_gone(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct process_cache_stats s;

	(void)state;
	tell(c, head(PROCESS_EXECED, 10, 100, 1), "/bin/a", "/", "a|");
	tell(c, head(PROCESS_EXECED, 11, 100, 1), "/bin/b", "/", "b|x|");
	tell(c, head(PROCESS_EXECED, 12, 100, 1), "/bin/c", "/", "c|x|");
	process_cache_walk_begins(c);
	tell(c, head(PROCESS_SEEN, 10, 100, 5), "/bin/a", "/", NULL);
	tell(c, head(PROCESS_SEEN, 12, 100, 5), "/bin/other", "/", NULL); /* its exec was lost */
	fork_of(c, 13, 300, 10, 100); /* during the walk, which did not get to it */
	tell(c, head(PROCESS_EXECED, 1, 1, 1), "/bin/init", "/",
	     "init|"); /* not shown by the walk */
	process_cache_walk_ended(c, 200, 6, only_the_first_lives);
	process_cache_stats(c, &s);
	assert_int_equal(s.processes, 5);
	assert_int_equal(s.ended, 1);
	assert_string_equal(at_time(c, 1, 1, 9).cmdline, "init");
	assert_string_equal(at_time(c, 10, 100, 9).cmdline, "a");
	assert_string_equal(at_time(c, 11, 100, 9).cmdline, "b x");
	assert_string_equal(at_time(c, 12, 100, 9).exe, "/bin/other");
	assert_string_equal(at_time(c, 12, 100, 9).cmdline, "");
	process_cache_free(c);
}

static void the_command_lines_asked_for_are_named_when_old(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct process_record kernel = head(PROCESS_SEEN, 2, 1, 1);
	struct process_name names[8];

	(void)state;
	kernel.flags = PROCESS_KERNEL;
	tell(c, kernel, NULL, "/", NULL);
	tell(c, head(PROCESS_EXECED, 10, 100, 1000), "/bin/a", "/", "a|");
	fork_of(c, 11, 200, 10, 100);
	assert_int_equal(process_cache_outdated(c, 500, names, 8), 0); /* nobody asked */
	(void)at_time(c, 2, 1, 2000);
	(void)at_time(c, 10, 100, 2000);
	(void)at_time(c, 11, 200, 2000);
	(void)at_time(c, 11, 200, 2000);
	assert_int_equal(process_cache_outdated(c, 500, names, 8), 1); /* only the copy's is old */
	assert_int_equal(names[0].pid, 11);
	assert_int_equal(process_cache_outdated(c, 5000, names, 8), 0); /* named once */
	process_cache_learn_cmdline(c, names[0], 3000, "postgres: walwriter");
	process_cache_learn_cmdline(c, (struct process_name){ 10, 100 }, 999, "before its exec");
	process_cache_learn_cmdline(c, (struct process_name){ 12, 1 }, 3000, "nobody");
	assert_false(knows(c, 12, 1));
	assert_string_equal(at_time(c, 11, 200, 4000).cmdline, "postgres: walwriter");
	assert_string_equal(at_time(c, 10, 100, 4000).cmdline, "a");
	assert_int_equal(process_cache_outdated(c, 2000, names, 8), 1);
	assert_int_equal(names[0].pid, 10);
	process_cache_free(c);
}

static void a_broken_record_is_left_out(void **state)
{
	struct process_cache *c = process_cache_new(&roomy);
	struct full_record f = { .r = head(PROCESS_EXECED, 10, 1, 1) };

	(void)state;
	f.r.args_bytes = 100;
	process_cache_take(c, &f, sizeof(f.r) - 1);
	process_cache_take(c, &f, sizeof(f.r) + 99);
	assert_false(knows(c, 10, 1));
	memset(f.text, 'x', sizeof(f.text)); /* names without an end */
	f.r.exe_bytes = 8000;
	process_cache_take(c, &f, sizeof(f.r) + 8100);
	assert_true(knows(c, 10, 1));
	process_cache_free(c);
}

static void the_cgroup_in_proc_is_chosen_as_in_the_kernel(void **state)
{
	char v2[] = "0::/system.slice/a.service\n";
	char v1[] = "12:memory:/docker/x\n5:cpu,cpuacct:/y\n1:name=systemd:/z\n0::/\n";
	char hybrid_root[] = "12:cpu,memory,pids:/\n1:name=systemd:/z\n0::/init.scope\n";
	char no_memory[] = "3:pids:/p\n2:memorylike:/m\n0::/\n";
	char colons[] = "0::/a:b:c\n";
	char empty[] = "";

	(void)state;
	assert_string_equal(proc_cgroup_path(v2), "/system.slice/a.service");
	assert_string_equal(proc_cgroup_path(v1), "/docker/x");
	assert_string_equal(proc_cgroup_path(hybrid_root), "/init.scope");
	assert_string_equal(proc_cgroup_path(no_memory), "/p");
	assert_string_equal(proc_cgroup_path(colons), "/a:b:c");
	assert_string_equal(proc_cgroup_path(empty), "/");
}

static void users_are_those_of_the_file(void **state)
{
	char path[] = "/tmp/kernelsight-passwd-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct users *u;

	(void)state;
	fputs("root:x:0:0::/root:/bin/sh\nb:x:7:7::/:/bin/sh\nbroken\na:x:5:5::/:/bin/sh\n"
	      "second:x:7:7::/:/bin/sh\n",
	      f);
	(void)fflush(f);
	u = users_new(path);
	assert_string_equal(users_name(u, 0), "root");
	assert_string_equal(users_name(u, 5), "a");
	assert_string_equal(users_name(u, 7), "b");
	assert_string_equal(users_name(u, 6), "");
	assert_string_equal(users_name(u, 4294967295), "");
	fputs("late:x:6:6::/:/bin/sh\n", f);
	(void)fclose(f);
	assert_string_equal(users_name(u, 6), "");
	users_refresh(u);
	assert_string_equal(users_name(u, 6), "late");
	(void)remove(path);
	users_free(u);
	u = users_new(path);
	assert_string_equal(users_name(u, 0), "");
	users_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_has_its_texts),
		cmocka_unit_test(what_is_cut_or_gone_is_marked),
		cmocka_unit_test(a_copy_has_what_its_parent_has_then),
		cmocka_unit_test(an_event_before_an_exec_has_the_older_program),
		cmocka_unit_test(a_reused_pid_is_another_process),
		cmocka_unit_test(the_parent_is_the_one_that_was_there),
		cmocka_unit_test(a_move_changes_the_cgroup_alone),
		cmocka_unit_test(what_ended_is_kept_for_its_time),
		cmocka_unit_test(too_many_push_out_what_ended_first),
		cmocka_unit_test(bytes_are_bounded_and_all_given_back),
		cmocka_unit_test(a_storm_of_forks_shares_its_texts),
		cmocka_unit_test(a_walk_finds_who_is_gone),
		cmocka_unit_test(the_command_lines_asked_for_are_named_when_old),
		cmocka_unit_test(a_broken_record_is_left_out),
		cmocka_unit_test(the_cgroup_in_proc_is_chosen_as_in_the_kernel),
		cmocka_unit_test(users_are_those_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
