/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/timetext.h"

#include <stdio.h>
#include <string.h>
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

bool timetext_parse(const char *text, size_t len, uint64_t *ret_wall_ns)
{
	char copy[40];
	struct tm tm = { 0 };
	int at = 0;
	uint64_t fraction_ns = 0, unit_ns = NS_PER_S / 10;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &at) != 6 ||
	    tm.tm_year < 1970 || tm.tm_year > 2500 || tm.tm_mon < 1 || tm.tm_mon > 12 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
	    tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	if (copy[at] == '.')
		for (at++; copy[at] >= '0' && copy[at] <= '9' && unit_ns; unit_ns /= 10)
			fraction_ns += (uint64_t)(copy[at++] - '0') * unit_ns;
	if (strcmp(copy + at, "Z") != 0)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ret_wall_ns = (uint64_t)timegm(&tm) * NS_PER_S + fraction_ns;
	return true;
}
