/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/silence.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "engine/key.h"
#include "engine/silence_check.h"
#include "util/printable.h"
#include "util/utf8.h"

struct silences {
	struct silence *first;
	unsigned n;
	uint64_t last_id;
};

struct silences *silences_new(void)
{
	return xcalloc(1, sizeof(struct silences));
}

struct silence *silence_ref(struct silence *s)
{
	s->refs++;
	return s;
}

void silence_unref(struct silence *s)
{
	if (!s || --s->refs > 0)
		return;
	for (unsigned i = 0; i < s->n_matchers; i++) {
		free(s->matchers[i].name);
		free(s->matchers[i].value);
	}
	free(s->text);
	free(s->comment);
	free(s);
}

void silences_free(struct silences *all)
{
	if (!all)
		return;
	while (all->first) {
		struct silence *s = all->first;

		all->first = s->next;
		silence_unref(s);
	}
	free(all);
}

/* --- does it fit? ---------------------------------------------------------------------------- */

bool silence_value_fits(const char *wanted, const char *text)
{
	return strcmp(wanted, text) == 0 || fnmatch(wanted, text, 0) == 0;
}

enum silence_subject silence_subject(const struct rule *rule, const char *name, unsigned *ret_index)
{
	const char *label = name;

	*ret_index = 0;
	if (strcmp(name, "rule") == 0)
		return SUBJECT_RULE;
	if (strcmp(name, "severity") == 0)
		return SUBJECT_SEVERITY;
	if (strncmp(name, LABELS_PREFIX, strlen(LABELS_PREFIX)) == 0)
		label += strlen(LABELS_PREFIX);
	for (unsigned i = 0; label == name && i < rule->n_by; i++)
		if (strcmp(rule->by[i]->name, name) == 0) {
			*ret_index = i;
			return SUBJECT_KEY;
		}
	for (unsigned i = 0; i < rule->n_labels; i++)
		if (strcmp(rule->labels[i].name, label) == 0) {
			*ret_index = i;
			return SUBJECT_LABEL;
		}
	return SUBJECT_NONE;
}

static bool key_fits(const struct value *v, const char *wanted)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	value_write_text(v, &text);
	return silence_value_fits(wanted, buf_str(&text));
}

/* A label that is made from the alert fits nothing. */
static bool matcher_fits(const struct silence_matcher *m, const struct rule *rule,
			 const struct value *key, enum severity severity)
{
	unsigned i;

	switch (silence_subject(rule, m->name, &i)) {
	case SUBJECT_RULE:
		return silence_value_fits(m->value, rule->name);
	case SUBJECT_SEVERITY:
		return silence_value_fits(m->value, severity_name(severity));
	case SUBJECT_KEY:
		return !key || key_fits(&key[i], m->value);
	case SUBJECT_LABEL:
		return !rule->labels[i].rendered &&
		       silence_value_fits(m->value, rule->labels[i].value);
	case SUBJECT_NONE:
		break;
	}
	return false;
}

bool silence_fits(const struct silence *s, const struct rule *rule, const struct value *key,
		  enum severity severity)
{
	for (unsigned i = 0; i < s->n_matchers; i++)
		if (!matcher_fits(&s->matchers[i], rule, key, severity))
			return false;
	return true;
}

bool silence_fits_rule(const struct silence *s, const struct rule *rule)
{
	if (silence_fits(s, rule, NULL, rule->severity))
		return true;
	for (unsigned i = 0; i < rule->n_escalations; i++)
		if (silence_fits(s, rule, NULL, rule->escalations[i].severity))
			return true;
	return false;
}

struct silence *silences_match(const struct silences *all, const struct rule *rule,
			       const struct value *key, enum severity severity, uint64_t now_ns)
{
	struct silence *found = NULL;

	for (struct silence *s = all->first; s; s = s->next)
		if (now_ns < s->until_ns && (!found || s->until_ns > found->until_ns) &&
		    silence_fits(s, rule, key, severity))
			found = s;
	return found;
}

