/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First what is as expected finds its alert; then what is left is put together with the nearest
 * alert of the same rule and state, so that the report can say in what they differ.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trial/rule_test_parts.h"
#include "util/printable.h"

#define SHOWN_MAX 200 /* characters of a value */

/* --- values ---------------------------------------------------------------------------------- */

static bool is_number(const char *json, double *ret)
{
	char *end;

	if (*json != '-' && (*json < '0' || *json > '9'))
		return false;
	*ret = strtod(json, &end);
	return *end == '\0';
}

/* Decimals of a number in a document go as far as the sixth. */
static bool same_number(double a, double b)
{
	return fabs(a - b) <= 1e-6 + 1e-9 * fabs(a);
}

static void decode(const char *json, struct buf *out)
{
	json_span_text(json, (struct json_span){ .len = strlen(json) }, out);
}

static bool same_value(const char *expected, const char *got)
{
	CLEANUP(buf_fini) struct buf a = { 0 };
	CLEANUP(buf_fini) struct buf b = { 0 };
	double x, y;

	if (is_number(expected, &x) && is_number(got, &y))
		return same_number(x, y);
	if ((*expected == '"') != (*got == '"'))
		return false;
	decode(expected, &a);
	decode(got, &b);
	return strcmp(buf_str(&a), buf_str(&b)) == 0;
}

/* The member as JSON, or what is said where there is none; the caller frees it. */
static char *member_of(const struct said_alert *s, const struct test_member *m)
{
	struct json_span span;

	if (!json_find(s->alert->doc, s->alert->doc_len, m->path, &span))
		return xstrdup("nothing");
	return xstrndup(s->alert->doc + span.at, span.len);
}

/* --- matching -------------------------------------------------------------------------------- */

static uint64_t distance_ns(const struct expectation *e, const struct said_alert *s)
{
	if (!e->has_at)
		return 0;
	return e->at_ns > s->at_ns ? e->at_ns - s->at_ns : s->at_ns - e->at_ns;
}

static unsigned differences(const struct expectation *e, const struct said_alert *s)
{
	unsigned n = distance_ns(e, s) > e->within_ns;

	for (unsigned i = 0; i < e->n_members; i++) {
		AUTO_FREE char *got = member_of(s, &e->members[i]);

		n += !same_value(e->members[i].value, got);
	}
	return n;
}

static bool alike(const struct expectation *e, const struct said_alert *s)
{
	return e->rule == s->rule && e->said == s->said;
}

struct matching {
	const struct expectation *expected;
	unsigned n_expected;
	const struct said_alert *said;
	unsigned n_said;
	struct engine *engine; /* to ask why something did not come, at now_ns */
	uint64_t now_ns;
	int *alert_of;	     /* of each expectation; -1: none */
	int *expectation_of; /* of each alert; -1: none */
};

static void take(struct matching *m, unsigned expectation, unsigned alert)
{
	m->alert_of[expectation] = (int)alert;
	m->expectation_of[alert] = (int)expectation;
}

static bool fits(const struct expectation *e, const struct said_alert *s)
{
	return alike(e, s) && differences(e, s) == 0;
}

/* Of several that fit the first one in time. */
static void match_first(struct matching *m)
{
	for (unsigned i = 0; i < m->n_expected; i++) {
		for (unsigned k = 0; k < m->n_said; k++) {
			if (m->expectation_of[k] >= 0 || !fits(&m->expected[i], &m->said[k]))
				continue;
			take(m, i, k);
			break;
		}
	}
}

/* A search for an augmenting path, breadth first. */
struct search {
	int *reached_by;     /* of each alert: an expectation that it fits; -1: not reached */
	unsigned *queue;     /* of expectations */
	unsigned head, n;    /* in queue */
	unsigned free_alert; /* the end of the path */
};

/* Goes on from an expectation to all alerts it fits; true if one of them is free. */
static bool reach(const struct matching *m, struct search *s, unsigned i)
{
	for (unsigned k = 0; k < m->n_said; k++) {
		if (s->reached_by[k] >= 0 || !fits(&m->expected[i], &m->said[k]))
			continue;
		s->reached_by[k] = (int)i;
		if (m->expectation_of[k] < 0) {
			s->free_alert = k;
			return true;
		}
		s->queue[s->n++] = (unsigned)m->expectation_of[k];
	}
	return false;
}

/* Each expectation on the path takes the alert that it reached, and leaves its own to the one before. */
static void take_path(struct matching *m, const struct search *s, unsigned start)
{
	unsigned k = s->free_alert, i;
	int left;

	do {
		i = (unsigned)s->reached_by[k];
		left = m->alert_of[i];
		take(m, i, k);
		k = (unsigned)left;
	} while (i != start);
}

static bool find_path(const struct matching *m, struct search *s, unsigned start)
{
	s->head = s->n = 0;
	s->queue[s->n++] = start;
	while (s->head < s->n)
		if (reach(m, s, s->queue[s->head++]))
			return true;
	return false;
}

static void forget_reached(const struct matching *m, struct search *s)
{
	for (unsigned k = 0; k < m->n_said; k++)
		s->reached_by[k] = -1;
}

/*
 * A maximum matching: those that are left over after match_first() make others take another alert.
 * What a search that failed has reached leads nowhere for later ones either, until one succeeds.
 */
