/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/rule_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static const struct event_type *source(const char *name)
{
	return event_type_find(name, strlen(name));
}

/* The demand on syscall of the rules whose keys after "name" are given. */
static struct demand demand_of(const char *const *rules, unsigned n, const char *on)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct diags *diags = diags_new();
	struct rule_file file = { .name = "x.json" };
	struct rule_set *set;
	struct demand d;

	buf_adds(&text, "{\"version\":1,\"rules\":[");
	for (unsigned i = 0; i < n; i++)
		buf_addf(&text, "%s{\"name\":\"r%u\",%s}", i ? "," : "", i, rules[i]);
	buf_adds(&text, "]}");
	file.text = buf_str(&text);
	file.len = text.len;
	set = rule_load(&file, 1, diags);
	diags_print(diags, stderr);
	diags_free(diags);
	assert_non_null(set);
	rule_demand(set, source(on), &d);
	rule_set_free(set);
	return d;
}

static struct demand demand_of_one(const char *rule)
{
	return demand_of(&rule, 1, "syscall");
}

static bool wants(const struct demand *d, unsigned call)
{
	return d->syscalls[call / 64] >> call % 64 & 1;
}

static unsigned count_calls(const struct demand *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DEMAND_SYSCALLS; i++)
		n += wants(d, i);
	return n;
}

#define ON		    "\"on\":\"syscall\","
#define COUNT_ONLY	    "\"when\":{\"value\":\"count()\",\"window\":\"10s\",\"above\":5}"
#define COUNT		    ON "\"when\":{\"value\":\"count()\",\"window\":\"10s\",\"above\":5}"
#define WHERE(w)	    COUNT ",\"where\":\"" w "\""
#define WINDOW(value)	    ON "\"when\":{\"value\":\"" value "\",\"window\":\"5s\",\"above\":5}"
#define ABOVE(value, limit) ON "\"when\":{\"value\":\"" value "\"," limit "}"

static void a_source_without_rules_is_not_wanted(void **state)
{
	const char *rule = COUNT;
	struct demand d = demand_of(&rule, 1, "sched");

	(void)state;
	assert_false(d.wanted);
	d = demand_of(&rule, 1, "syscall");
	assert_true(d.wanted);
}

static void a_rule_without_where_wants_every_call(void **state)
{
	struct demand d = demand_of_one(COUNT);

	(void)state;
	assert_int_equal(count_calls(&d), DEMAND_SYSCALLS);
	assert_int_equal(d.floor_ns, DEMAND_FLOOR_NS);
}

static void calls_follow_from_where(void **state)
{
	struct demand d = demand_of_one(WHERE("syscall_name in ('fsync', 'read')"));

	(void)state;
	assert_int_equal(count_calls(&d), 2);
	assert_true(wants(&d, SYS_fsync));
	assert_true(wants(&d, SYS_read));

	d = demand_of_one(WHERE("syscall_name not in ('fsync', 'read') and comm == 'x'"));
	assert_int_equal(count_calls(&d), DEMAND_SYSCALLS - 2);
	assert_false(wants(&d, SYS_fsync));

	d = demand_of_one(WHERE("syscall >= 64 and syscall < 128 and latency_ms > 1ms"));
	assert_int_equal(count_calls(&d), 64);
	assert_true(wants(&d, 64));
	assert_false(wants(&d, 128));
}

static void what_is_not_known_in_the_kernel_excludes_nothing(void **state)
{
	struct demand d = demand_of_one(WHERE("syscall_name == 'fsync' or comm == 'postgres'"));

	(void)state;
	assert_int_equal(count_calls(&d), DEMAND_SYSCALLS);
	d = demand_of_one(WHERE("not (syscall_name == 'fsync' and comm == 'postgres')"));
	assert_true(wants(&d, SYS_fsync));
	/* a record of zeros must not count as pid 0 */
	d = demand_of_one(WHERE("pid != 0 and ret < 0"));
	assert_int_equal(count_calls(&d), DEMAND_SYSCALLS);
}

static void calls_follow_from_the_terms_too(void **state)
{
	struct demand d = demand_of_one(
		WINDOW("count(syscall_name == 'read') / count(syscall_name == 'write')"));

	(void)state;
	assert_int_equal(count_calls(&d), 2);
	d = demand_of_one(WINDOW("count(syscall_name == 'read') / count()"));
	assert_int_equal(count_calls(&d), DEMAND_SYSCALLS);
	d = demand_of_one(WINDOW(
		"count(syscall_name == 'read') + count(syscall_name == 'write')") ",\"where\":\"syscall_name != 'write'\"");
	assert_int_equal(count_calls(&d), 1);
	d = demand_of_one("\"on\":\"sched\",\"with\":{\"on\":\"syscall\",\"where\":"
			  "\"syscall_name == 'fsync'\"},"
			  "\"when\":{\"value\":\"count(syscall)\",\"window\":\"5s\",\"above\":5}");
	assert_true(d.wanted);
	assert_int_equal(count_calls(&d), 1);
	assert_true(wants(&d, SYS_fsync));
	/* what is awaited is any call that the rule is on */
	d = demand_of_one(ON "\"when\":{\"absent\":\"5m\"},\"where\":\"syscall_name == 'read'\"");
	assert_int_equal(count_calls(&d), 1);
}

