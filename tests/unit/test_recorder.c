/* SPDX-License-Identifier: BSD-2-Clause */
/* A recorder and real files: what it writes is read back with the reader. */
#include "capture/recorder.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/gzip.h"
#include "capture/reader.h"
#include "trial/streams.h"

#define RULES_DIGEST   0x0123456789abcdef
#define WALL_OFFSET_NS 1700000000000000000

static char directory[64];
static char path[96];

static int start(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/kernelsight-unit-XXXXXX");
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/capture", directory);
	return 0;
}

static int end(void **state)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	(void)state;
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
	return rmdir(directory);
}

static struct recorder *new_recorder(uint64_t max_bytes, unsigned max_files)
{
	const struct host_info host = { "host", "6.1", "boot" };
	unsigned n;
	const struct event_type *types = event_types(&n);
	AUTO_FREE struct demand *demands = xcalloc(n, sizeof(*demands));
	struct recorder_conf conf = {
		.path = path,
		.max_bytes = max_bytes,
		.max_files = max_files,
		.seed = 42,
		.wall_ns = WALL_OFFSET_NS,
		.wall_offset_ns = WALL_OFFSET_NS,
		.rules = RULES_DIGEST,
		.host = &host,
		.demands = demands,
	};
	AUTO_FREE char *error = NULL;
	struct recorder *r;

	for (unsigned i = 0; i < n; i++)
		demands[i].wanted = strcmp(types[i].name, "syscall") == 0;
	r = recorder_new(&conf, &error);
	if (!r)
		fail_msg("%s", error);
	return r;
}

/* Says the same of every process. */
static const struct process *find(struct process_lookup *lookup, const struct event *ev)
{
	static const struct process p = { "/bin/x", "x -y", "", "", "", "", "" };

	(void)lookup;
	(void)ev;
	return &p;
}

static struct process_lookup processes = { find };

/* The i-th event: hardly two have anything in common, so that they do not compress well. */
static struct ev_syscall call(uint64_t i)
{
	return (struct ev_syscall){
		.ts_ns = (i + 1) * NS_PER_MS,
		.pid = (uint32_t)(i * 2654435761u) | 1,
		.tid = (uint32_t)(i * 40503u),
		.latency_ns = i * 0x9e3779b97f4a7c15ull >> 20,
		.comm = "x",
		.start_time_ns = i * 0xbf58476d1ce4e5b9ull >> 1,
	};
}

static void record(struct recorder *r, uint64_t i)
{
	struct ev_syscall record = call(i);
	struct event ev = {
		.type = event_type_find("syscall", strlen("syscall")),
		.record = &record,
		.wall_offset_ns = WALL_OFFSET_NS,
		.processes = &processes,
	};

	recorder_event(r, &ev);
	if (i % 1000 == 999)
		recorder_tick(r, record.ts_ns, WALL_OFFSET_NS);
}

static uint64_t bytes_of_directory(unsigned *ret_files)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	uint64_t bytes = 0;

	*ret_files = 0;
	while ((entry = readdir(d))) {
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		assert_int_equal(fstatat(dirfd(d), entry->d_name, &st, 0), 0);
		bytes += (uint64_t)st.st_size;
		(*ret_files)++;
	}
	(void)closedir(d);
	return bytes;
}

/* What a stream holds. */
struct content {
	uint64_t events, first, last; /* by the number of the event */
	uint64_t ticks, lost, gaps;
	uint64_t rules; /* of the last reload */
	unsigned reloads;
};

static void read_file(struct capture_reader *file, struct content *c)
{
	struct capture_entry e;
	int more;

	while ((more = capture_read(file, &e)) > 0) {
		capture_go_on(file);
		c->ticks += e.kind == ENTRY_TICK;
		c->lost += e.lost;
		if (e.kind == ENTRY_RULES) {
			assert_int_equal(e.wall_offset_ns, WALL_OFFSET_NS);
			c->rules = e.rules;
			c->reloads++;
		}
		if (e.kind == ENTRY_EVENT) {
			uint64_t i = event_time_ns(&e.event) / NS_PER_MS - 1;
			struct ev_syscall expected = call(i);
			const struct process *p =
				e.event.processes->find(e.event.processes, &e.event);

			assert_memory_equal(e.event.record, &expected, sizeof(expected));
			assert_string_equal(p ? p->cmdline : "unknown", "x -y");
			if (c->events++ == 0)
				c->first = i;
			else
				c->gaps += i != c->last + 1;
			c->last = i;
		}
		capture_release(file);
	}
	if (more < 0)
		fail_msg("%s", capture_error(file));
	if (capture_remark(file))
		fail_msg("%s", capture_remark(file));
}

