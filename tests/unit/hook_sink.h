/* SPDX-License-Identifier: BSD-2-Clause */
/* A real HTTP server that misbehaves, tests/hooks/sink.py, and what it was sent. */
#ifndef TESTS_HOOK_SINK_H
#define TESTS_HOOK_SINK_H

#include "hook_rig.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "util/json_scan.h"

#define SECRET_PATH "TOPSECRETPATH"
#define ROUTING_KEY "R0123456789ABCDEF0123456789ABCDE"

static struct {
	pid_t pid;
	int hold_fd; /* the sink ends when this is closed */
	unsigned port;
	char dir[32];
	char record[64];
} sink;

static inline int sink_start(void **state)
{
	int in[2], out[2];
	char line[16] = "";
	FILE *said;

	(void)state;
	(void)unsetenv("http_proxy");
	strcpy(sink.dir, "/tmp/kernelsight-hooks-XXXXXX");
	if (!mkdtemp(sink.dir) || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -1;
	(void)snprintf(sink.record, sizeof(sink.record), "%s/record", sink.dir);
	sink.pid = fork();
	if (sink.pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		execlp("python3", "python3", "tests/hooks/sink.py", sink.record, (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	sink.hold_fd = in[1];
	/* the whole line, of which the end may come in a write of its own */
	said = fdopen(out[0], "r");
	if (!said || !fgets(line, sizeof(line), said))
		return -1;
	(void)fclose(said);
	sink.port = (unsigned)strtoul(line, NULL, 10);
	return sink.port ? 0 : -1;
}

static inline int sink_end(void **state)
{
	(void)state;
	(void)close(sink.hold_fd);
	(void)waitpid(sink.pid, NULL, 0);
	(void)unlink(sink.record);
	return rmdir(sink.dir);
}

/* A hook to http://127.0.0.1:PORT/TOPSECRETPATH/NAME?STEPS. The steps are part of the URL: a body of
 * them that the log is to show must not stand in them as it is. */
static inline struct hook_conf *to_sink(struct rig *r, enum hook_type type, const char *name,
					const char *steps)
{
	struct hook_conf *conf = rig_hook(r, type);

	conf->url.plain = rig_text(
		r, xasprintf("http://127.0.0.1:%u/" SECRET_PATH "/%s?%s", sink.port, name, steps));
	if (type == HOOK_PAGERDUTY)
		conf->routing_key.plain = rig_text(r, xstrdup(ROUTING_KEY));
	return conf;
}

/* Everything that the sink has recorded. */
static inline void read_record(struct buf *out)
{
	FILE *f = fopen(sink.record, "r");
	char block[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(out, block, n);
	(void)fclose(f);
}

static inline bool text_at(const char *line, size_t len, const char *path, struct buf *out)
{
	struct json_span span;

	buf_reset(out);
	if (!json_find(line, len, path, &span))
		return false;
	json_span_text(line, span, out);
	return true;
}

/* Visits the requests to /TOPSECRETPATH/NAME: returns how many there were, and in out, if not NULL,
 * the text at a path of the n-th, from 0. */
static inline unsigned requests(const char *name, unsigned n, const char *path, struct buf *out)
{
	CLEANUP(buf_fini) struct buf record = { 0 };
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *wanted = xasprintf("/" SECRET_PATH "/%s", name);
	unsigned count = 0;

	read_record(&record);
	for (const char *line = buf_str(&record), *end; (end = strchr(line, '\n'));
	     line = end + 1) {
		size_t len = (size_t)(end - line);

		if (!text_at(line, len, "path", &text) || strcmp(buf_str(&text), wanted))
			continue;
		if (count++ == n && out)
			assert_true(text_at(line, len, path, out));
	}
	return count;
}

static inline unsigned request_count(const char *name)
{
	return requests(name, 0, "path", NULL);
}

/* Of the n-th request; lends until the next but three. */
static inline const char *request(const char *name, unsigned n, const char *path)
{
	static struct buf texts[4];
	static unsigned next;
	struct buf *text = &texts[next++ % ARRAY_SIZE(texts)];

	buf_reset(text);
	if (requests(name, n, path, text) <= n)
		fail_msg("no request %u to %s", n, name);
	return buf_str(text);
}

static inline double request_time_s(const char *name, unsigned n)
{
	return strtod(request(name, n, "time"), NULL);
}

/* Runs the loop until the sink has had n requests. */
static inline void run_until_requested(struct rig *r, const char *name, unsigned n)
{
	RIG_RUN_UNTIL(r, request_count(name) >= n);
}

static inline const char *alert_id(unsigned n)
{
	static char id[ULID_LEN + 1];

	(void)snprintf(id, sizeof(id), "01JDA8%020u", n);
	return id;
}

#endif
