/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/formula.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct event_type *source(const char *name)
{
	return event_type_find(name, strlen(name));
}

static struct expr_item ports[] = { { .number = 80 }, { .number = 443 } };
static struct expr_list lists[] = { { .name = "web", .items = ports, .n = 2 } };
static struct expr_macro macros[] = { { .name = "failed", .text = "ret < 0" } };
static struct expr_names names = { lists, 1, macros, 1 };

static struct formula parsed(const char *text, const char *on, const char *with)
{
	const struct formula_scope scope = { source(on), with ? source(with) : NULL, &names };
	struct expr_error error = { 0 };
	struct formula f;

	if (!formula_parse(text, &scope, &f, &error))
		fail_msg("%s: %s", text, error.message);
	assert_string_equal(f.text, text);
	return f;
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
		{ "count( )", AGGREGATE_COUNT, NULL, UNIT_COUNT, 0 },
		{ "rate()", AGGREGATE_RATE, NULL, UNIT_PER_S, 0 },
		{ "rate(wakeups)", AGGREGATE_RATE, "wakeups", UNIT_PER_S, 0 },
		{ "rate(cpu_time_ms)", AGGREGATE_RATE, "cpu_time_ms", UNIT_MS_PER_S, 0 },
		{ "sum(cpu_time_ms)", AGGREGATE_SUM, "cpu_time_ms", UNIT_MS, 0 },
		{ "avg(wakeups)", AGGREGATE_AVG, "wakeups", UNIT_COUNT, 0 },
		{ "min(wakeups)", AGGREGATE_MIN, "wakeups", UNIT_COUNT, 0 },
		{ "max(avg_timeslice_us)", AGGREGATE_MAX, "avg_timeslice_us", UNIT_US, 0 },
		{ "stddev(avg_timeslice_us)", AGGREGATE_STDDEV, "avg_timeslice_us", UNIT_US, 0 },
		{ "last(wakeups)", AGGREGATE_LAST, "wakeups", UNIT_COUNT, 0 },
		{ "distinct(comm)", AGGREGATE_DISTINCT, "comm", UNIT_COUNT, 0 },
		{ "distinct(cpu_time_ms)", AGGREGATE_DISTINCT, "cpu_time_ms", UNIT_COUNT, 0 },
		{ "distinct(ppid)", AGGREGATE_DISTINCT, "ppid", UNIT_COUNT, 0 },
		{ "p50(wakeups)", AGGREGATE_QUANTILE, "wakeups", UNIT_COUNT, 0.5 },
		{ "p99.9(cpu_time_ms)", AGGREGATE_QUANTILE, "cpu_time_ms", UNIT_MS, 0.999 },
		{ "quantile(wakeups, 0.25)", AGGREGATE_QUANTILE, "wakeups", UNIT_COUNT, 0.25 },
		{ "  quantile ( wakeups ,0.25 ) ", AGGREGATE_QUANTILE, "wakeups", UNIT_COUNT,
		  0.25 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct formula f = parsed(cases[i].text, "sched", NULL);
		const struct term *t = &f.terms[0];

		assert_int_equal(f.n_terms, 1);
		assert_true(formula_is_term(&f));
		assert_int_equal(formula_is_windowed(&f), cases[i].aggregate != AGGREGATE_NONE);
		assert_int_equal(t->aggregate, cases[i].aggregate);
		assert_int_equal(t->source, 0);
		assert_null(t->where);
		assert_int_equal(f.unit, cases[i].unit);
		assert_float_equal(t->quantile, cases[i].quantile, 1e-12);
		if (cases[i].field)
			assert_string_equal(t->field->name, cases[i].field);
		else
			assert_null(t->field);
		formula_fini(&f);
	}
}

/* The value of a formula of which term i has the value values[i]. */
static double computed(const struct formula *f, const double *values)
{
	double stack[OPS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < f->n_ops; i++) {
		const struct op *op = &f->ops[i];

		if (op->code == OP_TERM) {
			stack[n++] = values[op->term];
		} else if (op->code == OP_NUMBER) {
			stack[n++] = op->number;
		} else if (op->code == OP_NEGATE) {
			stack[n - 1] = -stack[n - 1];
		} else {
			double right = stack[--n], *left = &stack[n - 1];

			assert_true(n > 0);
			*left = op->code == OP_ADD   ? *left + right
				: op->code == OP_SUB ? *left - right
				: op->code == OP_MUL ? *left * right
						     : *left / right;
		}
	}
	assert_int_equal(n, 1);
	return stack[0];
}

