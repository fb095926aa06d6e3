/* SPDX-License-Identifier: BSD-2-Clause */
/* A set that is loaded: who holds it, what is freed with it, what its expressions gave up. */
#include <stdlib.h>

#include "rule/formula.h"
#include "rule/rule_load.h"
#include "rule/rule_read.h"

static void rule_fini(struct rule *r)
{
	free(r->name);
	free(r->why);
	expr_free(r->where);
	expr_free(r->with_where);
	for (unsigned i = 0; i < r->judge.n_leaves; i++)
		formula_fini(&r->judge.leaves[i].value);
	for (unsigned i = 0; i < r->n_labels; i++) {
		free(r->labels[i].name);
		free(r->labels[i].value);
		template_free(r->labels[i].rendered);
	}
	free(r->labels);
	template_free(r->summary);
}

static void rule_set_fini(struct rule_set *set)
{
	for (unsigned i = 0; i < set->n_rules; i++)
		rule_fini(&set->rules[i]);
	for (unsigned i = 0; i < set->n_hooks; i++)
		hook_conf_fini(&set->hooks[i]);
	for (unsigned i = 0; i < set->n_files; i++)
		free(set->files[i]);
	free(set->rules);
	free(set->hooks);
	free(set->files);
	free(set->index);
	free(set);
}

const struct rule_set *rule_set_ref(const struct rule_set *set)
{
	if (set->refs)
		((struct rule_set *)set)->refs++;
	return set;
}

void rule_set_free(const struct rule_set *set)
{
	if (set && set->refs && --((struct rule_set *)set)->refs == 0)
		rule_set_fini((struct rule_set *)set);
}

uint64_t rule_given_up(const struct rule *r)
{
	uint64_t n = r->where ? expr_given_up(r->where) : 0;

	if (r->with_where)
		n += expr_given_up(r->with_where);
	for (unsigned i = 0; i < r->judge.n_leaves; i++) {
		const struct formula *f = &r->judge.leaves[i].value;

		for (unsigned j = 0; j < f->n_terms; j++)
			n += f->terms[j].where ? expr_given_up(f->terms[j].where) : 0;
	}
	return n;
}
