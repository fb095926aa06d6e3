/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight record`: events to a file, for `kernelsight replay`. */
#include "cli/command.h"
#include "cli/record_args.h"
#include "cli/rule_args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record.h"

struct record_args {
	struct rule_files files;
	bool rules_named;
	char **sources;
	unsigned n_sources;
	struct record_session_conf conf;
};

/* All of it: what no rule asks for cannot be had later. */
static bool is_named(const struct record_args *args, const char *source)
{
	for (unsigned i = 0; i < args->n_sources; i++)
		if (strcmp(args->sources[i], source) == 0)
			return true;
	return args->n_sources == 0 && !args->rules_named;
}

/* A source that is named is asked for what a rule on all its events would be. */
static void set_demands(const struct record_args *args, const struct rule_set *set,
			struct demand *demands)
{
	unsigned n, n_rules = set ? set->n_rules : 0;
	const struct event_type *types = event_types(&n);
	AUTO_FREE struct rule *rules = xcalloc(n_rules + n, sizeof(*rules));
	struct rule_set all = { .rules = rules, .n_rules = n_rules };

	if (n_rules)
		memcpy(rules, set->rules, n_rules * sizeof(*rules));
	for (unsigned i = 0; i < n; i++)
		if (is_named(args, types[i].name))
			rules[all.n_rules++].on = &types[i];
	for (unsigned i = 0; i < n; i++) {
		rule_demand(&all, &types[i], &demands[i]);
		if (is_named(args, types[i].name))
			demands[i].fields = UINT64_MAX;
	}
}

static int record(struct record_args *args)
{
	struct rule_set *set = args->rules_named ? rule_args_load(&args->files) : NULL;
	unsigned n;
	AUTO_FREE struct demand *demands = NULL;
	int code;

	if (args->rules_named && !set)
		return EXIT_FAILURE;
	(void)event_types(&n);
	demands = xcalloc(n, sizeof(*demands));
	set_demands(args, set, demands);
	rule_set_free(set);
	args->conf.demands = demands;
	code = record_run(&args->conf);
	return code;
}

static int parse(int argc, char **argv, struct record_args *args, bool *ret_help)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "rules", required_argument, NULL, 'r' },
		{ "duration", required_argument, NULL, 'd' },
		{ "max-size", required_argument, NULL, 'm' },
		{ "files", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	AUTO_FREE char *error = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "o:r:h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			args->conf.record.path = optarg;
			break;
		case 'r':
			args->rules_named = true;
			if (!rule_files_add(&args->files, optarg, &error))
				return usage_error(&cmd_record, error, "");
			break;
		case 'd':
			if (!parse_duration(optarg, &args->conf.duration_ns))
				return usage_error(&cmd_record,
						   "no duration such as 90s or 1h: ", optarg);
			break;
		case 'm':
			if (!parse_max_size(optarg, &args->conf.record.max_bytes))
				return usage_error(&cmd_record, "no size such as 256MB: ", optarg);
			break;
		case 'f':
			if (!parse_max_files(optarg, &args->conf.record.max_files))
				return usage_error(&cmd_record,
						   "no number from 2 to 100: ", optarg);
			break;
		case 'h':
			*ret_help = true;
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	}
	args->sources = argv + optind;
	args->n_sources = (unsigned)(argc - optind);
	if (!args->conf.record.path)
		return usage_error(&cmd_record, "say where to: -o FILE", "");
	if (args->rules_named && args->files.n == 0)
		return usage_error(&cmd_record, "no *.json in the directory of -r", "");
	for (unsigned i = 0; i < args->n_sources; i++)
		if (!event_type_find(args->sources[i], strlen(args->sources[i])))
			return usage_error(&cmd_record, "no source ", args->sources[i]);
	return EXIT_SUCCESS;
}

static int run(int argc, char **argv)
{
	struct record_args args = { 0 };
	bool help = false;
	int code = parse(argc, argv, &args, &help);

	if (help)
		code = print_usage(&cmd_record);
	else if (code == EXIT_SUCCESS)
		code = record(&args);
	rule_files_fini(&args.files);
	return code;
}

const struct command cmd_record = {
	.name = "record",
	.usage = "-o FILE [SOURCE...] [-r FILE|DIR]... [--duration TIME]\n"
		 "       [--max-size SIZE] [--files N]",
	.help = "Keep events in a file, for `kernelsight replay` and `kernelsight diff`.\n\n"
		"  -o, --output FILE     where to\n"
		"  -r, --rules FILE|DIR  keep what these rules look at\n"
		"      --duration TIME   end after that time (90s, 1h)\n"
		"      --max-size SIZE   what all files may take together, default 256MB; the oldest\n"
		"                        events go first\n"
		"      --files N         how many files: FILE, FILE.1, ..., default 4\n"
		"  -h, --help            this text\n\n"
		"SOURCE is one of those that `kernelsight fields` lists; without any and without -r, it\n"
		"is all of them. Ctrl-C ends it. The files are compressed with gzip and hold one JSON\n"
		"object a line. A file that is there already becomes FILE.1.\n",
	.run = run,
};
