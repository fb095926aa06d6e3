/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/mask.h"

#include <string.h>

static const char *const secret_keys[] = { "url", "routing_key", "secret" };
static const char *const open_keys[] = { "file",
					 "env" }; /* in an object that stands for a secret */
static const char *const secret_starts[] = { "https://hooks.slack.com/", "whsec_", "Bearer ",
					     "Basic " };

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

static bool is_one_of(const char *const *keys, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(keys[i]) == len && memcmp(s, keys[i], len) == 0)
			return true;
	return false;
}

static bool looks_secret(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret_starts); i++) {
		size_t n = strlen(secret_starts[i]);

		if (len >= n && memcmp(s, secret_starts[i], n) == 0)
			return true;
	}
	return false;
}

char *mask_secrets(const char *text, size_t len)
{
	char *shown = xcalloc(len + 1, 1);
	bool secret = false, inside = false; /* after a secret key; in an object after one */

	if (len)
		memcpy(shown, text, len);
	for (size_t at = 0, end; at < len; at = end + 1) {
		end = at;
		if (text[at] == '{')
			inside = secret;
		else if (text[at] == '}')
			inside = secret = false;
		if (text[at] != '"')
			continue;
		end = string_end(text, len, ++at);
		if (!is_key(text, len, end))
			memset(shown + at, '*',
			       secret || looks_secret(text + at, end - at) ? end - at : 0);
		else if (inside)
			secret = !is_one_of(open_keys, ARRAY_SIZE(open_keys), text + at, end - at);
		else
			secret = is_one_of(secret_keys, ARRAY_SIZE(secret_keys), text + at,
					   end - at);
	}
	return shown;
}
