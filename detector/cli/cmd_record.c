/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight record`: events to a file, for `kernelsight replay`. */
#include "cli/record_args.h"
#include "cli/rule_args.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/record.h"

struct record_args {
	struct rule_args rules;
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
	return args->n_sources == 0 && !args->rules.named;
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
	struct rule_set *set = args->rules.named ? rule_args_load(&args->rules.files) : NULL;
	unsigned n;
	AUTO_FREE struct demand *demands = NULL;
	int code;

	if (args->rules.named && !set)
		return EXIT_FAILURE;
	(void)event_types(&n);
	demands = xcalloc(n, sizeof(*demands));
	set_demands(args, set, demands);
	rule_set_free(set);
	args->conf.demands = demands;
	code = record_run(&args->conf);
	return code;
}

static const struct cli_option options[] = {
	{ "output", 'o', option_text, .offset = offsetof(struct record_args, conf.record.path) },
	{ "rules", 'r', option_rules, .offset = offsetof(struct record_args, rules) },
	{ "duration", .read = option_duration,
	  .offset = offsetof(struct record_args, conf.duration_ns) },
	{ "max-size", .read = option_max_size,
	  .offset = offsetof(struct record_args, conf.record.max_bytes) },
	{ "files", .read = option_max_files,
	  .offset = offsetof(struct record_args, conf.record.max_files) },
};

/* Returns an exit code. */
static int take_sources(struct record_args *args, int n, char **names)
{
	args->sources = names;
	args->n_sources = (unsigned)n;
	for (int i = 0; i < n; i++) {
		const struct event_type *type;
		AUTO_FREE char *error = option_source(names[i], &type);

		if (error)
			return usage_error(&cmd_record, error, "");
	}
	return EXIT_SUCCESS;
}

static void args_fini(struct record_args *args)
{
	rule_args_fini(&args->rules);
}

static int run(int argc, char **argv)
{
	CLEANUP(args_fini) struct record_args args = { 0 };
	int code;

	if (!options_read(&cmd_record, argc, argv, options, ARRAY_SIZE(options), &args, &code))
		return code;
	if (!args.conf.record.path)
		return usage_error(&cmd_record, "say where to: -o FILE", "");
	if (args.rules.named && args.rules.files.n == 0)
		return usage_error(&cmd_record, "no *.json in the directory of -r", "");
	code = take_sources(&args, argc - optind, argv + optind);
	return code == EXIT_SUCCESS ? record(&args) : code;
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
