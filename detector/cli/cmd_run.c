/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight run`: the daemon, in the foreground. */
#include "cli/command.h"
#include "cli/record_args.h"
#include "cli/rule_args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "util/units.h"

#define RULE_PLACES_MAX 64
#define CPU_BUDGET	0.05 /* of all CPUs, unless the user says otherwise */
#define EVENT_LIMIT	100000

/* Where the rules come from: what -r names, or else the default places. */
struct rule_places {
	const char *paths[RULE_PLACES_MAX];
	unsigned n;
};

static bool read_rules(const struct rule_places *places, struct rule_files *files, char **ret_error)
{
	for (unsigned i = 0; i < places->n; i++)
		if (!rule_files_add(files, places->paths[i], ret_error))
			return false;
	if (places->n == 0)
		return rule_args_default(files, ret_error);
	if (files->n > 0)
		return true;
	*ret_error = xstrdup("no *.json in the directory of -r");
	return false;
}

static const struct rule_set *load_again(void *ctx, FILE *messages)
{
	CLEANUP(rule_files_fini) struct rule_files files = { 0 };
	AUTO_FREE char *error = NULL;

	if (read_rules(ctx, &files, &error))
		return rule_args_load_to(&files, messages);
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

/* "5%" is 0.05; "off" is 0. */
static bool parse_share(const char *text, double *ret_share)
{
	size_t len = strlen(text);
	enum unit unit;
	double percent;

	if (strcmp(text, "off") == 0) {
		*ret_share = 0;
		return true;
	}
	if (len == 0 || quantity_parse(text, len, &percent, &unit) != len || unit != UNIT_PERCENT ||
	    !(percent > 0 && percent <= 100))
		return false;
	*ret_share = percent / 100;
	return true;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "duration", required_argument, NULL, 'd' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "cpu-budget", required_argument, NULL, 'b' },
		{ "event-limit", required_argument, NULL, 'e' },
		{ "max-keys", required_argument, NULL, 'k' },
		{ "socket", required_argument, NULL, 's' },
		{ "record", required_argument, NULL, 'o' },
		{ "max-size", required_argument, NULL, 'm' },
		{ "files", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	CLEANUP(rule_files_fini) struct rule_files files = { 0 };
	AUTO_FREE char *error = NULL;
	struct rule_places places = { 0 };
	struct daemon_conf conf = { .cpu_budget = CPU_BUDGET,
				    .event_limit = EVENT_LIMIT,
				    .socket = control_path(NULL),
				    .load = load_again,
				    .load_ctx = &places };
	int c;

	while ((c = getopt_long(argc, argv, "r:h", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			if (places.n == RULE_PLACES_MAX)
				return usage_error(&cmd_run, "too many -r: at ", optarg);
			places.paths[places.n++] = optarg;
			break;
		case 'd':
			if (!parse_duration(optarg, &conf.duration_ns))
				return usage_error(&cmd_run,
						   "no duration such as 90s or 1h: ", optarg);
			break;
		case 'n':
			conf.dry_run = true;
			break;
		case 'k':
			if (!parse_max_keys(optarg, &conf.max_keys))
				return usage_error(&cmd_run,
						   "no number from 1 to 100000000: ", optarg);
			break;
		case 's':
			conf.socket = optarg;
			break;
		case 'b':
			if (!parse_share(optarg, &conf.cpu_budget))
				return usage_error(&cmd_run,
						   "no share such as 5% or off: ", optarg);
			break;
		case 'e':
			if (!parse_event_limit(optarg, &conf.event_limit))
				return usage_error(&cmd_run,
						   "no number up to 1000000000 or off: ", optarg);
			break;
		case 'o':
			conf.record.path = optarg;
			break;
		case 'm':
			if (!parse_max_size(optarg, &conf.record.max_bytes))
				return usage_error(&cmd_run, "no size such as 256MB: ", optarg);
			break;
		case 'f':
			if (!parse_max_files(optarg, &conf.record.max_files))
				return usage_error(&cmd_run, "no number from 2 to 100: ", optarg);
			break;
		case 'h':
			return print_usage(&cmd_run);
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error(&cmd_run, "unexpected argument ", argv[optind]);
	if (!read_rules(&places, &files, &error))
		return usage_error(&cmd_run, error, "");
	return run_with(&files, &conf);
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
		"      --cpu-budget P%   what it may cost of the time of all CPUs, default 5%, or off:\n"
		"                        beyond that, optional parts of sources are given up\n"
		"      --event-limit N   single events of a source on each CPU in a second, default\n"
		"                        100000, or off: what comes beyond that is counted as lost\n"
		"      --max-keys N      keys a rule can have at once, default 10000\n"
		"      --socket PATH     where `kernelsight status` and the like reach it; without it\n"
		"                        $KERNELSIGHT_SOCKET or " CONTROL_PATH "\n"
		"      --record FILE     keep what it sees in FILE, for `kernelsight replay`\n"
		"      --max-size SIZE   what all files of that may take together, default 256MB\n"
		"      --files N         how many they are: FILE, FILE.1, ..., default 4\n"
		"  -h, --help            this text\n\n"
		"Alerts go to standard output: readable on a terminal, one JSON document a line\n"
		"elsewhere. Ctrl-C ends it.\n",
	.run = run,
};
