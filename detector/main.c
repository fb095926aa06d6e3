/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

static const struct command *const commands[] = {
	&cmd_run,    &cmd_events,  &cmd_check,	 &cmd_fields,	&cmd_schema,
	&cmd_record, &cmd_replay,  &cmd_diff,	 &cmd_test,	&cmd_status,
	&cmd_reload, &cmd_explain, &cmd_silence, &cmd_silences, &cmd_unsilence,
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: kernelsight COMMAND ...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-9s %.*s\n", commands[i]->name,
			(int)strcspn(commands[i]->help, "\n"), commands[i]->help);
	fprintf(out, "\n`kernelsight COMMAND --help` says more; --version prints the version.\n");
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[32]; /* with which getopt(3) begins its messages */

	(void)snprintf(name, sizeof(name), "kernelsight %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(name, "--version") == 0) {
		printf("kernelsight " KERNELSIGHT_VERSION "\n");
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return run(commands[i], argc - 1, argv + 1);
	if (*name)
		fprintf(stderr, "kernelsight: no command \"%s\"\n\n", name);
	print_help(stderr);
	return EXIT_USAGE;
}