static bool reads(const struct demand *d, const char *name)
{
	const struct event_type *type = source("syscall");
	const struct field *f = event_field_find(type, name, strlen(name));

	return d->fields >> event_field_index(type, f) & 1;
}

static void fields_are_those_of_all_parts(void **state)
{
	struct demand d = demand_of_one(
		ON
		"\"where\":\"uid == 1\",\"by\":[\"comm\"],\"summary\":\"{{tid}} {{event.ret}}\","
		"\"labels\":{\"x\":\"{{file_type}}\"},"
		"\"when\":{\"value\":\"count(pid > 5) / distinct(exe)\",\"window\":\"5s\",\"above\":5}");
	const char *made_of_rules[] = {
		COUNT,
		"\"on\":\"sched\",\"when\":{\"value\":\"wakeups\",\"above\":1}",
		"\"together\":[\"r0\",\"r1\"],\"within\":\"5s\",\"summary\":\"{{pid}} {{tid}}\"",
	};
	static const char *const read[] = {
		"uid", "comm", "tid", "ret", "file_type", "pid", "exe"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(read); i++)
		assert_true(reads(&d, read[i]));
	assert_false(reads(&d, "file_system"));
	d = demand_of_one("\"on\":\"sched\",\"with\":{\"on\":\"syscall\",\"where\":\"uid == 1\"},"
			  "\"by\":[\"comm\"],\"when\":{\"value\":\"max(syscall.latency_ms)\","
			  "\"window\":\"5s\",\"above\":5}");
	assert_true(reads(&d, "uid") && reads(&d, "comm") && reads(&d, "latency_ms"));
	assert_false(reads(&d, "pid"));
	d = demand_of(made_of_rules, ARRAY_SIZE(made_of_rules), "syscall");
	assert_true(reads(&d, "tid"));
	assert_false(reads(&d, "ret"));
}

static void the_bitmap_is_of_native_calls(void **state)
{
	struct demand d = demand_of_one(WHERE("abi == 'i386'"));

	(void)state;
	assert_true(d.wanted);
	assert_int_equal(count_calls(&d), 0);
}

static void calls_of_all_rules_add_up(void **state)
{
	const char *rules[] = {
		WHERE("syscall_name == 'fsync'"),
		WHERE("syscall_name == 'read'"),
		"\"on\":\"sched\",\"when\":{\"value\":\"wakeups\",\"above\":5}",
	};
	struct demand d = demand_of(rules, ARRAY_SIZE(rules), "syscall");

	(void)state;
	assert_int_equal(count_calls(&d), 2);
}

