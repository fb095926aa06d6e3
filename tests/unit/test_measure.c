/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct event_type *source(const char *name)
{
	return event_type_find(name, strlen(name));
}

static struct measure parsed(const char *text, const char *on)
{
	struct expr_error error = { 0 };
	struct measure m;

	if (!measure_parse(text, source(on), &m, &error))
		fail_msg("%s: %s", text, error.message);
	assert_string_equal(m.text, text);
	free(m.text);
	m.text = NULL;
	return m;
}

static void every_function_has_its_aggregate_and_unit(void **state)
{
	static const struct {
		const char *text;
		enum aggregate aggregate;
		const char *field;
		enum unit unit;
		double quantile;
	} cases[] = {
		{ "cpu_time_ms", AGGREGATE_NONE, "cpu_time_ms", UNIT_MS, 0 },
		{ "wakeups", AGGREGATE_NONE, "wakeups", UNIT_COUNT, 0 },
		{ "count()", AGGREGATE_COUNT, NULL, UNIT_COUNT, 0 },
		{ "rate()", AGGREGATE_RATE, NULL, UNIT_PER_S, 0 },
		{ "rate(wakeups)", AGGREGATE_RATE, "wakeups", UNIT_PER_S, 0 },
		{ "rate(cpu_time_ms)", AGGREGATE_RATE, "cpu_time_ms", UNIT_MS_PER_S, 0 },
		{ "sum(cpu_time_ms)", AGGREGATE_SUM, "cpu_time_ms", UNIT_MS, 0 },
		{ "avg(wakeups)", AGGREGATE_AVG, "wakeups", UNIT_COUNT, 0 },
		{ "min(wakeups)", AGGREGATE_MIN, "wakeups", UNIT_COUNT, 0 },
		{ "max(avg_timeslice_us)", AGGREGATE_MAX, "avg_timeslice_us", UNIT_US, 0 },
		{ "p50(wakeups)", AGGREGATE_QUANTILE, "wakeups", UNIT_COUNT, 0.5 },
		{ "p99.9(cpu_time_ms)", AGGREGATE_QUANTILE, "cpu_time_ms", UNIT_MS, 0.999 },
		{ "quantile(wakeups, 0.25)", AGGREGATE_QUANTILE, "wakeups", UNIT_COUNT, 0.25 },
		{ "  quantile ( wakeups ,0.25 ) ", AGGREGATE_QUANTILE, "wakeups", UNIT_COUNT,
		  0.25 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct measure m = parsed(cases[i].text, "sched");

		assert_int_equal(m.aggregate, cases[i].aggregate);
		assert_int_equal(m.unit, cases[i].unit);
		assert_float_equal(m.quantile, cases[i].quantile, 1e-12);
		if (cases[i].field)
			assert_string_equal(m.field->name, cases[i].field);
		else
			assert_null(m.field);
	}
}

static void mistakes_are_found_at_their_place(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *message; /* how it begins */
	} cases[] = {
		{ "", 0, "expected a field, or a function" },
		{ "(latency_ms)", 0, "expected a field, or a function" },
		{ "latency", 0,
		  "no value \"latency\" in source syscall; did you mean \"latency_ms\"?" },
		{ "pid", 0, "\"pid\" of source syscall is no value" },
		{ "max(comm)", 4, "\"comm\" of source syscall is no value" },
		{ " maxx(ret)", 1, "no function \"maxx\"; did you mean \"max\"?" },
		{ "count(ret)", 6, "expected ')'" },
		{ "max(ret", 7, "expected ')'" },
		{ "max()", 4, "expected a field" },
		{ "max(ret) > 5", 9, "expected nothing more" },
		{ "max(max(ret))", 4, "no value \"max\"" },
		{ "p0(ret)", 0, "a percentile" },
		{ "p100(ret)", 0, "a percentile" },
		{ "p9x(ret)", 0, "a percentile" },
		{ "p0x1(ret)", 0, "a percentile" },
		{ "p99", 0, "no value \"p99\"" },
		{ "quantile(ret)", 12, "expected ','" },
		{ "quantile(ret, 1)", 14, "a quantile" },
		{ "quantile(ret, nan)", 14, "a quantile" },
		{ "quantile(ret, -0.5)", 14, "a quantile" },
		{ "quantile(ret, 0.5s)", 14, "a quantile" },
		{ "max\xff(ret)", 0, "no value \"max\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct expr_error error = { 0 };
		struct measure m;

		assert_false(measure_parse(cases[i].text, source("syscall"), &m, &error));
		if (strncmp(error.message, cases[i].message, strlen(cases[i].message)) != 0 ||
		    error.offset != cases[i].offset)
			fail_msg("\"%s\": at %zu \"%s\"", cases[i].text, error.offset,
				 error.message);
		free(error.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function_has_its_aggregate_and_unit),
		cmocka_unit_test(mistakes_are_found_at_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