static void match_exactly(struct matching *m)
{
	AUTO_FREE int *reached_by = xcalloc(m->n_said, sizeof(*reached_by));
	AUTO_FREE unsigned *queue = xcalloc((size_t)m->n_said + 1, sizeof(*queue));
	struct search s = { .reached_by = reached_by, .queue = queue };

	match_first(m);
	forget_reached(m, &s);
	for (unsigned i = 0; i < m->n_expected; i++) {
		if (m->alert_of[i] >= 0 || !find_path(m, &s, i))
			continue;
		take_path(m, &s, i);
		forget_reached(m, &s);
	}
}

static void match_nearest(struct matching *m, unsigned i)
{
	unsigned fewest = UINT32_MAX, best = 0;
	uint64_t nearest_ns = 0;

	for (unsigned k = 0; k < m->n_said; k++) {
		const struct said_alert *s = &m->said[k];
		unsigned n;
		uint64_t ns;

		if (m->expectation_of[k] >= 0 || !alike(&m->expected[i], s))
			continue;
		n = differences(&m->expected[i], s);
		ns = distance_ns(&m->expected[i], s);
		if (n > fewest || (n == fewest && ns >= nearest_ns))
			continue;
		fewest = n;
		nearest_ns = ns;
		best = k;
	}
	if (fewest != UINT32_MAX)
		take(m, i, best);
}

/* --- the report ------------------------------------------------------------------------------ */

static void write_time(uint64_t ns, struct buf *out)
{
	buf_addf(out, "%.6g s", (double)ns / (double)NS_PER_S);
}

static void write_shown(const char *text, struct buf *out)
{
	(void)printable_add(out, text, strlen(text), SHOWN_MAX, "?");
}

static void write_difference(const char *name, const char *expected, const char *got,
			     struct buf *out)
{
	buf_addf(out, "    %s\n      expected  ", name);
	write_shown(expected, out);
	buf_adds(out, "\n      got       ");
	write_shown(got, out);
	buf_addc(out, '\n');
}

static void write_time_difference(const struct expectation *e, const struct said_alert *s,
				  struct buf *out)
{
	CLEANUP(buf_fini) struct buf expected = { 0 };
	CLEANUP(buf_fini) struct buf got = { 0 };

	if (distance_ns(e, s) <= e->within_ns)
		return;
	write_time(e->at_ns, &expected);
	if (e->within_ns) {
		buf_adds(&expected, ", within ");
		write_time(e->within_ns, &expected);
	}
	write_time(s->at_ns, &got);
	write_difference("at", buf_str(&expected), buf_str(&got), out);
}

static void write_expectation(const struct expectation *e, struct buf *out)
{
	buf_addf(out, "  line %u: %s %s", e->line, e->rule->name, said_name(e->said));
	if (e->has_at) {
		buf_adds(out, " at ");
		write_time(e->at_ns, out);
	}
}

static void write_differences(const struct expectation *e, const struct said_alert *s,
			      struct buf *out)
{
	write_expectation(e, out);
	buf_adds(out, ": came otherwise\n");
	write_time_difference(e, s, out);
	for (unsigned i = 0; i < e->n_members; i++) {
		AUTO_FREE char *got = member_of(s, &e->members[i]);

		if (!same_value(e->members[i].value, got))
			write_difference(e->members[i].shown, e->members[i].value, got, out);
	}
}

static void write_unexpected(const struct said_alert *s, struct buf *out)
{
	buf_addf(out, "  not expected: %s %s at ", s->rule->name, said_name(s->said));
	write_time(s->at_ns, out);
	if (s->alert->key[0]) {
		buf_adds(out, ", ");
		write_shown(s->alert->key, out);
	}
	buf_adds(out, "\n    ");
	write_shown(s->alert->summary, out);
	buf_addc(out, '\n');
}

static bool said_anything(const struct matching *m, const struct rule *rule)
{
	for (unsigned k = 0; k < m->n_said; k++)
		if (m->said[k].rule == rule)
			return true;
	return false;
}

static bool report(struct matching *m, struct buf *out)
{
	bool ok = true;

	for (unsigned i = 0; i < m->n_expected; i++) {
		const struct expectation *e = &m->expected[i];

		if (m->alert_of[i] >= 0)
			continue;
		ok = false;
		match_nearest(m, i);
		if (m->alert_of[i] >= 0) {
			write_differences(e, &m->said[m->alert_of[i]], out);
		} else {
			write_expectation(e, out);
			buf_adds(out, ": did not come\n");
			if (e->said == SAID_FIRING && !said_anything(m, e->rule))
				test_why_not(m->engine, e->rule, m->now_ns, out);
		}
	}
	for (unsigned k = 0; k < m->n_said; k++) {
		if (m->expectation_of[k] >= 0)
			continue;
		ok = false;
		write_unexpected(&m->said[k], out);
	}
	return ok;
}

bool test_compare(const struct expectation *expected, unsigned n_expected,
		  const struct said_alert *said, unsigned n_said, struct engine *engine,
		  uint64_t now_ns, struct buf *out)
{
	AUTO_FREE int *alert_of = xcalloc(n_expected, sizeof(*alert_of));
	AUTO_FREE int *expectation_of = xcalloc(n_said, sizeof(*expectation_of));
	struct matching m = { expected, n_expected, said,     n_said,
			      engine,	now_ns,	    alert_of, expectation_of };

	for (unsigned i = 0; i < n_expected; i++)
		alert_of[i] = -1;
	for (unsigned k = 0; k < n_said; k++)
		expectation_of[k] = -1;
	match_exactly(&m);
	return report(&m, out);
}
