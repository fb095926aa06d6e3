/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/timetext.h"

#include <stdio.h>
#include <time.h>

void timetext(uint64_t wall_ns, char ret_text[TIMETEXT_LEN + 1])
{
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	unsigned ms = (unsigned)(wall_ns % NS_PER_S / NS_PER_MS);
	struct tm tm;
	size_t len;

	/* 64 bits of ns end in the year 2554: the year always has four digits. */
	(void)gmtime_r(&seconds, &tm);
	len = strftime(ret_text, TIMETEXT_LEN + 1, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret_text + len, TIMETEXT_LEN + 1 - len, ".%03uZ", ms);
}
