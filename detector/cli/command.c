/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/units.h"

int usage_error(const struct command *command, const char *what, const char *about)
{
	fprintf(stderr, "kernelsight %s: %s%s\nusage: kernelsight %s %s\n", command->name, what,
		about, command->name, command->usage);
	return EXIT_USAGE;
}

int print_usage(const struct command *command)
{
	printf("usage: kernelsight %s %s\n\n%s", command->name, command->usage, command->help);
	return EXIT_SUCCESS;
}

bool parse_duration(const char *text, uint64_t *ret_ns)
{
	return duration_parse(text, ret_ns) && *ret_ns > 0;
}

bool parse_event_limit(const char *text, uint32_t *ret_limit)
{
	bool off = strcmp(text, "off") == 0;
	char *end;
	unsigned long n = off ? 0 : strtoul(text, &end, 10);

	if (!off && (*text < '0' || *text > '9' || *end || n > 1000000000))
		return false;
	*ret_limit = (uint32_t)n;
	return true;
}
