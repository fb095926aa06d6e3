/* SPDX-License-Identifier: BSD-2-Clause */
/* A silence that holds back nothing is found at the next page: so it is refused, and why is said. */
#include "engine/silence_check.h"

#include <stdlib.h>
#include <string.h>

#include "rule/suggest.h"

/* Of so many names, one that is near is found. */
#define NAMES_MAX 10000
/* With so many, no more are compared with each other. */
#define ONCE_MAX 256

struct names {
	const char *names[NAMES_MAX];
	unsigned n;
};

static void put_name(struct names *all, const char *name)
{
	if (all->n < NAMES_MAX)
		all->names[all->n++] = name;
}

/* Once. */
static void add_name(struct names *all, const char *name)
{
	for (unsigned i = 0; i < all->n; i++)
		if (strcmp(all->names[i], name) == 0)
			return;
	if (all->n < ONCE_MAX)
		put_name(all, name);
}

static char *hint(const char *word, const struct names *all)
{
	return suggest(word, all->names, all->n);
}

static bool known_name(const struct rule_set *rules, const char *name)
{
	unsigned at;

	for (unsigned i = 0; i < rules->n_rules; i++)
		if (silence_subject(&rules->rules[i], name, &at) != SUBJECT_NONE)
			return true;
	return false;
}

static void add_names_of(const struct rule *r, struct names *all)
{
	for (unsigned i = 0; i < r->n_by; i++)
		add_name(all, r->by[i]->name);
	for (unsigned i = 0; i < r->n_labels; i++)
		add_name(all, r->labels[i].name);
}

static char *unknown_name(const struct rule_set *rules, const char *name)
{
	AUTO_FREE struct names *all = xcalloc(1, sizeof(*all));
	AUTO_FREE char *help = NULL;

	add_name(all, "rule");
	add_name(all, "severity");
	for (unsigned i = 0; i < rules->n_rules; i++)
		add_names_of(&rules->rules[i], all);
	help = hint(name, all);
	return xasprintf("no rule has a key field or label \"%s\"%s", name, help);
}

/* What a value of a field that is no text is written with, or a glob for it. */
static const char *characters_of(const struct field *f)
{
	switch (f->type) {
	case FIELD_ADDR:
		return "0123456789abcdef.:*?[]!^-";
	case FIELD_REAL:
		return "0123456789.e+-*?[]!^";
	default:
		return "0123456789-*?[]!^";
	}
}

static bool can_be(const struct field *f, const char *wanted, struct names *texts)
{
	const char *const *text = event_field_texts(event_field_type(f), f);
	bool found = false;

	if (f->type != FIELD_TEXT)
		return *wanted && strspn(wanted, characters_of(f)) == strlen(wanted);
	if (!text)
		return true;
	/* one that stands for a number is a glob itself */
	for (; *text; text++) {
		add_name(texts, *text);
		found |= silence_value_fits(wanted, *text) || silence_value_fits(*text, wanted);
	}
	return found;
}

