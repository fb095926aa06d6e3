/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a command, by a table; --help and -h are in none, as all have them. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/command.h"

/* Reads the argument of an option. Returns NULL, or what is wrong with it, for the caller to free. */
typedef char *option_read_fn(const char *text, void *target);

struct cli_option {
	const char *name;     /* after "--" */
	char letter;	      /* after "-"; 0: none */
	option_read_fn *read; /* NULL: a bool that becomes true, without an argument */
	bool bare;     /* it has no argument though it has a read function, which gets NULL */
	size_t offset; /* of what it sets, in the target */
};

/*
 * Reads the options into the target; optind then is the index of the first argument that is none. False
 * if the command is to end with *ret_code: it printed its help, or said what is wrong.
 */
bool options_read(const struct command *command, int argc, char **argv,
		  const struct cli_option *options, unsigned n, void *target, int *ret_code);

/* Read functions. The text itself, which is lent, into a const char *. */
char *option_text(const char *text, void *target);
/* A duration of more than 0 into a uint64_t of ns. */
char *option_duration(const char *text, void *target);
/* A source into a const struct event_type *. */
char *option_source(const char *text, void *target);
/* The number that the text is, if it lies from min to max; for read functions of one. */
char *option_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/* --event-limit into a uint32_t, up to 1,000,000,000; "off" is 0. */
char *option_event_limit(const char *text, void *target);

#endif
