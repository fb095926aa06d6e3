/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/composite.h"

#include <string.h>

#include "engine/lifecycle.h"

static void remove_begin(struct member *m, unsigned i)
{
	m->n--;
	memmove(&m->begins[i], &m->begins[i + 1], (m->n - i) * sizeof(*m->begins));
}

/* The one that began first of those that do not fire, or else of all. */
static unsigned least_wanted(const struct member *m)
{
	unsigned best = 0;

	for (unsigned i = 1; i < m->n; i++) {
		const struct begin *a = &m->begins[i], *b = &m->begins[best];

		if (a->fires != b->fires ? b->fires : a->at_ns < b->at_ns)
			best = i;
	}
	return best;
}

static void forget_begin(struct member *m, unsigned i)
{
	m->unlisted += m->begins[i].fires;
	remove_begin(m, i);
}

void composite_begin(struct composite *c, unsigned member, uint64_t at_ns)
{
	struct member *m = &c->members[member];

	if (m->n == BEGINS_MAX)
		forget_begin(m, least_wanted(m));
	m->begins[m->n++] = (struct begin){ at_ns, true };
	if (at_ns > c->latest_ns)
		c->latest_ns = at_ns;
}

void composite_end(struct composite *c, unsigned member, uint64_t at_ns)
{
	struct member *m = &c->members[member];

	for (unsigned i = 0; i < m->n; i++) {
		if (m->begins[i].fires && m->begins[i].at_ns == at_ns) {
			m->begins[i].fires = false;
			return;
		}
	}
	if (m->unlisted)
		m->unlisted--;
}

unsigned composite_firing(const struct composite *c, unsigned member)
{
	const struct member *m = &c->members[member];
	unsigned n = m->unlisted;

	for (unsigned i = 0; i < m->n; i++)
		n += m->begins[i].fires;
	return n;
}

/*
 * Of the member's beginnings that count the one nearest after `from`, within until; for a sequence
 * that leaves the most room for those after it, and for the others any in there is right.
 */
static const struct begin *next_begin(const struct member *m, enum rule_kind kind, uint64_t from,
				      uint64_t until)
{
	const struct begin *best = NULL;

	for (unsigned i = 0; i < m->n; i++) {
		const struct begin *b = &m->begins[i];

		if (b->at_ns < from || b->at_ns > until || (kind == RULE_TOGETHER && !b->fires))
			continue;
		if (!best || b->at_ns < best->at_ns)
			best = b;
	}
	return best;
}

/* Is there one of each member from first_ns on? */
static bool try_from(const struct composite *c, const struct rule *rule, uint64_t first_ns,
		     struct composite_verdict *v)
{
	uint64_t from = first_ns;

	v->first_ns = first_ns;
	for (unsigned i = 0; i < rule->n_members; i++) {
		const struct begin *b =
			next_begin(&c->members[i], rule->kind, from, first_ns + rule->within_ns);

		if (!b)
			return false;
		v->begins_ns[i] = b->at_ns;
		if (rule->kind == RULE_SEQUENCE)
			from = b->at_ns;
	}
	return true;
}

struct composite_verdict composite_judge(const struct composite *c, const struct rule *rule)
{
	unsigned n_first = rule->kind == RULE_SEQUENCE ? 1 : rule->n_members;
	struct composite_verdict v = { 0 }, best = { 0 };

	/* The first may be any; the latest that works is the tightest, and so the one to show. */
	for (unsigned i = 0; i < n_first; i++) {
		for (unsigned k = 0; k < c->members[i].n; k++) {
			const struct begin *b = &c->members[i].begins[k];

			if (rule->kind == RULE_TOGETHER && !b->fires)
				continue;
			v.holds = try_from(c, rule, b->at_ns, &v);
			if (v.holds && (!best.holds || v.first_ns > best.first_ns))
				best = v;
		}
	}
	return best;
}

void composite_use(struct composite *c, const struct rule *rule,
		   const struct composite_verdict *verdict)
{
	if (rule->kind != RULE_SEQUENCE)
		return;
	for (unsigned i = 0; i < rule->n_members; i++) {
		struct member *m = &c->members[i];

		for (unsigned k = m->n; k-- > 0;)
			if (m->begins[k].at_ns <= verdict->begins_ns[i])
				forget_begin(m, k);
	}
}

bool composite_all_fire(const struct composite *c, const struct rule *rule)
{
	for (unsigned i = 0; i < rule->n_members; i++)
		if (composite_firing(c, i) == 0)
			return false;
	return true;
}

bool composite_idle(const struct composite *c, const struct rule *rule, uint64_t now_ns)
{
	for (unsigned i = 0; i < rule->n_members; i++)
		if (composite_firing(c, i) > 0)
			return false;
	return elapsed_ns(now_ns, c->latest_ns) > rule->within_ns;
}
