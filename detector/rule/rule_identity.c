/* SPDX-License-Identifier: BSD-2-Clause */
/* By names and texts, not by addresses, so that it is the same in each run and after each reload. */
#include <string.h>

#include "rule/rule_read.h"
#include "util/hash.h"

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
	return hash_bytes(hash, &number, sizeof(number));
}

static uint64_t mix_real(uint64_t hash, double number)
{
	return hash_bytes(hash, &number, sizeof(number));
}

/* With the NUL, so that what follows does not run into it. */
static uint64_t mix_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

static uint64_t mix_term(uint64_t hash, const struct term *t)
{
	hash = mix_number(hash, t->aggregate);
	hash = mix_number(hash, t->source);
	hash = mix_text(hash, t->field ? t->field->name : "");
	hash = expr_hash(t->where, hash);
	return mix_real(hash, t->quantile);
}

static uint64_t mix_formula(uint64_t hash, const struct formula *f)
{
	hash = mix_number(hash, f->n_terms);
	for (unsigned i = 0; i < f->n_terms; i++)
		hash = mix_term(hash, &f->terms[i]);
	hash = mix_number(hash, f->n_ops);
	for (unsigned i = 0; i < f->n_ops; i++) {
		hash = mix_number(hash, f->ops[i].code);
		hash = mix_number(hash, f->ops[i].term);
		hash = mix_real(hash, f->ops[i].number);
	}
	return hash;
}

static uint64_t mix_leaf(uint64_t hash, const struct leaf *l)
{
	hash = mix_formula(hash, &l->value);
	hash = mix_number(hash, l->window_ns);
	hash = mix_number(hash, l->change.ago_ns);
	hash = mix_number(hash, l->absent_ns > 0);
	hash = mix_number(hash, l->has_baseline);
	if (!l->has_baseline)
		return hash;
	hash = mix_number(hash, l->baseline.warm_up_ns);
	return mix_number(hash, l->baseline.half_life_ns);
}

static uint64_t mix_source(uint64_t hash, const struct event_type *type, const struct expr *where)
{
	hash = mix_text(hash, type ? type->name : "");
	return expr_hash(where, hash);
}

uint64_t rule_identity(const struct rule *r, const struct rule_set *set)
{
	uint64_t hash = mix_number(HASH_INIT, r->kind);

	for (unsigned i = 0; i < r->n_members; i++)
		hash = mix_text(hash, set->rules[r->members[i]].name);

	hash = mix_source(hash, r->on, r->where);
	hash = mix_source(hash, r->with, r->with_where);
	hash = mix_number(hash, r->n_by);
	for (unsigned i = 0; i < r->n_by; i++)
		hash = mix_text(hash, r->by[i]->name);
	hash = mix_number(hash, r->judge.n_leaves);
	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		hash = mix_leaf(hash, &r->judge.leaves[i]);
	return hash;
}
