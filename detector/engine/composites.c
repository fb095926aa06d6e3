/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/composites.h"

#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "engine/kept.h"
#include "engine/projection.h"

/* One key of a composite rule. */
struct group {
	TAILQ_ENTRY(group) link;
	struct composite state;
	struct transition *fired; /* what was said when it fired; NULL while it does not */
	bool over;		  /* firing, but not all members any more ... */
	uint64_t over_ns;	  /* ... since then */
	uint64_t noticed_ns;	  /* when it last fired or repeated */
	const unsigned char *packed;
	size_t len;
	unsigned char bytes[]; /* what packed points to */
};

TAILQ_HEAD(groups, group);

/* A composite rule at work. */
struct joint {
	const struct rule *rule;
	unsigned index; /* in rule_set.rules */
	struct projection of_member[RULE_MEMBERS_MAX];
	void *tree;	     /* of struct group by key: tsearch(3) */
	struct groups order; /* the one at which something began last is last */
	unsigned n;
	bool adopted; /* knows what other rules' engine knew */
};

struct composites {
	struct engine_shared *shared;
	struct joint *joints;
	unsigned n_joints;
};

static int compare(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return packed_compare(x->packed, x->len, y->packed, y->len);
}

static void add_joint(struct composites *cs, const struct rule_set *rules, unsigned index)
{
	struct joint *j = &cs->joints[cs->n_joints++];

	j->rule = &rules->rules[index];
	j->index = index;
	TAILQ_INIT(&j->order);
	for (unsigned i = 0; i < j->rule->n_members; i++)
		j->of_member[i] = projection_of(&rules->rules[j->rule->members[i]], j->rule);
}

struct composites *composites_new(struct engine_shared *shared)
{
	const struct rule_set *rules = shared->conf.rules;
	struct composites *cs = xcalloc(1, sizeof(*cs));

	cs->shared = shared;
	cs->joints = xcalloc(rules->n_rules, sizeof(*cs->joints));
	for (unsigned i = 0; i < rules->n_rules; i++)
		if (rules->rules[i].kind != RULE_EVENTS)
			add_joint(cs, rules, i);
	return cs;
}

static void drop(struct joint *j, struct group *g)
{
	(void)tdelete(g, &j->tree, compare);
	TAILQ_REMOVE(&j->order, g, link);
	j->n--;
	free(g->fired);
	free(g);
}

void composites_free(struct composites *cs)
{
	if (!cs)
		return;
	for (unsigned i = 0; i < cs->n_joints; i++)
		while (!TAILQ_EMPTY(&cs->joints[i].order))
			drop(&cs->joints[i], TAILQ_FIRST(&cs->joints[i].order));
	free(cs->joints);
	free(cs);
}

static struct group *find(const struct joint *j, const unsigned char *packed, size_t len)
{
	struct group wanted = { .packed = packed, .len = len };
	struct group *const *found = tfind(&wanted, &j->tree, compare);

	return found ? *found : NULL;
}

/* What fires makes no room for others. */
static bool make_room(struct composites *cs, struct joint *j)
{
	struct group *g;

	if (j->n < cs->shared->conf.max_keys)
		return true;
	TAILQ_FOREACH(g, &j->order, link)
	{
		if (g->fired)
			continue;
		drop(j, g);
		cs->shared->stats.evicted++;
		return true;
	}
	cs->shared->stats.refused++;
	return false;
}

static struct group *find_or_add(struct composites *cs, struct joint *j,
				 const unsigned char *packed, size_t len)
{
	struct group *g = find(j, packed, len);

	if (g) {
		TAILQ_REMOVE(&j->order, g, link);
		TAILQ_INSERT_TAIL(&j->order, g, link);
		return g;
	}
	if (!make_room(cs, j))
		return NULL;
	g = xcalloc(1, sizeof(*g) + len);
	if (len)
		memcpy(g->bytes, packed, len);
	g->packed = g->bytes;
	g->len = len;
	(void)tsearch(g, &j->tree, compare);
	TAILQ_INSERT_TAIL(&j->order, g, link);
	j->n++;
	return g;
}