/* --- coming and going ------------------------------------------------------------------------ */

static char *read_matcher(struct silence *s, char *part, const struct rule_set *rules)
{
	char *value = strchr(part, '=');

	if (!value || value == part)
		return silence_no_matcher(part, rules);
	if (s->n_matchers == SILENCE_MATCHERS_MAX)
		return xasprintf("more than %u matchers", SILENCE_MATCHERS_MAX);
	s->matchers[s->n_matchers++] = (struct silence_matcher){
		.name = xstrndup(part, (size_t)(value - part)),
		.value = xstrdup(value + 1),
	};
	return NULL;
}

static char *read_matchers(struct silence *s, const char *text, const struct rule_set *rules)
{
	if (strlen(text) > SILENCE_TEXT_MAX)
		return xasprintf("matchers of more than %u bytes", SILENCE_TEXT_MAX);
	while (*text) {
		AUTO_FREE char *part = key_text_part(&text);
		char *error = read_matcher(s, part, rules);

		if (error)
			return error;
	}
	return s->n_matchers ? NULL
			     : xstrdup("it says nothing of which alerts are meant; of all: rule=*");
}

static char *read_comment(struct silence *s, const char *comment)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	size_t len = strlen(comment);

	if (utf8_prefix(comment, len, SILENCE_COMMENT_MAX) < len)
		return xasprintf("a comment of more than %u characters", SILENCE_COMMENT_MAX);
	if (strspn(comment, " \t\n") == len)
		return xstrdup("the comment is empty; say why, for whoever reads it next");
	(void)printable_add(&text, comment, len, len, "?");
	s->comment = buf_steal(&text);
	return NULL;
}

static char *read_conf(struct silence *s, const struct rule_set *rules,
		       const struct silence_conf *conf)
{
	char *error;

	if (conf->length_ns == 0 || conf->length_ns > SILENCE_MAX_NS)
		return xstrdup("a silence is longer than 0 s and no longer than 30 d");
	s->text = xstrdup(conf->matchers);
	error = read_comment(s, conf->comment);
	if (!error)
		error = read_matchers(s, conf->matchers, rules);
	return error ? error : silence_check(s, rules);
}

char *silences_add(struct silences *all, const struct rule_set *rules,
		   const struct silence_conf *conf, uint64_t now_ns, const struct silence **ret)
{
	struct silence **end = &all->first;
	struct silence *s;
	char *error;

	if (all->n == SILENCES_MAX)
		return xasprintf("there are %u silences already, and no more are possible",
				 SILENCES_MAX);
	s = silence_ref(xcalloc(1, sizeof(*s)));
	error = read_conf(s, rules, conf);
	if (error) {
		silence_unref(s);
		return error;
	}
	s->id = ++all->last_id;
	s->began_ns = now_ns;
	s->until_ns = now_ns + conf->length_ns;
	while (*end)
		end = &(*end)->next;
	*end = s;
	all->n++;
	*ret = s;
	return NULL;
}

static void remove_at(struct silences *all, struct silence **at)
{
	struct silence *s = *at;

	*at = s->next;
	s->next = NULL;
	all->n--;
	silence_unref(s);
}

bool silences_remove(struct silences *all, uint64_t id)
{
	for (struct silence **at = &all->first; *at; at = &(*at)->next)
		if ((*at)->id == id) {
			remove_at(all, at);
			return true;
		}
	return false;
}

void silences_expire(struct silences *all, uint64_t now_ns, silence_fn *fn, void *ctx)
{
	struct silence **at = &all->first;

	while (*at) {
		if (now_ns < (*at)->until_ns) {
			at = &(*at)->next;
			continue;
		}
		if (fn)
			fn(ctx, *at);
		remove_at(all, at);
	}
}

unsigned silences_count(const struct silences *all)
{
	return all->n;
}

void silences_each(const struct silences *all, silence_fn *fn, void *ctx)
{
	for (const struct silence *s = all->first; s; s = s->next)
		fn(ctx, s);
}
