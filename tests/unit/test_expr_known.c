/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of events by the condition they satisfy, and of conditions by a part of an event. */
#include "expr_check.h"

#include <math.h>

static void assert_bound(const char *text, const char *field, double want)
{
	const struct event_type *type = event_type_find("syscall", 7);
	struct expr *e = parsed(text, "syscall");
	double bound = expr_lower_bound(e, event_field_find(type, field, strlen(field)));

	if (bound != want)
		fail_msg("%s: %g", text, bound);
	expr_free(e);
}

static void lower_bounds_follow_from_the_condition(void **state)
{
	(void)state;
	assert_bound("latency_ms > 10ms", "latency_ms", 10);
	assert_bound("latency_ms >= 1s", "latency_ms", 1000);
	assert_bound("latency_ms == 7", "latency_ms", 7);
	assert_bound("latency_ms in (30, 20, 25)", "latency_ms", 20);
	assert_bound("latency_ms < 10", "latency_ms", -INFINITY);
	assert_bound("latency_ms != 10", "latency_ms", -INFINITY);
	assert_bound("pid > 10", "latency_ms", -INFINITY);
	assert_bound("comm == 'x'", "latency_ms", -INFINITY);
	assert_bound("comm == 'x'", "comm", -INFINITY);
	assert_bound("latency_ms > 10 and latency_ms > 20 and pid > 3", "latency_ms", 20);
	assert_bound("latency_ms > 20 or latency_ms > 10", "latency_ms", 10);
	assert_bound("latency_ms > 20 or pid == 3", "latency_ms", -INFINITY);
	assert_bound("latency_ms > 5 and (latency_ms > 20 or pid == 3)", "latency_ms", 5);
	assert_bound("not latency_ms < 5", "latency_ms", 5);
	assert_bound("not (latency_ms <= 5 or pid == 3)", "latency_ms", 5);
	assert_bound("not (latency_ms < 5 and pid == 3)", "latency_ms", -INFINITY);
	assert_bound("not (latency_ms < 5 and latency_ms < 3)", "latency_ms", 3);
	assert_bound("not not latency_ms > 9", "latency_ms", 9);
	assert_bound("not latency_ms > 9", "latency_ms", -INFINITY);
	assert_bound("ret > -5 and pid == 1", "ret", -5);
	assert_bound("latency_ms > 1e305s", "latency_ms", INFINITY);
	assert_bound("latency_ms >= 0", "latency_ms", 0);
}

static void assert_upper_bound(const char *text, double want)
{
	const struct event_type *type = event_type_find("syscall", 7);
	struct expr *e = parsed(text, "syscall");
	double bound = expr_upper_bound(e, event_field_find(type, "latency_ms", 10));

	if (bound != want)
		fail_msg("%s: %g", text, bound);
	expr_free(e);
}

static void upper_bounds_follow_from_the_condition(void **state)
{
	(void)state;
	assert_upper_bound("latency_ms < 10ms", 10);
	assert_upper_bound("latency_ms in (30, 20, 25)", 30);
	assert_upper_bound("latency_ms > 10ms", INFINITY);
	assert_upper_bound("latency_ms < 5 and latency_ms <= 3 and pid == 1", 3);
	assert_upper_bound("latency_ms < 5 or latency_ms <= 7", 7);
	assert_upper_bound("latency_ms < 5 or pid == 1", INFINITY);
	assert_upper_bound("not (latency_ms >= 5 or pid == 3)", 5);
	assert_upper_bound("not latency_ms < 5", INFINITY);
}

static void collect_text(void *ctx, const struct expr_literal *l)
{
	const char *op = l->glob ? "like" : l->negated ? "!=" : "==";

	buf_addf(ctx, "%s %s %s at %zu; ", l->f->name, op, l->text, l->at);
}

static void texts_are_told_with_their_place(void **state)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	struct expr *e = parsed("comm in ('b', 'a') and not (comm != 'c' or comm == 'd') and "
				"comm like 'e' and pid == 1",
				"syscall");

	(void)state;
	expr_each_text(e, collect_text, &out);
	assert_string_equal(buf_str(&out), "comm == a at 14; comm == b at 9; comm == c at 36; "
					   "comm != d at 51; comm like e at 70; ");
	expr_free(e);
}

/*
 * Random conditions over three fields of three values each. The generator writes the text and, with
 * bitwise operations on a set of all 27 combinations, what it should mean.
 */
#define COMBINATIONS 27
#define EVERYTHING   ((1u << COMBINATIONS) - 1)

static const char *const names[] = { "a", "b", "c" };

static unsigned digit(unsigned combination, unsigned field)
{
	static const unsigned powers[] = { 1, 3, 9 };

	return combination / powers[field] % 3;
}

static struct ev_syscall combination_event(unsigned combination)
{
	struct ev_syscall record = {
		.pid = digit(combination, 0),
		.latency_ns = digit(combination, 1) * NS_PER_MS,
	};

	strcpy(record.comm, names[digit(combination, 2)]);
	return record;
}

static bool holds(unsigned field, unsigned op, unsigned value, unsigned operand)
{
	if (field == 2)
		return (value == operand) == (op % 2 == 0);
	switch (op) {
	case 0:
		return value == operand;
	case 1:
		return value != operand;
	case 2:
		return value < operand;
	case 3:
		return value <= operand;
	case 4:
		return value > operand;
	default:
		return value >= operand;
	}
}

