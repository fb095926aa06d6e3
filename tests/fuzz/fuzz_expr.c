/* SPDX-License-Identifier: BSD-2-Clause */
/* The first byte picks the event type, the rest is a condition; it is matched with records made of
 * the same bytes. */
#include "rule/expr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(struct expr_error error, const char *text)
{
	require(error.offset <= strlen(text));
	require(error.message && *error.message);
	free(error.message);
}

static void check_match(const struct expr *e, const struct event *ev)
{
	bool match = expr_match(e, ev);
	enum truth some = expr_match_partly(e, ev, 0x5555555555555555);

	require(expr_match_partly(e, ev, UINT64_MAX) == (match ? TRUTH_TRUE : TRUTH_FALSE));
	require(expr_match_partly(e, NULL, 0) == TRUTH_MAYBE);
	require(some == TRUTH_MAYBE || some == (match ? TRUTH_TRUE : TRUTH_FALSE));
	for (unsigned i = 0; match && i < ev->type->n_fields; i++) {
		const struct field *f = &ev->type->fields[i];
		struct value v;

		event_get(ev, f, &v);
		if (f->type != FIELD_TEXT && f->type != FIELD_ADDR && !isnan(v.number))
			require(v.number >= expr_lower_bound(e, f) &&
				v.number <= expr_upper_bound(e, f));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expr_error error = { .message = NULL };
	unsigned n;
	const struct event_type *types = event_types(&n);
	const struct event_type *type = &types[size ? data[0] % n : 0];
	AUTO_FREE char *text = xstrndup(size ? (const char *)data + 1 : "", size ? size - 1 : 0);
	AUTO_FREE unsigned char *record = xcalloc(1, type->record_size);
	struct event ev = { .type = type, .record = record };
	struct expr *e = expr_parse(text, type, &error);

	if (!e) {
		check_error(error, text);
		return 0;
	}
	check_match(e, &ev);
	for (size_t i = 0; i < type->record_size; i++)
		record[i] = data[(i * 7) % size];
	check_match(e, &ev);
	expr_free(e);
	return 0;
}