/* What else the value could have been; true if it can be as it is. */
static bool known_value(const struct rule *r, const struct silence_matcher *m, struct names *others)
{
	unsigned at;

	switch (silence_subject(r, m->name, &at)) {
	case SUBJECT_RULE:
		put_name(others, r->name);
		return silence_value_fits(m->value, r->name);
	case SUBJECT_SEVERITY:
		for (int s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
			add_name(others, severity_name((enum severity)s));
		for (unsigned i = 0; i < others->n; i++)
			if (silence_value_fits(m->value, others->names[i]))
				return true;
		return false;
	case SUBJECT_KEY:
		return can_be(r->by[at], m->value, others);
	case SUBJECT_LABEL:
		if (r->labels[at].rendered)
			return false;
		add_name(others, r->labels[at].value);
		return silence_value_fits(m->value, r->labels[at].value);
	case SUBJECT_NONE:
		break;
	}
	return false;
}

/* A field of "by" of that name; NULL: no rule has one. */
static const struct field *key_field(const struct rule_set *rules, const char *name)
{
	unsigned at;

	for (unsigned i = 0; i < rules->n_rules; i++)
		if (silence_subject(&rules->rules[i], name, &at) == SUBJECT_KEY)
			return rules->rules[i].by[at];
	return NULL;
}

static char *impossible_value(const struct field *f, const char *value)
{
	if (f->type == FIELD_ADDR)
		return xasprintf(
			"%s is an address, and cannot be \"%s\"; write one, or a glob such "
			"as 10.1.*",
			f->name, value);
	return xasprintf("%s is a number, and cannot be \"%s\"", f->name, value);
}

static char *check_matcher(const struct silence_matcher *m, const struct rule_set *rules)
{
	AUTO_FREE struct names *others = xcalloc(1, sizeof(*others));
	AUTO_FREE char *help = NULL;
	const struct field *key;

	if (!known_name(rules, m->name))
		return unknown_name(rules, m->name);
	for (unsigned i = 0; i < rules->n_rules; i++)
		if (known_value(&rules->rules[i], m, others))
			return NULL;
	key = key_field(rules, m->name);
	if (others->n == 0 && key)
		return impossible_value(key, m->value);
	if (others->n == 0)
		return xasprintf("the label \"%s\" is made from each alert, which a silence cannot "
				 "match; take a field of the key",
				 m->name);
	help = hint(m->value, others);
	if (strcmp(m->name, "rule") == 0)
		return xasprintf("no rule \"%s\"%s", m->value, help);
	return xasprintf("%s is never \"%s\"%s", m->name, m->value, help);
}

/* The one rule that a matcher names to the letter; NULL: there is none. */
static const struct rule *named_rule(const struct silence *s, const struct rule_set *rules)
{
	for (unsigned i = 0; i < s->n_matchers; i++)
		for (unsigned k = 0; k < rules->n_rules; k++)
			if (strcmp(s->matchers[i].name, "rule") == 0 &&
			    strcmp(s->matchers[i].value, rules->rules[k].name) == 0)
				return &rules->rules[k];
	return NULL;
}

/* Why alerts of that rule cannot be in it. */
static char *why_not(const struct silence *s, const struct rule *rule)
{
	for (unsigned i = 0; i < s->n_matchers; i++) {
		AUTO_FREE struct names *all = xcalloc(1, sizeof(*all));
		AUTO_FREE char *help = NULL;
		unsigned at;

		if (silence_subject(rule, s->matchers[i].name, &at) != SUBJECT_NONE)
			continue;
		add_names_of(rule, all);
		help = hint(s->matchers[i].name, all);
		return xasprintf("rule \"%s\" has no key field or label \"%s\"%s", rule->name,
				 s->matchers[i].name, help);
	}
	return xasprintf("no alert of rule \"%s\" fits all of this", rule->name);
}

static char *check_together(const struct silence *s, const struct rule_set *rules)
{
	const struct rule *named = named_rule(s, rules);

	for (unsigned i = 0; i < rules->n_rules; i++)
		if (silence_fits_rule(s, &rules->rules[i]))
			return NULL;
	return named ? why_not(s, named) : xstrdup("no rule has alerts that fit all of this");
}

char *silence_no_matcher(const char *part, const struct rule_set *rules)
{
	for (unsigned i = 0; i < rules->n_rules; i++)
		if (silence_value_fits(part, rules->rules[i].name))
			return xasprintf("no NAME=VALUE: \"%s\"; did you mean \"rule=%s\"?", part,
					 part);
	return xasprintf("no NAME=VALUE: \"%s\"", part);
}

char *silence_check(const struct silence *s, const struct rule_set *rules)
{
	for (unsigned i = 0; i < s->n_matchers; i++) {
		char *error = check_matcher(&s->matchers[i], rules);

		if (error)
			return error;
	}
	return check_together(s, rules);
}