static void the_floor_follows_from_the_rule(void **state)
{
	static const struct {
		const char *rule;
		uint64_t floor_ns;
	} cases[] = {
		{ ABOVE("latency_ms", "\"above\":25"), 25 * NS_PER_MS },
		{ ABOVE("latency_ms", "\"above\":\"250us\""), 250000 },
		{ ABOVE("latency_ms", "\"above\":\"2s\"") ",\"where\":\"latency_ms > 5ms\"",
		  2 * NS_PER_S },
		{ ABOVE("latency_ms", "\"above\":5") ",\"where\":\"latency_ms > 7ms\"",
		  7 * NS_PER_MS },
		{ WHERE("latency_ms >= 1ms and comm == 'x'"), NS_PER_MS },
		{ WHERE("latency_ms >= 1ms or comm == 'x'"), DEMAND_FLOOR_NS },
		{ ABOVE("latency_ms", "\"below\":5"), DEMAND_FLOOR_NS },
		/* no limit is one thing, a limit of 0 another */
		{ ABOVE("latency_ms", "\"above\":0"), 0 },
		{ ABOVE("latency_ms", "\"above\":-3"), 0 },
		{ ABOVE("latency_ms", "\"above\":0") ",\"where\":\"latency_ms > 2ms\"",
		  2 * NS_PER_MS },
		{ WHERE("latency_ms >= 0"), 0 },
		{ WHERE("latency_ms != 3"), DEMAND_FLOOR_NS },
		{ WHERE("not (latency_ms < 4 or comm == 'x')"), 4 * NS_PER_MS },
		{ WHERE("latency_ms not in (1, 2) and latency_ms > 3"), 3 * NS_PER_MS },
		/* each term of a formula has its own */
		{ WINDOW("count(latency_ms >= 1ms) / count(latency_ms > 2ms)"), NS_PER_MS },
		{ WINDOW("count(latency_ms >= 20ms) / count()"), DEMAND_FLOOR_NS },
		{ WINDOW("count(latency_ms >= 1ms) / count()"), NS_PER_MS },
		{ WINDOW("count(latency_ms >= 20ms)") ",\"where\":\"latency_ms > 30\"",
		  30 * NS_PER_MS },
		{ WINDOW("max(latency_ms) - min(latency_ms)"), DEMAND_FLOOR_NS },
		/* only a limit on the value itself is one of each event */
		{ ABOVE("latency_ms * 2", "\"above\":50"), DEMAND_FLOOR_NS },
		{ ABOVE("latency_ms", "\"outside\":[25, 50]"), DEMAND_FLOOR_NS },
		{ ON
		  "\"when\":{\"any\":[{\"value\":\"max(latency_ms)\",\"window\":\"5s\",\"above\":50},"
		  "{\"value\":\"count(latency_ms >= 2)\",\"window\":\"5s\",\"above\":5}]}",
		  2 * NS_PER_MS },
		{ ON "\"when\":{\"absent\":\"5m\"}", DEMAND_FLOOR_NS },
		{ ON "\"when\":{\"absent\":\"5m\"},\"where\":\"latency_ms > 3\"", 3 * NS_PER_MS },
		{ "\"on\":\"sched\",\"with\":{\"on\":\"syscall\",\"where\":\"latency_ms > 4ms\"},"
		  "\"when\":{\"value\":\"count(syscall)\",\"window\":\"5s\",\"above\":5}",
		  4 * NS_PER_MS },

		/* the limit of another value or of an aggregate is no limit of each latency */
		{ ABOVE("ret", "\"above\":5"), DEMAND_FLOOR_NS },
		{ ABOVE("sum(latency_ms)", "\"window\":\"5s\",\"above\":900"), DEMAND_FLOOR_NS },
		{ ABOVE("latency_ms", "\"above\":1e300"), UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct demand d = demand_of_one(cases[i].rule);

		if (d.floor_ns != cases[i].floor_ns)
			fail_msg("%s: %llu ns", cases[i].rule, (unsigned long long)d.floor_ns);
	}
}

static void the_lowest_floor_counts(void **state)
{
	const char *rules[] = {
		ABOVE("latency_ms", "\"above\":25"),
		ABOVE("latency_ms", "\"above\":3"),
		ABOVE("latency_ms", "\"above\":50"),
		"\"on\":\"sched\",\"when\":{\"value\":\"wakeups\",\"above\":1}",
	};
	struct demand d = demand_of(rules, ARRAY_SIZE(rules), "syscall");

	(void)state;
	assert_int_equal(d.floor_ns, 3 * NS_PER_MS);
	/* one that implies nothing pulls the floor down to the default */
	rules[1] = COUNT;
	d = demand_of(rules, ARRAY_SIZE(rules), "syscall");
	assert_int_equal(d.floor_ns, DEMAND_FLOOR_NS);
}

static void a_part_of_the_latency_gives_a_floor_too(void **state)
{
	static const struct {
		const char *rule;
		uint64_t floor_ns;
	} cases[] = {
		{ "\"on\":\"io_request\",\"when\":{\"value\":\"device_ms\",\"above\":3}",
		  3 * NS_PER_MS },
		{ "\"on\":\"io_request\",\"where\":\"queue_ms > 5ms\","
		  "\"when\":{\"value\":\"latency_ms\",\"above\":2}",
		  5 * NS_PER_MS },
		{ "\"on\":\"io_request\",\"where\":\"device == 'vda'\","
		  "\"when\":{\"value\":\"bytes\",\"above\":2}",
		  DEMAND_FLOOR_NS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct demand d = demand_of(&cases[i].rule, 1, "io_request");

		if (d.floor_ns != cases[i].floor_ns)
			fail_msg("%s: %llu ns", cases[i].rule, (unsigned long long)d.floor_ns);
	}
}

static void rules_may_all_ask_how_long_a_call_was_blocked(void **state)
{
	const char *const both[] = {
		ON "\"when\":{\"value\":\"blocked_ms\",\"above\":\"30ms\"}",
		ON "\"where\":\"blocked_ms > 20ms\"," COUNT_ONLY,
	};
	const char *const one_of_them[] = {
		both[0], ON "\"when\":{\"value\":\"latency_ms\",\"above\":\"30ms\"}"
	};

	(void)state;
	assert_int_equal(demand_of(both, 2, "syscall").blocked_floor_ns, 20 * NS_PER_MS);
	assert_int_equal(demand_of(both, 2, "syscall").floor_ns, 20 * NS_PER_MS);
	assert_int_equal(demand_of(one_of_them, 2, "syscall").blocked_floor_ns, 0);
	assert_int_equal(demand_of(one_of_them, 2, "syscall").floor_ns, 30 * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_may_all_ask_how_long_a_call_was_blocked),
		cmocka_unit_test(a_source_without_rules_is_not_wanted),
		cmocka_unit_test(a_rule_without_where_wants_every_call),
		cmocka_unit_test(calls_follow_from_where),
		cmocka_unit_test(what_is_not_known_in_the_kernel_excludes_nothing),
		cmocka_unit_test(calls_follow_from_the_terms_too),
		cmocka_unit_test(fields_are_those_of_all_parts),
		cmocka_unit_test(the_bitmap_is_of_native_calls),
		cmocka_unit_test(calls_of_all_rules_add_up),
		cmocka_unit_test(the_floor_follows_from_the_rule),
		cmocka_unit_test(the_lowest_floor_counts),
		cmocka_unit_test(a_part_of_the_latency_gives_a_floor_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
