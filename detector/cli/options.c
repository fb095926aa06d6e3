/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"
#include "rule/suggest.h"
#include "util/units.h"

#define LONG_BASE 256 /* what getopt_long() returns for the first row; no character */

static bool has_argument(const struct cli_option *o)
{
	return o->read && !o->bare;
}

/* The row for what getopt_long() returned; NULL if that is for none. */
static const struct cli_option *find(const struct cli_option *options, unsigned n, int c)
{
	for (unsigned i = 0; i < n; i++)
		if (c == LONG_BASE + (int)i || (options[i].letter && c == options[i].letter))
			return &options[i];
	return NULL;
}

/* "r:h" */
static void list_letters(const struct cli_option *options, unsigned n, struct buf *out)
{
	for (unsigned i = 0; i < n; i++)
		if (options[i].letter)
			buf_addf(out, "%c%s", options[i].letter,
				 has_argument(&options[i]) ? ":" : "");
	buf_addc(out, 'h');
}

/* The caller frees it. */
static struct option *list_names(const struct cli_option *options, unsigned n)
{
	struct option *names = xcalloc(n + 2, sizeof(*names));

	for (unsigned i = 0; i < n; i++)
		names[i] = (struct option){
			.name = options[i].name,
			.has_arg = has_argument(&options[i]) ? required_argument : no_argument,
			.val = LONG_BASE + (int)i,
		};
	names[n] = (struct option){ .name = "help", .val = 'h' };
	return names;
}

/* Returns what is wrong, for the caller to free; or NULL. */
static char *set(const struct cli_option *o, void *target)
{
	void *at = (char *)target + o->offset;

	if (o->read)
		return o->read(o->bare ? NULL : optarg, at);
	*(bool *)at = true;
	return NULL;
}

static int option_error(const struct command *command, const struct cli_option *o,
			const char *error)
{
	AUTO_FREE char *what = xasprintf("--%s: %s", o->name, error);

	return usage_error(command, what, "");
}

bool options_read(const struct command *command, int argc, char **argv,
		  const struct cli_option *options, unsigned n, void *target, int *ret_code)
{
	CLEANUP(buf_fini) struct buf letters = { 0 };
	AUTO_FREE struct option *names = list_names(options, n);
	int c;

	list_letters(options, n, &letters);
	while ((c = getopt_long(argc, argv, buf_str(&letters), names, NULL)) != -1) {
		const struct cli_option *o = find(options, n, c);
		AUTO_FREE char *error = o ? set(o, target) : NULL;

		if (o && !error)
			continue;
		if (error)
			*ret_code = option_error(command, o, error);
		else
			*ret_code = c == 'h' ? print_usage(command) : EXIT_USAGE;
		return false;
	}
	return true;
}

char *option_text(const char *text, void *target)
{
	*(const char **)target = text;
	return NULL;
}

char *option_duration(const char *text, void *target)
{
	uint64_t *ns = target;

	return duration_parse(text, ns) && *ns > 0
		       ? NULL
		       : xasprintf("expected a duration such as 90s or 1h, not \"%s\"", text);
}

char *option_source(const char *text, void *target)
{
	const struct event_type **type = target;
	AUTO_FREE char *hint = NULL;

	*type = event_type_find(text, strlen(text));
	if (*type)
		return NULL;
	hint = suggest_source(text);
	return xasprintf("no source \"%s\"%s", text, hint);
}

char *option_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || *ret < min || *ret > max)
		return xasprintf("expected a whole number from %llu to %llu, not \"%s\"",
				 (unsigned long long)min, (unsigned long long)max, text);
	return NULL;
}

char *option_event_limit(const char *text, void *target)
{
	uint64_t n = 0;
	char *error = strcmp(text, "off") == 0 ? NULL : option_number(text, 0, 1000000000, &n);

	*(uint32_t *)target = (uint32_t)n;
	return error;
}
