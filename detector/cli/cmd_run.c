/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight run`: the daemon, in the foreground. */
#include "cli/record_args.h"
#include "cli/rule_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "util/units.h"

#define RULE_PLACES_MAX 64
#define CPU_BUDGET	2 /* percent of all CPUs, unless the user says otherwise */
#define EVENT_LIMIT	100000

/* Where the rules come from: what -r names, or else the default places. */
struct rule_places {
	const char *paths[RULE_PLACES_MAX];
	unsigned n;
};

struct run_args {
	struct daemon_conf conf;
	struct rule_places places;
};

/* Returns NULL, or what is wrong, for the caller to free. */
static char *read_rules(const struct rule_places *places, struct rule_args *rules)
{
	for (unsigned i = 0; i < places->n; i++) {
		char *error = option_rules(places->paths[i], rules);

		if (error)
			return error;
	}
	return rule_args_complete(rules);
}

static const struct rule_set *load_again(void *ctx, FILE *messages)
{
	CLEANUP(rule_args_fini) struct rule_args rules = { 0 };
	AUTO_FREE char *error = read_rules(ctx, &rules);

	if (!error)
		return rule_args_load_to(&rules.files, messages);
	fprintf(messages, "%s\n", error);
	return NULL;
}

static int run_with(const struct rule_files *files, struct daemon_conf *conf)
{
	struct rule_set *set = rule_args_load(files);
	int code;

	if (!set)
		return EXIT_FAILURE;
	fprintf(stderr, "kernelsight " KERNELSIGHT_VERSION ": %u rule%s\n", set->n_rules,
		plural(set->n_rules));
	conf->rules = set;
	code = daemon_run(conf);
	rule_set_free(set);
	return code;
}

/* Of -r: where the rules are, to be read after the options and again later. */
static char *option_place(const char *path, void *target)
{
	struct rule_places *places = target;

	if (places->n == RULE_PLACES_MAX)
		return xasprintf("more than %d of them, at %s", RULE_PLACES_MAX, path);
	places->paths[places->n++] = path;
	return NULL;
}

/* Into a double: "5%" is 0.05; "off" is 0. */
static char *option_share(const char *text, void *target)
{
	bool off = strcmp(text, "off") == 0;
	size_t len = strlen(text);
	double percent = 0;
	enum unit unit;

	if (!off && (len == 0 || quantity_parse(text, len, &percent, &unit) != len ||
		     unit != UNIT_PERCENT || !(percent > 0 && percent <= 100)))
		return xasprintf("expected a share such as 5%%, or off, not \"%s\"", text);
	*(double *)target = percent / 100;
	return NULL;
}

static const struct cli_option options[] = {
	{ "rules", 'r', option_place, .offset = offsetof(struct run_args, places) },
	{ "duration", .read = option_duration,
	  .offset = offsetof(struct run_args, conf.duration_ns) },
	{ "dry-run", .offset = offsetof(struct run_args, conf.dry_run) },
	{ "cpu-budget", .read = option_share,
	  .offset = offsetof(struct run_args, conf.cpu_budget) },
	{ "event-limit", .read = option_event_limit,
	  .offset = offsetof(struct run_args, conf.event_limit) },
	{ "max-keys", .read = option_max_keys, .offset = offsetof(struct run_args, conf.max_keys) },
	{ "socket", .read = option_text, .offset = offsetof(struct run_args, conf.socket) },
	{ "record", .read = option_text, .offset = offsetof(struct run_args, conf.record.path) },
	{ "max-size", .read = option_max_size,
	  .offset = offsetof(struct run_args, conf.record.max_bytes) },
	{ "files", .read = option_max_files,
	  .offset = offsetof(struct run_args, conf.record.max_files) },
};

static int run(int argc, char **argv)
{
	CLEANUP(rule_args_fini) struct rule_args rules = { 0 };
	AUTO_FREE char *error = NULL;
	struct run_args args = { .conf = { .cpu_budget = CPU_BUDGET / 100.0,
					   .event_limit = EVENT_LIMIT,
					   .socket = control_path(NULL),
					   .load = load_again,
					   .load_ctx = &args.places } };
	int code;

	if (!options_read(&cmd_run, argc, argv, options, ARRAY_SIZE(options), &args, &code))
		return code;
	if (optind < argc)
		return usage_error(&cmd_run, "rules are named by -r; unexpected argument ",
				   argv[optind]);
	error = read_rules(&args.places, &rules);
	if (error)
		return usage_error(&cmd_run, error, "");
	return run_with(&rules.files, &args.conf);
}

const struct command cmd_run = {
	.name = "run",
	.usage = "[-r FILE|DIR]... [--duration TIME] [--dry-run] [--cpu-budget P%]\n"
		 "       [--event-limit N] [--max-keys N] [--socket PATH]\n"
		 "       [--record FILE [--max-size SIZE] [--files N]]",
	.help = "Attach to the kernel, evaluate the rules, show alerts and call hooks.\n\n"
		"  -r, --rules FILE|DIR  rules to use; without it those in " LOCAL_RULES ",\n"
		"                        or if there are none the ones that come with kernelsight;\n"
		"                        read again on SIGHUP and by `kernelsight reload`\n"
		"      --duration TIME   end after that time (90s, 1h)\n"
		"      --dry-run         say what hooks would send or run, and do nothing\n"
		"      --cpu-budget P%   what it may cost of the time of all CPUs, default " STRINGIFY(
			CPU_BUDGET) "%, or off:\n"
				    "                        beyond that, optional parts of sources are given up\n"
				    "      --event-limit N   single events of a source on each CPU in a second, default\n"
				    "                        " STRINGIFY(
					    EVENT_LIMIT) ", or off: what comes beyond that is counted as lost\n"
							 "      --max-keys N      keys a rule can have at once, default 10000\n"
							 "      --socket PATH     where `kernelsight status` and the like reach it; without it\n"
							 "                        $KERNELSIGHT_SOCKET or " CONTROL_PATH
							 "\n"
							 "      --record FILE     keep what it sees in FILE, for `kernelsight replay`\n"
							 "      --max-size SIZE   what all files of that may take together, default 256MB\n"
							 "      --files N         how many they are: FILE, FILE.1, ..., default 4\n"
							 "  -h, --help            this text\n\n"
							 "Alerts go to standard output: readable on a terminal, one JSON document a line\n"
							 "elsewhere. Ctrl-C ends it.\n",
	.run = run,
};
