/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shown is what stands under a key that is known to hold no secret; which keys those are depends on
 * how deep in "hooks" the object is. So a secret under a mistyped or unknown key is masked too, and
 * in a text with brackets missing rather too much is.
 */
#include "rule/mask.h"

#include <string.h>

static const char *const rule_keys[] = {
	"$schema",  "above",	 "absent",   "ago",	 "all",		 "any",	    "below",
	"by",	    "change",	 "changes",  "defaults", "deviations",	 "flap",    "for",
	"grace",    "half_life", "hits",     "hooks",	 "inhibited_by", "keep",    "name",
	"notify",   "of",	 "on",	     "outside",	 "repeat",	 "rules",   "sequence",
	"severity", "summary",	 "together", "value",	 "version",	 "warm_up", "when",
	"where",    "why",	 "window",   "within",	 NULL,
};
static const char *const hook_keys[] = {
	"argv", "body", "content_type", "cooldown", "on", "path", "timeout", "type", "user", NULL,
};
static const char *const reference_keys[] = { "env", "file", NULL };
static const char *const no_keys[] = { NULL };
/* Outside of "hooks": objects with keys of the user's choice, and nothing secret under them. */
static const char *const named_keys[] = { "labels", "lists", "macros", NULL };

static const char *const secret_parts[] = { "https://hooks.slack.com/", "whsec_", "Bearer ",
					    "Basic " };

/* Where in the document the next string stands. */
struct place {
	unsigned level; /* 0: outside of "hooks"; 1: names of hooks; 2: in a hook; 3 and more: in
			   what stands for a secret, or in "headers" */
	unsigned tests; /* brackets open in "tests" (trial/rule_test.h), where nothing is secret */
	bool headers;	/* the last object on level 3 is "headers" */
	unsigned named; /* outside of "hooks": how deep in an object of named_keys */
	bool list;
	bool open;	 /* values under the last key are shown */
	const char *key; /* the last one; none behind a bracket */
	size_t key_len;
};

/* The offset of the quote that closes the string whose inside starts at `at`, or of what ends it
 * instead. */
static size_t string_end(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] != '"' && text[at] != '\n')
		at += text[at] == '\\' && at + 1 < len && text[at + 1] != '\n' ? 2 : 1;
	return at < len ? at : len;
}

static bool is_key(const char *text, size_t len, size_t end)
{
	for (end++; end < len; end++)
		if (!memchr(" \t\r\n", text[end], 4))
			return text[end] == ':';
	return false;
}

static bool is_word(const char *word, const char *s, size_t len)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

static const char *const *open_keys(const struct place *p)
{
	if (p->level == 0)
		return rule_keys;
	if (p->level == 2)
		return hook_keys;
	return p->level == 1 || (p->level == 3 && p->headers) ? no_keys : reference_keys;
}

static bool is_among(const char *const *keys, const char *s, size_t len)
{
	for (; *keys; keys++)
		if (is_word(*keys, s, len))
			return true;
	return false;
}

static bool is_open(const struct place *p, const char *s, size_t len)
{
	return p->tests > 0 || (p->named > 0 && p->level == 0) || is_among(open_keys(p), s, len);
}

static bool looks_secret(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret_parts); i++)
		if (memmem(s, len, secret_parts[i], strlen(secret_parts[i])))
			return true;
	return false;
}

static void take_bracket(struct place *p, char c)
{
	if (c == '{' || c == '[')
		p->tests += p->tests || (p->level == 0 && is_word("tests", p->key, p->key_len));
	else
		p->tests -= p->tests > 0;
	if (c == '{') {
		p->named +=
			p->named > 0 || (p->level == 0 && is_among(named_keys, p->key, p->key_len));
		if (p->level == 2)
			p->headers = is_word("headers", p->key, p->key_len);
		p->level += p->level > 0 || is_word("hooks", p->key, p->key_len);
	} else if (c == '}') {
		p->named -= p->named > 0;
		p->level -= p->level > 0;
	}
	p->key_len = 0;
	p->list = c == '[';
	p->open = p->open && c == '[';
}

/* Takes a string and says whether it may be shown. */
static bool take_string(struct place *p, const char *s, size_t len, bool key)
{
	/* a key whose colon is missing is worth seeing */
	bool shown = key || ((p->open || is_open(p, s, len)) && !looks_secret(s, len));

	if (key) {
		p->key = s;
		p->key_len = len;
	}
	p->open = key ? is_open(p, s, len) : p->open && p->list;
	return shown;
}

char *mask_secrets(const char *text, size_t len)
{
	char *shown = xcalloc(len + 1, 1);
	struct place p = { .key = "" };

	if (len)
		memcpy(shown, text, len);
	for (size_t at = 0, end; at < len; at = end + 1) {
		end = at;
		if (text[at] && strchr("{}[]", text[at]))
			take_bracket(&p, text[at]);
		if (text[at] != '"')
			continue;
		end = string_end(text, len, ++at);
		if (!take_string(&p, text + at, end - at, is_key(text, len, end)))
			memset(shown + at, '*', end - at);
	}
	return shown;
}
