/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/explain_key.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/composites.h"
#include "engine/distance.h"
#include "engine/series.h"
#include "rule/suggest.h"

/* What is asked for: for each field of "by" its text, or NULL for any. */
struct wanted {
	char *texts[RULE_BY_MAX];
	unsigned n;
};

static void wanted_fini(struct wanted *w)
{
	for (unsigned i = 0; i < RULE_BY_MAX; i++)
		free(w->texts[i]);
}

static char *unknown_field(const struct rule *rule, const char *name)
{
	const char *names[RULE_BY_MAX];
	AUTO_FREE char *hint = NULL;

	for (unsigned i = 0; i < rule->n_by; i++)
		names[i] = rule->by[i]->name;
	hint = suggest(name, names, rule->n_by);
	return xasprintf("rule \"%s\" has no key field \"%s\"%s", rule->name, name, hint);
}

static char *no_value(const struct rule *rule, const char *part)
{
	if (rule->n_by == 0)
		return xasprintf("rule \"%s\" has one key for all, and none can be named",
				 rule->name);
	for (unsigned i = 0; i < rule->n_by; i++)
		if (strcmp(rule->by[i]->name, part) == 0)
			return xasprintf("no \"field=value\": %s", part);
	return xasprintf("no \"field=value\": %s; write as in %s=%s", part, rule->by[0]->name,
			 part);
}

static char *want(const struct rule *rule, char *part, struct wanted *w)
{
	char *value = strchr(part, '=');

	if (!value)
		return no_value(rule, part);
	*value++ = '\0';
	for (unsigned i = 0; i < rule->n_by; i++) {
		if (strcmp(rule->by[i]->name, part) != 0)
			continue;
		free(w->texts[i]);
		w->texts[i] = xstrdup(value);
		w->n++;
		return NULL;
	}
	return unknown_field(rule, part);
}

static char *parse_key(const struct rule *rule, const char *text, struct wanted *w)
{
	while (text && *text) {
		AUTO_FREE char *part = key_text_part(&text);
		char *error = want(rule, part, w);

		if (error)
			return error;
	}
	return NULL;
}

/* How alike two texts are, from 0 to less than 1: the share that they begin with in common. */
static double alike(const char *a, const char *b)
{
	size_t n = 0, len = strlen(a) > strlen(b) ? strlen(a) : strlen(b);

	while (a[n] && a[n] == b[n])
		n++;
	return (double)n / (double)(len + 1);
}

struct search {
	struct engine *e;
	unsigned rule;
	const struct rule *of;
	uint64_t now_ns;
	const struct wanted *wanted;
	struct key_choice *choice;
	double best;		     /* of choice->key: how near it is to firing */
	double scores[CLOSEST_KEYS]; /* of choice->closest: how alike */
	unsigned looked_at;
};

/* n of what is wanted for a match, else less. */
static double match(const struct search *s, const unsigned char *packed)
{
	struct value values[RULE_BY_MAX];
	double score = 0;

	key_unpack(s->of, packed, values);
	for (unsigned i = 0; i < s->of->n_by; i++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		const char *wanted = s->wanted->texts[i];

		if (!wanted)
			continue;
		value_write_text(&values[i], &text);
		score += strcmp(buf_str(&text), wanted) == 0 ? 1 : alike(buf_str(&text), wanted);
	}
	return score;
}

/* 3 and more: firing; 2: pending; below: the less it lacks the more. */
static double nearness(const struct search *s, const unsigned char *key, size_t len)
{
	struct inspection now;
	double lacks;

	if (s->of->kind != RULE_EVENTS ||
	    !tracker_inspect(engine_tracker(s->e, s->rule), key, len, s->now_ns, &now))
		return 0;
	if (now.series && now.series->life.phase != PHASE_INACTIVE)
		return now.series->life.phase == PHASE_FIRING ? 3 : 2;
	lacks = condition_distance(&s->of->judge, &now.reading).share;
	return 1 / (1 + lacks);
}

static void keep(struct known_key *k, const unsigned char *packed, size_t len)
{
	if (len)
		memcpy(k->packed, packed, len);
	k->len = len;
}

static void keep_closest(struct search *s, double score, const unsigned char *key, size_t len)
{
	struct key_choice *c = s->choice;
	unsigned at = c->n_closest;

	while (at > 0 && s->scores[at - 1] < score)
		at--;
	if (at == CLOSEST_KEYS)
		return;
	if (c->n_closest < CLOSEST_KEYS)
		c->n_closest++;
	for (unsigned i = c->n_closest - 1; i > at; i--) {
		c->closest[i] = c->closest[i - 1];
		s->scores[i] = s->scores[i - 1];
	}
	keep(&c->closest[at], key, len);
	s->scores[at] = score;
}

static bool on_key(void *ctx, const unsigned char *key, size_t len)
{
	struct search *s = ctx;
	double score = match(s, key), near;

	if (score < s->wanted->n) {
		keep_closest(s, score, key, len);
		return true;
	}
	near = nearness(s, key, len);
	if (!s->choice->found || near > s->best) {
		keep(&s->choice->key, key, len);
		s->best = near;
	}
	s->choice->found = true;
	return s->wanted->n || ++s->looked_at < KEYS_LOOKED_AT;
}

char *choose_key(struct engine *e, unsigned rule, const char *text, uint64_t now_ns,
		 struct key_choice *ret)
{
	CLEANUP(wanted_fini) struct wanted wanted = { 0 };
	struct engine_shared *shared = engine_shared(e);
	struct search s = {
		.e = e,
		.rule = rule,
		.of = &shared->conf.rules->rules[rule],
		.now_ns = now_ns,
		.wanted = &wanted,
		.choice = ret,
	};
	char *error = parse_key(s.of, text, &wanted);

	ret->found = false;
	ret->n_closest = 0;
	if (error)
		return error;
	if (s.of->kind == RULE_EVENTS)
		tracker_each_key(engine_tracker(e, rule), on_key, &s);
	else
		composites_each_key(changes_composites(shared), rule, on_key, &s);
	return NULL;
}
