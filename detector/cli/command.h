/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of the program: `kernelsight NAME ...`. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "util/base.h"

/* What every command returns from run() for a wrong usage or a file that cannot be read. */
#define EXIT_USAGE 2

struct command {
	const char *name;
	const char *usage; /* what follows the name: "[--strict] FILE|DIR..." */
	const char *help;  /* the first line says what it is for, then come the options */
	/* argv[0] is the command's name; argv[argc] is NULL. Returns the exit code. */
	int (*run)(int argc, char **argv);
};

/* Says what is wrong with the command line, and the usage. Returns EXIT_USAGE. */
int usage_error(const struct command *command, const char *what, const char *about);
/* Prints what `--help` shows. Returns EXIT_SUCCESS. */
int print_usage(const struct command *command);

extern const struct command cmd_check;
extern const struct command cmd_diff;
extern const struct command cmd_run;
extern const struct command cmd_test;
extern const struct command cmd_events;
extern const struct command cmd_fields;
extern const struct command cmd_schema;
extern const struct command cmd_record;
extern const struct command cmd_replay;
extern const struct command cmd_reload;
extern const struct command cmd_explain;
extern const struct command cmd_status;
extern const struct command cmd_silence;
extern const struct command cmd_silences;
extern const struct command cmd_unsilence;

#endif