static void take(struct composites *cs, const struct joint *j, const struct group *g,
		 enum change change, uint64_t now_ns, struct transition *t)
{
	const struct alert_change c = {
		.change = change,
		.rule = j->index,
		.packed_key = g->packed,
		.packed_len = (unsigned)g->len,
		.now_ns = now_ns,
		.transition = t,
	};

	changes_take(cs->shared, &c);
}

static void fire(struct composites *cs, struct joint *j, struct group *g,
		 const struct composite_verdict *v, const struct alert_change *c)
{
	struct value key[RULE_BY_MAX];
	struct transition t = *c->transition;

	key_unpack(j->rule, g->packed, key);
	t.state = ALERT_FIRING;
	t.repeat = false;
	t.severity = j->rule->severity;
	t.rule = j->rule;
	t.key = key;
	t.leaf = NULL;
	t.n_conditions = 0;
	t.value = t.threshold = NAN;
	t.samples = j->rule->n_members;
	t.baseline = NULL;
	t.started_ns = v->first_ns;
	t.ended_ns = 0;
	t.n_members = j->rule->n_members;
	for (unsigned i = 0; i < t.n_members; i++)
		t.members[i] = (struct transition_member){
			.rule = &cs->shared->conf.rules->rules[j->rule->members[i]],
			.began_ns = v->begins_ns[i],
		};
	composite_use(&g->state, j->rule, v);
	g->fired = transition_keep(&t);
	g->over = false;
	g->noticed_ns = c->now_ns;
	take(cs, j, g, CHANGE_FIRED, c->now_ns, &t);
}

/* Does the group fire again after what has just begun? */
static void judge(struct composites *cs, struct joint *j, struct group *g,
		  const struct alert_change *c)
{
	struct composite_verdict v;

	if (g->fired || engine_in_grace(cs->shared, j->index, c->now_ns))
		return;
	v = composite_judge(&g->state, j->rule);
	if (v.holds)
		fire(cs, j, g, &v, c);
}

void composites_begin(struct composites *cs, const struct alert_change *c, uint64_t began_ns)
{
	unsigned char packed[KEY_BYTES_MAX];

	for (unsigned i = 0; i < cs->n_joints; i++) {
		struct joint *j = &cs->joints[i];

		for (unsigned k = 0; k < j->rule->n_members; k++) {
			struct group *g;
			size_t len;

			if (j->rule->members[k] != c->rule)
				continue;
			len = projection_pack(&j->of_member[k], c->transition->key, packed);
			g = find_or_add(cs, j, packed, len);
			if (!g)
				continue;
			composite_begin(&g->state, k, began_ns);
			judge(cs, j, g, c);
		}
	}
}

void composites_end(struct composites *cs, unsigned rule, const struct value *key,
		    uint64_t began_ns)
{
	unsigned char packed[KEY_BYTES_MAX];

	for (unsigned i = 0; i < cs->n_joints; i++) {
		struct joint *j = &cs->joints[i];

		for (unsigned k = 0; k < j->rule->n_members; k++) {
			struct group *g;
			size_t len;

			if (j->rule->members[k] != rule)
				continue;
			len = projection_pack(&j->of_member[k], key, packed);
			g = find(j, packed, len);
			if (g)
				composite_end(&g->state, k, began_ns);
		}
	}
}

static void resolve(struct composites *cs, struct joint *j, struct group *g, uint64_t now_ns,
		    int64_t wall_offset_ns)
{
	struct transition *t = g->fired;

	g->fired = NULL;
	t->state = ALERT_RESOLVED;
	t->ended_ns = now_ns;
	t->wall_offset_ns = wall_offset_ns;
	take(cs, j, g, CHANGE_RESOLVED, now_ns, t);
	free(t);
}

static void repeat(struct composites *cs, struct joint *j, struct group *g, uint64_t now_ns,
		   int64_t wall_offset_ns)
{
	struct transition t = *g->fired;

	g->noticed_ns = now_ns;
	t.repeat = true;
	t.wall_offset_ns = wall_offset_ns;
	take(cs, j, g, CHANGE_REPEATED, now_ns, &t);
}

