/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_quantity(const char *text, size_t want_len, double want, enum unit want_unit)
{
	enum unit unit = UNIT_N;
	double number = -1;
	size_t len = quantity_parse(text, strlen(text), &number, &unit);

	if (len != want_len || number != want || unit != want_unit)
		fail_msg("\"%s\": %zu bytes, %.17g, unit %d", text, len, number, unit);
}

static void quantities_have_the_unit_they_are_written_in(void **state)
{
	(void)state;
	assert_quantity("12", 2, 12, UNIT_NONE);
	assert_quantity("-4", 2, -4, UNIT_NONE);
	assert_quantity("0", 1, 0, UNIT_NONE);
	assert_quantity("10ms", 4, 10, UNIT_MS);
	assert_quantity("31.2 ms", 7, 31.2, UNIT_MS);
	assert_quantity("1.5m", 4, 90, UNIT_S);
	assert_quantity("2h", 2, 7200, UNIT_S);
	assert_quantity("1d", 2, 86400, UNIT_S);
	assert_quantity("250us", 5, 250, UNIT_US);
	assert_quantity("7ns", 3, 7, UNIT_NS);
	assert_quantity("4MiB", 4, 4194304, UNIT_BYTES);
	assert_quantity("4MB", 3, 4000000, UNIT_BYTES);
	assert_quantity("1.5kB", 5, 1500, UNIT_BYTES);
	assert_quantity("3B", 2, 3, UNIT_BYTES);
	assert_quantity("5%", 2, 5, UNIT_PERCENT);
	assert_quantity("50/s", 4, 50, UNIT_PER_S);
	assert_quantity("1KiB/s", 6, 1024, UNIT_BYTES_PER_S);
	assert_quantity("800ms/s", 7, 800, UNIT_MS_PER_S);
	assert_quantity("1e3", 3, 1000, UNIT_NONE);
	assert_quantity("1e-3s", 5, 0.001, UNIT_S);
}

static void a_quantity_ends_where_the_rest_begins(void **state)
{
	enum unit unit;
	double number;

	(void)state;
	assert_quantity("10ms)", 4, 10, UNIT_MS);
	assert_quantity("10, 20", 2, 10, UNIT_NONE);
	assert_quantity("10 and pid", 2, 10, UNIT_NONE);
	assert_quantity("10 furlongs", 2, 10, UNIT_NONE);
	assert_quantity("10  ms", 2, 10, UNIT_NONE);
	/* len bounds the reading, not the NUL */
	assert_int_equal(quantity_parse("10ms", 3, &number, &unit), 3);
	assert_true(number == 600 && unit == UNIT_S);
	assert_int_equal(quantity_parse("10ms", 2, &number, &unit), 2);
	assert_int_equal(quantity_parse("1.5", 2, &number, &unit), 0);
	assert_int_equal(quantity_parse("", 0, &number, &unit), 0);
}