static uint32_t random_comparison(struct buf *text)
{
	static const char *const fields[] = { "pid", "latency_ms", "comm" };
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	unsigned field = (unsigned)rand() % 3, op = (unsigned)rand() % (field == 2 ? 2 : 6);
	unsigned operand = (unsigned)rand() % 3;
	uint32_t set = 0;

	if (field == 2)
		buf_addf(text, "comm %s '%s'", ops[op], names[operand]);
	else
		buf_addf(text, "%s %s %u", fields[field], ops[op], operand);
	for (unsigned i = 0; i < COMBINATIONS; i++)
		if (holds(field, op, digit(i, field), operand))
			set |= 1u << i;
	return set;
}

static uint32_t random_condition(struct buf *text, int depth)
{
	int kind = depth == 0 ? 0 : rand() % 4;
	uint32_t left, right;

	if (kind == 0)
		return random_comparison(text);
	if (kind == 1) {
		buf_adds(text, "not (");
		left = ~random_condition(text, depth - 1) & EVERYTHING;
		buf_adds(text, ")");
		return left;
	}
	buf_adds(text, "(");
	left = random_condition(text, depth - 1);
	buf_adds(text, kind == 2 ? ") and (" : ") or (");
	right = random_condition(text, depth - 1);
	buf_adds(text, ")");
	return kind == 2 ? left & right : left | right;
}

/* All combinations that agree with this one in the known fields. */
static uint32_t completions(unsigned combination, unsigned known)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < COMBINATIONS; i++) {
		bool agrees = true;

		for (unsigned f = 0; f < 3; f++)
			agrees &= !(known >> f & 1) || digit(i, f) == digit(combination, f);
		set |= (uint32_t)agrees << i;
	}
	return set;
}

static uint64_t known_mask(const struct event_type *type, unsigned known)
{
	static const char *const fields[] = { "pid", "latency_ms", "comm" };
	uint64_t mask = 0;

	for (unsigned f = 0; f < 3; f++) {
		const struct field *field = event_field_find(type, fields[f], strlen(fields[f]));

		if (known >> f & 1)
			mask |= 1ull << event_field_index(type, field);
	}
	return mask;
}

static void check_partly(const struct expr *e, const struct event *ev, unsigned combination,
			 uint32_t set)
{
	for (unsigned known = 0; known < 8; known++) {
		uint32_t all = completions(combination, known);
		enum truth t = expr_match_partly(e, known ? ev : NULL, known_mask(ev->type, known));

		assert_false(t == TRUTH_FALSE && (set & all));
		assert_false(t == TRUTH_TRUE && (set & all) != all);
		assert_false(t == TRUTH_MAYBE && known == 7);
	}
}

static void random_conditions_mean_what_they_say(void **state)
{
	const struct field *latency =
		event_field_find(event_type_find("syscall", 7), "latency_ms", 10);

	unsigned n_excluded = 0;

	(void)state;
	srand(7);
	for (int round = 0; round < 1500; round++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		uint32_t set = random_condition(&text, 4);
		struct expr *e = parsed(buf_str(&text), "syscall");
		double least = expr_lower_bound(e, latency), most = expr_upper_bound(e, latency);

		if (set && expr_excluded_field(e, event_type_find("syscall", 7)))
			fail_msg("%s: said to exclude all", buf_str(&text));
		n_excluded += expr_excluded_field(e, event_type_find("syscall", 7)) != NULL;
		for (unsigned i = 0; i < COMBINATIONS; i++) {
			struct ev_syscall record = combination_event(i);
			struct event ev = event_of("syscall", &record);

			if (expr_match(e, &ev) != (set >> i & 1))
				fail_msg("%s: wrong for %u", buf_str(&text), i);
			if ((set >> i & 1) && (digit(i, 1) < least || digit(i, 1) > most))
				fail_msg("%s: bounds %g %g", buf_str(&text), least, most);
			check_partly(e, &ev, i, set);
		}
		expr_free(e);
	}
	assert_true(n_excluded > 10);
}

static void unknown_fields_are_maybe(void **state)
{
	const struct event_type *type = event_type_find("syscall", 7);
	uint64_t pid = 1ull << event_field_index(type, event_field_find(type, "pid", 3));
	struct event ev = event_of("syscall", &call);
	struct expr *e = parsed("pid == 1 and comm == 'x'", "syscall");

	(void)state;
	assert_int_equal(expr_match_partly(e, NULL, 0), TRUTH_MAYBE);
	assert_int_equal(expr_match_partly(e, &ev, pid), TRUTH_FALSE);
	expr_free(e);
	e = parsed("pid == 812 or comm == 'x'", "syscall");
	assert_int_equal(expr_match_partly(e, &ev, pid), TRUTH_TRUE);
	expr_free(e);
	e = parsed("not (pid == 812 and comm == 'x')", "syscall");
	assert_int_equal(expr_match_partly(e, &ev, pid), TRUTH_MAYBE);
	expr_free(e);
	expr_free(NULL);
}

static void field_indices_fit_the_mask_of_known_fields(void **state)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	(void)state;
	for (unsigned i = 0; i < n; i++)
		assert_in_range(types[i].n_fields, 1, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lower_bounds_follow_from_the_condition),
		cmocka_unit_test(upper_bounds_follow_from_the_condition),
		cmocka_unit_test(texts_are_told_with_their_place),
		cmocka_unit_test(random_conditions_mean_what_they_say),
		cmocka_unit_test(unknown_fields_are_maybe),
		cmocka_unit_test(field_indices_fit_the_mask_of_known_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