static void the_files_hold_the_latest_events_in_bounded_space(void **state)
{
	struct recorder *r = new_recorder(1000000, 4);
	char *paths[4];
	struct streams streams;
	struct content c = { 0 };
	struct recorder_stats stats;
	AUTO_FREE char *error = NULL;
	unsigned n_files;
	const uint64_t n = 60013;

	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		record(r, i);
		/* as slow as events come: the writer keeps up */
		if (i % 500 == 0)
			usleep(20000);
	}
	assert_true(recorder_close(r, &stats));
	assert_true(stats.events == n && stats.missed == 0);
	/* a file is full when the writer has seen that it is: some blocks later */
	assert_true(bytes_of_directory(&n_files) < 1400000);
	assert_int_equal(n_files, 4);
	assert_true(stats.bytes > 1000000);
	for (unsigned i = 0; i < 4; i++)
		paths[i] = i ? xasprintf("%s.%u", path, i) : xstrdup(path);
	assert_true(streams_open(&streams, paths, 4, NULL, &error));
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			assert_true(streams_continues(&streams, i));
		/* each file says anew what is known of its processes */
		read_file(streams.files[i], &c);
	}
	assert_true(c.last == n - 1 && c.first > 0 && c.gaps == 0);
	assert_true(c.events == n - c.first);
	streams_fini(&streams);
	for (unsigned i = 0; i < 4; i++)
		free(paths[i]);
}

static void reload(struct recorder *r, uint64_t rules, uint64_t i)
{
	struct demand demands[32] = { 0 };
	unsigned n;

	(void)event_types(&n);
	assert_true(n <= ARRAY_SIZE(demands));
	recorder_rules(r, rules, demands, (i + 1) * NS_PER_MS, WALL_OFFSET_NS);
}

static void a_reload_stands_where_it_was(void **state)
{
	struct recorder *r = new_recorder(0, 0);
	struct content c = { 0 };
	struct capture_reader *file;
	struct capture_entry e;
	struct recorder_stats stats;
	AUTO_FREE char *error = NULL;

	(void)state;
	record(r, 0);
	reload(r, 0xfedcba9876543210, 0);
	record(r, 1);
	assert_true(recorder_close(r, &stats));
	file = capture_open(path, NULL, &error);
	assert_non_null(file);
	assert_int_equal(capture_header(file)->rules, RULES_DIGEST);
	while (capture_read(file, &e) > 0 && e.kind != ENTRY_RULES) {
		c.events += e.kind == ENTRY_EVENT;
		capture_go_on(file);
	}
	assert_int_equal(c.events, 1);
	assert_true(e.rules == 0xfedcba9876543210 && e.now_ns == NS_PER_MS);
	read_file(file, &c);
	assert_int_equal(c.events, 2);
	capture_close(file);
}

/* A pipe that nobody reads, for a disk that answers no more. */
static void a_disk_that_stalls_costs_events_but_no_time(void **state)
{
	struct recorder *r;
	struct recorder_stats stats;
	struct content c = { 0 };
	struct capture_reader *file;
	AUTO_FREE char *error = NULL;
	AUTO_FREE char *kept = xasprintf("%s.read", path);
	int pipe_fd, kept_fd;
	char block[65536];
	const uint64_t n = 90001;
	uint64_t i = 0;
	ssize_t got;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	pipe_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* room for what is written at the end, when nobody reads while it is closed */
	assert_true(fcntl(pipe_fd, F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
	r = new_recorder(0, 0);
	for (; i < n; i++)
		record(r, i);
	/* the line about this finds no room */
	reload(r, 3, n);
	for (; i < n + 3000; i++)
		record(r, i);
	/* it answers again */
	kept_fd = open(kept, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (unsigned quiet = 0; quiet < 600;) {
		got = read(pipe_fd, block, sizeof(block));
		quiet = got > 0 ? 0 : quiet + 1;
		if (got > 0)
			assert_true(write(kept_fd, block, (size_t)got) == got);
		else
			usleep(1000);
	}
	for (; i < n + 4000; i++)
		record(r, i);
	assert_false(recorder_close(r, &stats));
	while ((got = read(pipe_fd, block, sizeof(block))) > 0)
		assert_true(write(kept_fd, block, (size_t)got) == got);
	(void)close(kept_fd);
	(void)close(pipe_fd);
	assert_true(stats.missed > 1000 && stats.events + stats.missed == n + 4000);
	file = capture_open(kept, NULL, &error);
	assert_non_null(file);
	read_file(file, &c);
	capture_close(file);
	/* what is missing is said where it is missing */
	assert_true(c.events == stats.events && c.lost == stats.missed);
	assert_true(c.reloads == 1 && c.rules == 3);
	assert_true(c.first == 0 && c.last == n + 3999 && c.gaps > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_files_hold_the_latest_events_in_bounded_space),
		TEST(a_reload_stands_where_it_was),
		TEST(a_disk_that_stalls_costs_events_but_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
