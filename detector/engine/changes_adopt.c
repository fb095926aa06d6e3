/* SPDX-License-Identifier: BSD-2-Clause */
/* The alerts of an engine go over to another. */
#include "engine/changes_parts.h"
#include "engine/composites.h"

/* The rules that it points to are those of the new set now. */
static void move_transition(struct transition *t, const struct rule_set *to,
			    const struct rule_set *from, const unsigned *heirs)
{
	const struct when *before;

	if (!t)
		return;
	before = &t->rule->judge;
	t->rule = &to->rules[heirs[t->rule - from->rules]];
	if (t->leaf)
		t->leaf = &t->rule->judge.leaves[t->leaf - before->leaves];
	for (unsigned i = 0; i < t->n_conditions; i++)
		t->conditions[i].leaf =
			&t->rule->judge.leaves[t->conditions[i].leaf - before->leaves];
	for (unsigned i = 0; i < t->n_members; i++)
		t->members[i].rule = &to->rules[t->rule->members[i]];
}

static void move_standing(struct changes *to, struct changes *from, struct standing *s,
			  const unsigned *heirs)
{
	const struct rule_set *new_set = to->shared->conf.rules;
	const struct rule_set *old_set = from->shared->conf.rules;

	standing_take_out(from, s);
	if (to->rules[heirs[s->rule]].flap.changes != from->rules[s->rule].flap.changes)
		flap_forget(&s->flap);
	s->rule = heirs[s->rule];
	move_transition(s->latest, new_set, old_set, heirs);
	move_transition(s->first, new_set, old_set, heirs);
	standing_put_in(to, s);
	if (s->up) {
		inhibition_begin(to->inhibition, s->rule, s->latest->key);
		composites_know(to->composites, s->rule, s->latest->key, s->began_ns);
	}
}

void changes_adopt(struct engine_shared *to, struct engine_shared *from, const unsigned *heirs)
{
	struct changes *ch = from->changes;
	struct standing *s;

	silences_free(to->changes->silences);
	to->changes->silences = ch->silences;
	ch->silences = NULL;
	to->changes->behind = true; /* what held something back may be gone */
	composites_adopt(to->changes->composites, ch->composites, heirs);
	for (unsigned i = 0; i < ch->n_rules; i++) {
		if (heirs[i] != NO_RULE)
			to->changes->rules[heirs[i]].stats = ch->rules[i].stats;
		while ((s = TAILQ_FIRST(&ch->rules[i].firing)))
			move_standing(to->changes, ch, s, heirs);
		while ((s = TAILQ_FIRST(&ch->rules[i].quiet)))
			move_standing(to->changes, ch, s, heirs);
	}
}
