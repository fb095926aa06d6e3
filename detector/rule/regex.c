/* SPDX-License-Identifier: BSD-2-Clause */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "rule/regex.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX	100000 /* over all places in the text from which a match is tried */
#define HEAP_MAX_KIB	1024
#define PARENTHESES_MAX 64

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	uint64_t steps; /* of the match at hand */
	uint64_t given_up;
};

/* PCRE2's own limit starts anew at each place in the text; this one does not. Called before each
 * item of the expression. */
static int count_step(pcre2_callout_block *block, void *regex)
{
	struct regex *r = regex;

	(void)block;
	return ++r->steps > STEPS_MAX ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static pcre2_code *compile(const char *text, size_t len, int *ret_error, size_t *ret_offset)
{
	const uint32_t options = PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT |
				 PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code = NULL;

	*ret_error = PCRE2_ERROR_NOMEMORY;
	*ret_offset = 0;
	if (!context)
		return NULL;
	(void)pcre2_set_max_pattern_length(context, REGEX_MAX);
	(void)pcre2_set_parens_nest_limit(context, PARENTHESES_MAX);
	code = pcre2_compile((PCRE2_SPTR)text, len, options, ret_error, ret_offset, context);
	pcre2_compile_context_free(context);
	return code;
}

static char *message_of(int error)
{
	PCRE2_UCHAR text[256];

	if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
		return xasprintf("error %d", error);
	return xstrdup((const char *)text);
}

struct regex *regex_new(const char *text, size_t len, size_t *ret_offset, char **ret_message)
{
	int error;
	struct regex *r = xcalloc(1, sizeof(*r));

	r->code = compile(text, len, &error, ret_offset);
	if (r->code) {
		r->data = pcre2_match_data_create(1, NULL);
		r->limits = pcre2_match_context_create(NULL);
		error = PCRE2_ERROR_NOMEMORY;
	}
	if (!r->data || !r->limits) {
		if (*ret_offset > len)
			*ret_offset = len;
		*ret_message = message_of(error);
		regex_free(r);
		return NULL;
	}
	(void)pcre2_set_match_limit(r->limits, STEPS_MAX);
	(void)pcre2_set_callout(r->limits, count_step, r);
	(void)pcre2_set_heap_limit(r->limits, HEAP_MAX_KIB);
	return r;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->limits);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}

bool regex_match(struct regex *r, const char *text, size_t len)
{
	int found;

	r->steps = 0;
	found = pcre2_match(r->code, (PCRE2_SPTR)text, len < REGEX_TEXT_MAX ? len : REGEX_TEXT_MAX,
			    0, 0, r->data, r->limits);

	if (found < 0 && found != PCRE2_ERROR_NOMATCH)
		r->given_up++;
	return found >= 0;
}

uint64_t regex_given_up(const struct regex *r)
{
	return r->given_up;
}
