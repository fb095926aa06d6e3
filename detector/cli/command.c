/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

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
