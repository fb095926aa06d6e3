/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook/judge.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* Is the body this word, but for blanks behind it? */
static bool is_word(const char *body, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(body, word, len) && !body[len + strspn(body + len, BLANKS)];
}

/*
 * Slack answers "ok". With status 200 its own error names, one lower-case word, are errors as well;
 * any other text does not come from Slack but from something in between, such as a proxy's login
 * page, which may be gone soon, or from another program at the address.
 */
static enum verdict judge_slack_text(const char *body)
{
	size_t word = strspn(body, "abcdefghijklmnopqrstuvwxyz_");

	if (is_word(body, "ok"))
		return VERDICT_DELIVERED;
	if (word == 0 || body[word + strspn(body + word, BLANKS)])
		return VERDICT_FOREIGN;
	if (is_word(body, "rate_limited") || is_word(body, "rollup_error"))
		return VERDICT_RETRY;
	return VERDICT_REFUSED;
}

enum verdict judge(enum hook_type type, long status, const char *body)
{
	if (status == 408 || status == 429 || status >= 500)
		return VERDICT_RETRY;
	if (status >= 300 || status < 200)
		return type == HOOK_WEBHOOK && status == 410 ? VERDICT_GONE : VERDICT_REFUSED;
	switch (type) {
	case HOOK_SLACK:
		return status == 200 ? judge_slack_text(body) : VERDICT_FOREIGN;
	case HOOK_PAGERDUTY:
		/* 202 is the one success that PagerDuty knows; anything else is not PagerDuty */
		return status == 202 ? VERDICT_DELIVERED : VERDICT_FOREIGN;
	default:
		return VERDICT_DELIVERED;
	}
}

uint64_t retry_after_ns(long status, uint64_t retry_after_s)
{
	if (retry_after_s > RETRY_AFTER_MAX_NS / NS_PER_S)
		return RETRY_AFTER_MAX_NS;
	if (retry_after_s > 0)
		return retry_after_s * NS_PER_S;
	return status == 429 ? RETRY_BASE_NS : 0;
}

uint64_t retry_backoff_ns(unsigned failures, uint64_t random)
{
	uint64_t most = RETRY_CAP_NS;

	if (failures < 32 && RETRY_BASE_NS << failures < most)
		most = RETRY_BASE_NS << failures;
	return random % (most + 1);
}