struct computed_case {
	const char *text; /* a formula of source sched */
	double value;
	enum unit unit;
};

static void assert_computed(const struct computed_case *c, const double *values)
{
	struct formula f = parsed(c->text, "sched", NULL);

	assert_float_equal(computed(&f, values), c->value, 1e-9);
	if (f.unit != c->unit)
		fail_msg("%s: unit %d", c->text, f.unit);
	formula_fini(&f);
}

static void steps_follow_the_usual_precedence(void **state)
{
	static const double values[] = { 7, 3, 2 };
	static const struct computed_case cases[] = {
		{ "0 + count() + 3 * min(wakeups)", 16, UNIT_COUNT },
		{ "2 * 3 + count() * max(wakeups)", 27, UNIT_NONE },
		{ "(count() + max(wakeups)) * min(wakeups)", 20, UNIT_NONE },
		{ "count() - max(wakeups) - min(wakeups)", 2, UNIT_COUNT },
		{ "count() / max(wakeups) / min(wakeups)", 7.0 / 3 / 2, UNIT_NONE },
		{ "-count() - -max(wakeups)", -4, UNIT_COUNT },
		{ "--count()", 7, UNIT_COUNT },
		{ "2-count()", -5, UNIT_COUNT },
		{ "100/count()", 100.0 / 7, UNIT_NONE },
		{ "1e2 * count()", 700, UNIT_COUNT },
		{ "count() + count() + max(wakeups)", 17, UNIT_COUNT },
		{ "100 * (count() - max(wakeups)) / count()", 400.0 / 7, UNIT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_computed(&cases[i], values);
}

static void units_are_joined_and_converted(void **state)
{
	static const double values[] = { 6, 3000 };
	static const struct computed_case cases[] = {
		/* the first term in ms, the second in us */
		{ "sum(cpu_time_ms) + sum(avg_timeslice_us)", 9, UNIT_MS },
		{ "sum(cpu_time_ms) / sum(avg_timeslice_us)", 2, UNIT_NONE },
		{ "sum(cpu_time_ms) - 2ms", 4, UNIT_MS },
		{ "sum(cpu_time_ms) - 1s", -994, UNIT_MS },
		{ "sum(cpu_time_ms) + 1", 7, UNIT_MS },
		{ "2 * sum(cpu_time_ms)", 12, UNIT_MS },
		{ "sum(cpu_time_ms) / 2", 3, UNIT_MS },
		{ "2 / sum(cpu_time_ms)", 2.0 / 6, UNIT_NONE },
		{ "sum(cpu_time_ms) * sum(cpu_time_ms)", 36, UNIT_NONE },
		{ "sum(cpu_time_ms) / count()", 6.0 / 3000, UNIT_MS },
		{ "rate(cpu_time_ms) / 1000", 0.006, UNIT_MS_PER_S },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_computed(&cases[i], values);
}

static void a_share_is_a_quotient_without_a_unit(void **state)
{
	struct formula f = parsed("count(ret < 0) / count()", "syscall", NULL);

	(void)state;
	assert_true(formula_is_share(&f));
	formula_fini(&f);
	f = parsed("sum(latency_ms) / count()", "syscall", NULL);
	assert_false(formula_is_share(&f));
	formula_fini(&f);
	f = parsed("ret", "syscall", NULL);
	assert_false(formula_is_share(&f));
	assert_true(formula_is_term(&f));
	formula_fini(&f);
}

static void a_rate_of_times_is_brought_to_ms(void **state)
{
	struct formula f = parsed("rate(avg_timeslice_us) + rate(cpu_time_ms)", "sched", NULL);

	(void)state;
	assert_float_equal(f.terms[0].scale, 0.001, 1e-12);
	assert_float_equal(f.terms[1].scale, 1, 1e-12);
	assert_int_equal(f.n_ops, 3);
	formula_fini(&f);
}

static void terms_may_have_conditions(void **state)
{
	struct ev_syscall bad = { .ret = -5, .comm = "a)b" }, good = { .ret = 3 };
	const struct event fails = { .type = source("syscall"), .record = &bad };
	const struct event works = { .type = source("syscall"), .record = &good };
	static const char *const texts[] = {
		"count(ret < 0)",
		"rate( (ret < 0 or ret == 7) and not (pid == 3) )",
		"count(comm == 'a)b')",
		"count(failed)",
		"rate(not failed) + count(failed)",
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct formula f = parsed(texts[i], "syscall", NULL);

		assert_true(expr_match(f.terms[0].where, &fails));
		assert_false(expr_match(f.terms[0].where, &works));
		formula_fini(&f);
	}
}

static void terms_may_be_of_the_second_source(void **state)
{
	struct formula f = parsed("count() / count(sched) + sum(sched.wakeups) / rate(sched) + "
				  "distinct(sched.comm) / max(sched.context_switches)",
				  "syscall", "sched");

	(void)state;
	assert_int_equal(f.n_terms, 6);
	assert_int_equal(f.terms[0].source, 0);
	for (unsigned i = 1; i < 6; i++)
		assert_int_equal(f.terms[i].source, 1);
	assert_null(f.terms[1].field);
	assert_ptr_equal(f.terms[2].field, event_field_find(source("sched"), "wakeups", 7));
	assert_null(f.terms[3].field);
	assert_int_equal(f.terms[4].aggregate, AGGREGATE_DISTINCT);
	formula_fini(&f);
}

static void fields_of_one_event_may_be_computed(void **state)
{
	struct formula f = parsed("voluntary_switches - involuntary_switches", "sched", NULL);

	(void)state;
	assert_false(formula_is_windowed(&f));
	assert_false(formula_is_term(&f));
	assert_int_equal(f.unit, UNIT_COUNT);
	formula_fini(&f);
}

static void mistakes_are_found_at_their_place(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *message; /* how it begins */
	} cases[] = {
		{ "", 0, "expected a field, or a function" },
		{ "(latency_ms", 11, "expected ')'" },
		{ "latency", 0,
		  "no value \"latency\" in source syscall; did you mean \"latency_ms\"?" },
		{ "pid", 0, "\"pid\" of source syscall is no value" },
		{ "max(comm)", 4, "\"comm\" of source syscall is no value" },
		{ " maxx(ret)", 1, "no function \"maxx\"; did you mean \"max\"?" },
		{ "count(ret)", 6, "count() takes no field" },
		{ "count(ret <)", 11, "found the end" },
		{ "count(ret < 0", 13, "expected ')'" },
		{ "max(ret", 7, "expected ')'" },
		{ "max()", 4, "expected a field" },
		{ "max(ret) > 5", 9, "expected + - * / or the end" },
		{ "max(max(ret))", 4, "no value \"max\"" },
		{ "p0(ret)", 0, "a percentile" },
		{ "p100(ret)", 0, "a percentile" },
		{ "p9x(ret)", 0, "a percentile" },
		{ "p0x1(ret)", 0, "a percentile" },
		{ "p99", 0, "p99 is a function; write p99(latency_ms)" },
		{ "quantile(ret)", 12, "expected ','" },
		{ "quantile(ret, 1)", 14, "a quantile" },
		{ "quantile(ret, nan)", 14, "a quantile" },
		{ "quantile(ret, -0.5)", 14, "a quantile" },
		{ "quantile(ret, 0.5s)", 14, "a quantile" },
		{ "max\xff(ret)", 0, "max is a function; write max(latency_ms)" },
		{ "7", 0, "nothing is measured" },
		{ "count() + 7x", 10, "\"7x\" is no number" },
		{ "count() + latency_ms", 10, "a field by itself" },
		{ "count() + max(latency_ms)", 8, "'+' between a count and ms" },
		{ "count(sched)", 6, "sched is not a source of this rule" },
		{ "sum(sched.wakeups)", 4, "sched is not a source of this rule" },
		{ "(((((((((((((((((count())))))))))))))))))", 17, "nested deeper" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct formula_scope scope = { .on = source("syscall") };
		struct expr_error error = { 0 };
		struct formula f;

		assert_false(formula_parse(cases[i].text, &scope, &f, &error));
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
		cmocka_unit_test(steps_follow_the_usual_precedence),
		cmocka_unit_test(units_are_joined_and_converted),
		cmocka_unit_test(a_share_is_a_quotient_without_a_unit),
		cmocka_unit_test(a_rate_of_times_is_brought_to_ms),
		cmocka_unit_test(terms_may_have_conditions),
		cmocka_unit_test(terms_may_be_of_the_second_source),
		cmocka_unit_test(fields_of_one_event_may_be_computed),
		cmocka_unit_test(mistakes_are_found_at_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
