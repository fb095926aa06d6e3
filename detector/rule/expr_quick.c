/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A comparison of a number is monotonic in what is stored, so it holds in a range of that, whose ends
 * are found by bisection with the description of the field. Stored numbers are compared without
 * sign, those with one after their highest bit was turned over. A text is compared as numbers of
 * eight bytes, with the NUL that ends it unless it fills the member.
 */
#include "rule/expr_quick.h"

#include <stdlib.h>
#include <string.h>

#include "rule/expr_tree.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "low bytes of a word come first");

#define TEXT_MAX   64
#define TEST_NEVER ((struct quick_test){ .low = 1 })

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
	uint64_t first, last; /* stored of values that are there */
};

/* The first of the stored numbers that is not below the limit, or at most that; the last, if none is. */
static uint64_t first_not_below(const struct range_search *s, double limit, bool or_equal)
{
	uint64_t low = s->first, high = s->last;

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

/* Those that are at least (beyond) the one limit and at most (below) the other. */
static void set_range(struct quick_test *t, const struct range_search *s, const struct expr *e)
{
	double limit = e->numbers[0];
	bool from = e->op == EXPR_GT || e->op == EXPR_GE || e->op == EXPR_IN;
	bool to = e->op == EXPR_LT || e->op == EXPR_LE || e->op == EXPR_IN;
	uint64_t low = s->first, high = s->last;

	if (from) {
		low = first_not_below(s, limit, e->op == EXPR_GT);
		if (is_below(s, low, limit, e->op == EXPR_GT))
			return; /* all are */
	}
	if (to) {
		uint64_t end = first_not_below(s, limit, e->op != EXPR_LT);

		if (!is_below(s, end, limit, e->op != EXPR_LT)) {
			if (end == s->first)
				return; /* none is */
			high = end - 1;
		}
	}
	if (low > high)
		return;
	t->mask = s->field->size == 8 ? UINT64_MAX : (1ull << (8 * s->field->size)) - 1;
	t->turned = s->turned;
	t->low = low;
	t->span = high - low;
}

/* A test of the eight bytes at that offset; of a member at the end of the record they begin before it. */
static struct quick_test never_at(const struct event_type *type, unsigned offset)
{
	struct quick_test t = TEST_NEVER;
	unsigned last = (unsigned)type->record_size - 8;

	t.offset = offset < last ? offset : last;
	t.shift = 8 * (offset - t.offset);
	return t;
}

static bool add_number(struct expr_quick *q, const struct event_type *type, const struct expr *e)
{
	const struct field *f = e->field;
	struct range_search s = { .type = type, .field = f };
	struct quick_test *t = &q->tests[q->n];

	if (f->size != 2 && f->size != 4 && f->size != 8)
		return false;
	s.turned = f->type == FIELD_INT ? 1ull << (8 * f->size - 1) : 0;
	s.last = f->size == 8 ? UINT64_MAX : (1ull << (8 * f->size)) - 1;
	/* NOT_MEASURED_SIGNED, NOT_MEASURED */
	s.first = f->size == 8 && f->type == FIELD_INT;
	s.last -= f->size == 8 && f->type != FIELD_INT;
	*t = never_at(type, f->offset);
	set_range(t, &s, e);
	q->n++;
	return true;
}

static bool add_text(struct expr_quick *q, const struct event_type *type, const struct expr *e)
{
	const struct expr_text *text = &e->texts[0];
	size_t size = e->field->size, len = text->len + (text->len < size);
	unsigned char bytes[TEXT_MAX] = { 0 }, mask[TEXT_MAX] = { 0 };

	if (e->op != EXPR_IN || memchr(text->bytes, '\0', text->len) || size > TEXT_MAX || size % 8)
		return false;
	if (text->len > size) {
		q->tests[q->n++] = TEST_NEVER;
		return true;
	}
	memcpy(bytes, text->bytes, text->len);
	memset(mask, 0xff, len);
	for (unsigned at = 0; at < len; at += 8) {
		struct quick_test *t = &q->tests[q->n++];

		*t = never_at(type, e->field->offset + at);
		memcpy(&t->low, bytes + at, 8);
		memcpy(&t->mask, mask + at, 8);
	}
	return true;
}

/* False if the comparison is none that can be tried so. The sign of smaller members is left to
 * event_get(). */
static bool add_tests(struct expr_quick *q, const struct event_type *type, const struct expr *e)
{
	if (e->args || e->negated || e->field->derive || e->n != 1)
		return false;
	if (e->field->type == FIELD_INT && e->field->size != 8)
		return false;
	if (e->numbers)
		return add_number(q, type, e);
	return e->texts && add_text(q, type, e);
}

struct expr_quick *expr_quick_new(const struct expr *e, const struct event_type *type)
{
	unsigned n_parts = e && e->op == EXPR_AND ? e->n : 1;
	struct expr_quick *q;

	if (!e)
		return NULL;
	q = xcalloc(1, sizeof(*q) + n_parts * (TEXT_MAX / 8) * sizeof(q->tests[0]));
	for (unsigned i = 0; i < n_parts; i++)
		if (!add_tests(q, type, e->op == EXPR_AND ? e->args[i] : e))
			q->whole = e;
	return xrealloc(q, 1, sizeof(*q) + q->n * sizeof(q->tests[0]));
}

void expr_quick_free(struct expr_quick *q)
{
	free(q);
}
