/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Silences: for a time, no hook is told of alerts that look like this. Which alerts these are is said
 * by matchers, all of which must fit: "rule=slow-disk", "severity=warning", a field of "by"
 * ("comm=post*"), or a label ("team=storage"; "labels.rule=x" for one whose name is taken). The value
 * is the text to the letter, or a glob that fits all of it.
 *
 * Knows nothing of what became of an alert: that is changes.c.
 */
#ifndef ENGINE_SILENCE_H
#define ENGINE_SILENCE_H

#include "rule/rule.h"

#define SILENCES_MAX	     100
#define SILENCE_MATCHERS_MAX 16
#define SILENCE_TEXT_MAX     4096 /* bytes of the matchers together */
#define SILENCE_COMMENT_MAX  200  /* characters */
#define SILENCE_MAX_NS	     (30 * 86400 * NS_PER_S)

struct silence_matcher {
	char *name;
	char *value;
};

struct silence {
	uint64_t id; /* from 1 on; none is used twice */
	char *text;  /* the matchers as they were given */
	char *comment;
	struct silence_matcher matchers[SILENCE_MATCHERS_MAX];
	unsigned n_matchers;
	uint64_t began_ns; /* CLOCK_MONOTONIC */
	uint64_t until_ns;
	uint64_t unsent; /* changes that no hook was told of because of it */
	uint64_t alerts; /* that fire now, of which no hook knows because of it */
	unsigned refs;
	struct silence *next;
};

struct silences; /* opaque */

struct silences *silences_new(void);
/* NULL is fine. Those that others hold stay until they are released. */
void silences_free(struct silences *all);

struct silence *silence_ref(struct silence *s);
/* NULL is fine. */
void silence_unref(struct silence *s);

struct silence_conf {
	const char *matchers; /* with commas between, as in the key of an alert */
	const char *comment;
	uint64_t length_ns;
};

/*
 * Adds one that begins now. Returns NULL and lends it in *ret, or says in one sentence what is wrong,
 * which the caller frees: names that no rule has, or matchers that fit no rule.
 */
char *silences_add(struct silences *all, const struct rule_set *rules,
		   const struct silence_conf *conf, uint64_t now_ns, const struct silence **ret);
/* False if there is none of that id. */
bool silences_remove(struct silences *all, uint64_t id);

/* Called with each silence that is over. */
typedef void silence_fn(void *ctx, const struct silence *s);
/* Removes those whose time is over; fn may be NULL. */
void silences_expire(struct silences *all, uint64_t now_ns, silence_fn *fn, void *ctx);

unsigned silences_count(const struct silences *all);
/* With each, the oldest first. */
void silences_each(const struct silences *all, silence_fn *fn, void *ctx);

/* The one that ends last of those in which an alert of the rule is; NULL if it is in none. */
struct silence *silences_match(const struct silences *all, const struct rule *rule,
			       const struct value *key, enum severity severity, uint64_t now_ns);
/* The same of one silence, whose time may be over. key NULL: any. */
bool silence_fits(const struct silence *s, const struct rule *rule, const struct value *key,
		  enum severity severity);
/* Is there a key, and a severity that the rule can have, for which its alerts are in the silence? */
bool silence_fits_rule(const struct silence *s, const struct rule *rule);

#endif
