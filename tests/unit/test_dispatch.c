/* SPDX-License-Identifier: BSD-2-Clause */
/* What makes many conditions cheap must change no verdict: random conditions and records, against
 * expr_match(). */
#include "engine/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rule/expr_quick.h"
#include "util/buf.h"

#define CONDITIONS 211
#define RECORDS	   503

static uint64_t seed;

static unsigned next_random(unsigned below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)((seed >> 33) % below);
}

#define PICK(list) ((list)[next_random(ARRAY_SIZE(list))])

static const char *const names[] = { "nginx",		"postgres",	    "a",
				     "fifteen-bytes-n", "sixteen-bytes-na", "exactly8" };
static const uint64_t times_ns[] = { 0,	      1,	999999,		1000000,
				     1000001, 31200000, UINT64_MAX - 1, UINT64_MAX };
static const uint32_t ids[] = { 0, 1, 74, 812, UINT32_MAX };
static const int64_t results[] = { INT64_MIN, -4, -1, 0, 1, 74, INT64_MAX };

static const struct event_type *syscalls(void)
{
	return event_type_find("syscall", strlen("syscall"));
}

static struct ev_syscall random_record(void)
{
	struct ev_syscall r = {
		.pid = PICK(ids),
		.syscall = PICK(ids),
		.latency_ns = PICK(times_ns),
		.ret = PICK(results),
		.uid = PICK(ids),
	};
	const char *name = PICK(names);
	size_t len = strlen(name);

	memcpy(r.comm, name, len < sizeof(r.comm) ? len : sizeof(r.comm));
	return r;
}

static void add_comparison(struct buf *out)
{
	static const char *const numbers[] = { "pid", "syscall", "latency_ms", "ret", "uid" };
	static const char *const values[] = { "0", "1", "74", "812", "31.2", "4294967295", "1e30" };
	static const char *const operators[] = { "==", "!=", "<", "<=", ">", ">=" };

	switch (next_random(6)) {
	case 0:
		buf_addf(out, "comm == '%s'", PICK(names));
		return;
	case 1:
		buf_addf(out, "comm %sin ('%s', '%s')", next_random(2) ? "not " : "", PICK(names),
			 PICK(names));
		return;
	case 2:
		buf_addf(out, "comm like '%.*s*'", 1 + (int)next_random(12), PICK(names));
		return;
	case 3:
		buf_addf(out, "%s in (%s, %s)", PICK(numbers), "74", "812");
		return;
	default:
		buf_addf(out, "%s %s %s", PICK(numbers), PICK(operators), PICK(values));
	}
}

static struct expr *random_condition(void)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct expr_error error;
	struct expr *e;

	for (unsigned i = 0, n = 1 + next_random(3); i < n; i++) {
		if (i)
			buf_adds(&text, next_random(4) ? " and " : " or ");
		add_comparison(&text);
	}
	e = expr_parse(buf_str(&text), syscalls(), &error);
	if (!e)
		fail_msg("%s: %s", buf_str(&text), error.message);
	return e;
}

static void assert_quick_is_right(const struct expr *e, const struct event *ev)
{
	AUTO_FREE struct expr_quick *quick = expr_quick_new(e, syscalls());

	assert_int_equal(expr_quick_match(quick, ev), expr_match(e, ev));
}

static void test_quick(void **state)
{
	(void)state;
	seed = 1;
	for (unsigned i = 0; i < CONDITIONS; i++) {
		struct expr *e = random_condition();

		for (unsigned j = 0; j < 31; j++) {
			struct ev_syscall r = random_record();
			struct event ev = { .type = syscalls(), .record = &r };

			assert_quick_is_right(e, &ev);
		}
		expr_free(e);
	}
	assert_true(expr_quick_match(NULL, &(struct event){ .type = syscalls() }));
}

/* All that match are found, each once and in order; and in all, others only rarely. */
static void test_find(void **state)
{
	static struct feed feeds[CONDITIONS];
	struct dispatch *d = dispatch_new();
	unsigned tried = 0, matched = 0;

	(void)state;
	seed = 2;
	for (unsigned i = 0; i < CONDITIONS; i++) {
		feeds[i] = (struct feed){ .where = i ? random_condition() : NULL };
		dispatch_add(d, &feeds[i]);
	}
	dispatch_ready(d);
	for (unsigned i = 0; i < RECORDS; i++) {
		struct ev_syscall r = random_record();
		struct event ev = { .type = syscalls(), .record = &r };
		unsigned n, at = 0;
		struct feed *const *found = dispatch_find(d, &ev, &n);

		for (unsigned j = 0; j < CONDITIONS; j++) {
			bool is_found = at < n && found[at] == &feeds[j];
			bool matches = !feeds[j].where || expr_match(feeds[j].where, &ev);

			assert_true(is_found || !matches);
			at += is_found;
			matched += matches;
		}
		assert_int_equal(at, n);
		tried += n;
	}
	assert_true(tried < CONDITIONS * RECORDS * 3 / 4);
	assert_true(matched < tried);
	for (unsigned i = 0; i < CONDITIONS; i++)
		expr_free((struct expr *)feeds[i].where);
	dispatch_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quick),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