static void nonsense_is_no_quantity(void **state)
{
	static const char *const wrong[] = {
		"",
		"ms",
		"-",
		"-ms",
		"+5",
		".5",
		"5.",
		"inf",
		"nan",
		"0x10",
		"1e",
		"1e999",
		"10furlongs",
		"10mss",
		"10MS",
		"10.0.0.1",
		"1.2.3",
		"10_",
		"1e308GiB",
		"10\xc2\xb5s",
		"12%%",
		"5/sec",
		"1111111111111111111111111111111111111111111111111111111111111111111111111111",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_quantity(wrong[i], 0, -1, UNIT_N);
}

static void units_convert_within_what_they_measure(void **state)
{
	double v = -1;

	(void)state;
	assert_true(unit_convert(1.5, UNIT_S, UNIT_MS, &v));
	assert_true(v == 1500);
	assert_true(unit_convert(250, UNIT_US, UNIT_MS, &v));
	assert_true(v == 0.25);
	assert_true(unit_convert(1, UNIT_S, UNIT_NS, &v));
	assert_true(v == 1e9);
	assert_true(unit_convert(7, UNIT_NONE, UNIT_BYTES, &v));
	assert_true(v == 7);
	v = -1;
	assert_false(unit_convert(7, UNIT_MS, UNIT_BYTES, &v));
	assert_false(unit_convert(7, UNIT_MS, UNIT_NONE, &v));
	assert_false(unit_convert(7, UNIT_PER_S, UNIT_COUNT, &v));
	assert_false(unit_convert(7, UNIT_MS, UNIT_MS_PER_S, &v));
	assert_true(v == -1);
}

static void rates_have_units(void **state)
{
	(void)state;
	assert_int_equal(unit_rate(UNIT_COUNT), UNIT_PER_S);
	assert_int_equal(unit_rate(UNIT_BYTES), UNIT_BYTES_PER_S);
	assert_int_equal(unit_rate(UNIT_US), UNIT_MS_PER_S);
	assert_int_equal(unit_rate(UNIT_MS), UNIT_MS_PER_S);
	assert_string_equal(unit_name(UNIT_MS_PER_S), "ms/s");
	assert_string_equal(unit_name(UNIT_NONE), "");
}

static void durations_need_a_unit_of_time(void **state)
{
	static const char *const wrong[] = {
		"",    "30",  "-5s",   "30 furlongs", "5%",  "4kB",
		" 5s", "5s ", "1e30s", "600d1h",      "-0s", "1e999s"
	};
	uint64_t ns = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (duration_parse(wrong[i], &ns) || ns != 7)
			fail_msg("\"%s\" taken for a duration", wrong[i]);
	assert_true(duration_parse("30s", &ns));
	assert_int_equal(ns, 30 * NS_PER_S);
	assert_true(duration_parse("1.5h", &ns));
	assert_int_equal(ns, 5400 * NS_PER_S);
	assert_true(duration_parse("1.1s", &ns));
	assert_int_equal(ns, 1100000000);
	assert_true(duration_parse("0s", &ns));
	assert_int_equal(ns, 0);
}

static void assert_format(double number, enum unit unit, const char *want)
{
	CLEANUP(buf_fini) struct buf b = { 0 };

	quantity_format(&b, number, unit);
	assert_string_equal(buf_str(&b), want);
}

static void numbers_are_written_for_people(void **state)
{
	(void)state;
	assert_format(41200, UNIT_COUNT, "41,200");
	assert_format(1234567, UNIT_COUNT, "1,234,567");
	assert_format(999, UNIT_COUNT, "999");
	assert_format(-1000, UNIT_COUNT, "-1,000");
	assert_format(-100, UNIT_COUNT, "-100");
	assert_format(2.345, UNIT_COUNT, "2.35");
	assert_format(2.5, UNIT_COUNT, "2.5");
	assert_format(0.00321, UNIT_COUNT, "0.0032");
	assert_format(0, UNIT_COUNT, "0");
	assert_format(5123, UNIT_PER_S, "5,123 /s");
	assert_format(12, UNIT_PERCENT, "12 %");
	assert_format(41200, UNIT_NONE, "41200");
	assert_format(-4, UNIT_NONE, "-4");
	assert_format(250.25, UNIT_MS_PER_S, "250.25 ms/s");
	assert_format(1e300, UNIT_COUNT, "1e+300");
	assert_format(NAN, UNIT_MS, "none");
	assert_format(INFINITY, UNIT_NONE, "none");
}

static void times_and_sizes_change_to_a_readable_unit(void **state)
{
	(void)state;
	assert_format(31.2, UNIT_MS, "31.2 ms");
	assert_format(10.04, UNIT_MS, "10.04 ms");
	assert_format(1200, UNIT_MS, "1.2 s");
	assert_format(0.5, UNIT_MS, "500 us");
	assert_format(0.0005, UNIT_MS, "500 ns");
	assert_format(0, UNIT_MS, "0 ns");
	assert_format(-2, UNIT_MS, "-2 ms");
	assert_format(999.9, UNIT_US, "999.9 us");
	assert_format(999.99, UNIT_US, "1 ms");
	assert_format(59, UNIT_S, "59 s");
	assert_format(90, UNIT_S, "1 min 30 s");
	assert_format(-90, UNIT_S, "-1 min 30 s");
	assert_format(512, UNIT_BYTES, "512 B");
	assert_format(1536, UNIT_BYTES, "1.5 KiB");
	assert_format(4404019, UNIT_BYTES, "4.2 MiB");
	assert_format(3e9, UNIT_BYTES, "2.794 GiB");
	assert_format(1536, UNIT_BYTES_PER_S, "1.5 KiB/s");
	assert_format(1e290, UNIT_S, "1e+290 s");
	assert_format(1e300, UNIT_S, "none"); /* too large in ns */
	assert_format(1e-300, UNIT_S, "1e-291 ns");
}

static void durations_show_their_two_largest_parts(void **state)
{
	static const struct {
		uint64_t ns;
		const char *want;
	} cases[] = {
		{ 0, "0 ns" },
		{ 250 * NS_PER_MS, "250 ms" },
		{ 31 * NS_PER_S, "31 s" },
		{ 31 * NS_PER_S + 271 * NS_PER_MS, "31.2 s" },
		{ 60 * NS_PER_S, "1 min" },
		{ 125 * NS_PER_S + 999 * NS_PER_MS, "2 min 5 s" },
		{ 11579 * NS_PER_S, "3 h 12 min" },
		{ 7200 * NS_PER_S, "2 h" },
		{ (8 * 86400 + 3600) * NS_PER_S, "8 d 1 h" },
		{ UINT64_MAX, "213503 d 23 h" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_fini) struct buf b = { 0 };

		duration_format(&b, cases[i].ns);
		assert_string_equal(buf_str(&b), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities_have_the_unit_they_are_written_in),
		cmocka_unit_test(a_quantity_ends_where_the_rest_begins),
		cmocka_unit_test(nonsense_is_no_quantity),
		cmocka_unit_test(units_convert_within_what_they_measure),
		cmocka_unit_test(rates_have_units),
		cmocka_unit_test(durations_need_a_unit_of_time),
		cmocka_unit_test(numbers_are_written_for_people),
		cmocka_unit_test(times_and_sizes_change_to_a_readable_unit),
		cmocka_unit_test(durations_show_their_two_largest_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
