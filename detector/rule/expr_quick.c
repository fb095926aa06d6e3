/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A comparison of a number is monotonic in what is stored, so it holds in a range of that, whose ends
 * are found by bisection with the description of the field. Stored numbers are compared without
 * sign, those with one after their highest bit was turned over.
 */
#include "rule/expr_quick.h"

#include <stdlib.h>
#include <string.h>

#include "rule/expr_tree.h"

#define TEXT_MAX 64

enum test_kind { TEST_NEVER, TEST_RANGE, TEST_TEXT };

struct test {
	enum test_kind kind;
	unsigned offset, size;
	uint64_t turned; /* RANGE: the highest bit, of a number with a sign */
	uint64_t low, span;
	/* TEXT: its words, with the NUL that ends it unless it fills the member; other bytes are 0 in
	 * the mask */
	unsigned n_words;
	uint64_t words[TEXT_MAX / 8], mask[TEXT_MAX / 8];
};

struct expr_quick {
	const struct expr *whole; /* NULL: the tests say all */
	unsigned n;
	struct test tests[];
};

/* --- preparing -------------------------------------------------------------------------------- */

/* The value of the field, stored as a number that sorts like it. */
static double shown(const struct event_type *type, const struct field *f, uint64_t turned,
		    uint64_t sorted)
{
	AUTO_FREE unsigned char *record = xcalloc(1, type->record_size);
	struct event ev = { .type = type, .record = record };
	uint64_t raw = sorted ^ turned;
	uint32_t raw32 = (uint32_t)raw;
	uint16_t raw16 = (uint16_t)raw;
	struct value v;

	memcpy(record + f->offset,
	       f->size == 8 ? (void *)&raw : (f->size == 4 ? (void *)&raw32 : (void *)&raw16),
	       f->size);
	event_get(&ev, f, &v);
	return v.number;
}

struct range_search {
	const struct event_type *type;
	const struct field *field;
	uint64_t turned;
	uint64_t last; /* the greatest that is stored of a value that is there */
};

/* How many of the stored numbers, from the lowest on, are below the limit, or at most that; the
 * greatest of all counts as one less. */
static uint64_t count_below(const struct range_search *s, double limit, bool or_equal)
{
	uint64_t low = 0, high = s->last;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		double number = shown(s->type, s->field, s->turned, middle);

		if (number < limit || (or_equal && number == limit))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_below(const struct range_search *s, uint64_t sorted, double limit, bool or_equal)
{
	double number = shown(s->type, s->field, s->turned, sorted);

	return number < limit || (or_equal && number == limit);
}

/* [first, end): those that are at least (beyond) the one limit and at most (below) the other. */
static void set_range(struct test *t, const struct range_search *s, const struct expr *e)
{
	double limit = e->numbers[0];
	bool from = e->op == EXPR_GT || e->op == EXPR_GE || e->op == EXPR_IN;
	bool to = e->op == EXPR_LT || e->op == EXPR_LE || e->op == EXPR_IN;
	uint64_t low = 0, high = s->last;

	if (from) {
		low = count_below(s, limit, e->op == EXPR_GT);
		if (is_below(s, low, limit, e->op == EXPR_GT))
			return; /* all are */
	}
	if (to) {
		uint64_t n = count_below(s, limit, e->op != EXPR_LT);

		if (!is_below(s, n, limit, e->op != EXPR_LT)) {
			if (n == 0)
				return; /* none is */
			high = n - 1;
		}
	}
	if (low > high)
		return;
	t->kind = TEST_RANGE;
	t->low = low;
	t->span = high - low;
}

static bool number_test(struct test *t, const struct event_type *type, const struct expr *e)
{
	const struct field *f = e->field;
	struct range_search s = { .type = type, .field = f };

	if (f->size != 2 && f->size != 4 && f->size != 8)
		return false;
	s.turned = f->type == FIELD_INT ? 1ull << (8 * f->size - 1) : 0;
	s.last = f->size == 8 ? UINT64_MAX : (1ull << (8 * f->size)) - 1;
	if (f->size == 8 && f->type != FIELD_INT)
		s.last--; /* NOT_MEASURED */
	t->turned = s.turned;
	set_range(t, &s, e);
	return true;
}

static bool text_test(struct test *t, const struct expr *e)
{
	const struct expr_text *text = &e->texts[0];

	size_t size = e->field->size;

	if (e->op != EXPR_IN || memchr(text->bytes, '\0', text->len) || size > TEXT_MAX || size % 8)
		return false;
	if (text->len > size)
		return true;
	t->kind = TEST_TEXT;
	t->n_words = (unsigned)(text->len / 8 + (text->len < size));
	memcpy(t->words, text->bytes, text->len);
	memset(t->mask, 0xff, text->len < size ? text->len + 1 : size);
	return true;
}

/* False if the comparison is none that can be tried so. Signed 32-bit members are not read as such
 * by event_get(). */
static bool make_test(struct test *t, const struct event_type *type, const struct expr *e)
{
	if (e->args || e->negated || e->field->derive || e->n != 1)
		return false;
	if (e->field->type == FIELD_INT && e->field->size != 8)
		return false;
	*t = (struct test){ .kind = TEST_NEVER,
			    .offset = e->field->offset,
			    .size = e->field->size };
	if (e->numbers)
		return number_test(t, type, e);
	return e->texts && text_test(t, e);
}

static void add(struct expr_quick *q, const struct event_type *type, const struct expr *e)
{
	if (make_test(&q->tests[q->n], type, e))
		q->n++;
	else
		q->whole = e;
}

struct expr_quick *expr_quick_new(const struct expr *e, const struct event_type *type)
{
	unsigned n = e && e->op == EXPR_AND ? e->n : 1;
	struct expr_quick *q;

	if (!e)
		return NULL;
	q = xcalloc(1, sizeof(*q) + n * sizeof(q->tests[0]));
	if (e->op != EXPR_AND) {
		add(q, type, e);
		return q;
	}
	for (unsigned i = 0; i < n; i++)
		add(q, type, e->args[i]);
	if (q->whole)
		q->whole = e;
	return q;
}

void expr_quick_free(struct expr_quick *q)
{
	free(q);
}

/* --- matching --------------------------------------------------------------------------------- */

static bool in_range(const struct test *t, const unsigned char *at)
{
	uint64_t raw = 0;

	if (t->size == 8) {
		memcpy(&raw, at, 8);
	} else if (t->size == 4) {
		uint32_t raw32;

		memcpy(&raw32, at, 4);
		raw = raw32;
	} else {
		uint16_t raw16;

		memcpy(&raw16, at, 2);
		raw = raw16;
	}
	return (raw ^ t->turned) - t->low <= t->span;
}

static bool same_text(const struct test *t, const unsigned char *at)
{
	for (unsigned i = 0; i < t->n_words; i++) {
		uint64_t word;

		memcpy(&word, at + 8 * i, 8);
		if ((word & t->mask[i]) != t->words[i])
			return false;
	}
	return true;
}

bool expr_quick_match(const struct expr_quick *q, const struct event *ev)
{
	const unsigned char *record = ev->record;

	for (unsigned i = 0; q && i < q->n; i++) {
		const struct test *t = &q->tests[i];

		if (t->kind == TEST_RANGE
			    ? !in_range(t, record + t->offset)
			    : t->kind == TEST_NEVER || !same_text(t, record + t->offset))
			return false;
	}
	return !q || !q->whole || expr_match(q->whole, ev);
}