static void tick_firing(struct composites *cs, struct joint *j, struct group *g, uint64_t now_ns,
			int64_t wall_offset_ns)
{
	bool over = !composite_all_fire(&g->state, j->rule);

	if (over && !g->over)
		g->over_ns = now_ns;
	g->over = over;
	changes_met(cs->shared, j->index, g->packed, g->len, !over);
	if (over && elapsed_ns(now_ns, g->over_ns) + LIFECYCLE_SLACK_NS >= j->rule->keep_ns)
		resolve(cs, j, g, now_ns, wall_offset_ns);
	else if (j->rule->repeat_ns &&
		 elapsed_ns(now_ns, g->noticed_ns) + LIFECYCLE_SLACK_NS >= j->rule->repeat_ns)
		repeat(cs, j, g, now_ns, wall_offset_ns);
}

void composites_tick(struct composites *cs, uint64_t now_ns, int64_t wall_offset_ns)
{
	for (unsigned i = 0; i < cs->n_joints; i++) {
		struct joint *j = &cs->joints[i];
		struct group *g, *next;

		for (g = TAILQ_FIRST(&j->order); g; g = next) {
			next = TAILQ_NEXT(g, link);
			if (g->fired)
				tick_firing(cs, j, g, now_ns, wall_offset_ns);
			else if (composite_idle(&g->state, j->rule, now_ns))
				drop(j, g);
		}
	}
}

static struct joint *joint_of(const struct composites *cs, unsigned rule)
{
	for (unsigned i = 0; i < cs->n_joints; i++)
		if (cs->joints[i].index == rule)
			return &cs->joints[i];
	return NULL;
}

static void adopt_group(struct composites *cs, struct joint *to, struct joint *from,
			struct group *g)
{
	struct transition *t = g->fired;

	(void)tdelete(g, &from->tree, compare);
	TAILQ_REMOVE(&from->order, g, link);
	from->n--;
	if (t) {
		t->rule = to->rule;
		for (unsigned i = 0; i < t->n_members; i++)
			t->members[i].rule = &cs->shared->conf.rules->rules[to->rule->members[i]];
	}
	(void)tsearch(g, &to->tree, compare);
	TAILQ_INSERT_TAIL(&to->order, g, link);
	to->n++;
}

void composites_adopt(struct composites *to, struct composites *from, const unsigned *heirs)
{
	for (unsigned i = 0; i < from->n_joints; i++) {
		struct joint *j = &from->joints[i];
		unsigned heir = heirs[j->index];
		struct joint *new = heir == NO_RULE ? NULL : joint_of(to, heir);

		if (!new)
			continue;
		new->adopted = true;
		while (!TAILQ_EMPTY(&j->order))
			adopt_group(to, new, j, TAILQ_FIRST(&j->order));
	}
}

void composites_know(struct composites *cs, unsigned rule, const struct value *key,
		     uint64_t began_ns)
{
	unsigned char packed[KEY_BYTES_MAX];

	for (unsigned i = 0; i < cs->n_joints; i++) {
		struct joint *j = &cs->joints[i];

		for (unsigned k = 0; !j->adopted && k < j->rule->n_members; k++) {
			struct group *g;
			size_t len;

			if (j->rule->members[k] != rule)
				continue;
			len = projection_pack(&j->of_member[k], key, packed);
			g = find_or_add(cs, j, packed, len);
			if (g)
				composite_begin(&g->state, k, began_ns);
		}
	}
}

void composites_each_key(const struct composites *cs, unsigned rule, composites_key_fn *fn,
			 void *ctx)
{
	const struct joint *j = joint_of(cs, rule);
	const struct group *g;

	if (!j)
		return;
	TAILQ_FOREACH(g, &j->order, link)
	{
		if (!fn(ctx, g->packed, g->len))
			return;
	}
}

const struct composite *composites_find(const struct composites *cs, unsigned rule,
					const unsigned char *packed, size_t len)
{
	const struct joint *j = joint_of(cs, rule);
	const struct group *g = j ? find(j, packed, len) : NULL;

	return g ? &g->state : NULL;
}
