/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight diff`: the alerts that a change of rules would gain and lose. */
#include "cli/rule_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "trial/coverage.h"
#include "trial/rule_diff.h"

struct diff_args {
	const char *rules[2];
	char *const *captures;
	unsigned n_captures;
	const struct event_type *on;
	bool json;
};

static void say(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "kernelsight diff: %s\n", text);
}

static struct rule_set *load(const char *path, bool *ret_unreadable)
{
	CLEANUP(rule_files_fini) struct rule_files files = { 0 };
	AUTO_FREE char *error = NULL;

	*ret_unreadable = !rule_files_add(&files, path, &error) || files.n == 0;
	if (!*ret_unreadable)
		return rule_args_load(&files);
	say(NULL, error ? error : "no *.json in the directory");
	return NULL;
}

static int print(const struct diff_args *args, const struct alert_log *logs)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	CLEANUP(rule_diff_fini) struct rule_diff diff = { 0 };

	rule_diff_init(&diff, &logs[0], &logs[1]);
	if (args->json)
		rule_diff_write_json(&diff, &text);
	else
		rule_diff_write_text(&diff, &text);
	(void)fwrite(text.data, 1, text.len, stdout);
	if (fflush(stdout) != 0) {
		say(NULL, "cannot write to standard output");
		return EXIT_USAGE;
	}
	return diff.n ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int compare(const struct diff_args *args, struct rule_set *const *sets)
{
	struct alert_log logs[2] = { 0 };
	struct replay_conf conf = { .n_targets = 2, .on_remark = say };
	struct streams streams = { 0 };
	struct replay_stats stats;
	AUTO_FREE char *error = NULL;
	int code = EXIT_USAGE;

	for (unsigned i = 0; i < 2; i++)
		conf.targets[i] = (struct replay_target){
			.rules = sets[i],
			.on_transition = alert_log_transition,
			.on_stream_end = alert_log_stream_end,
			.ctx = &logs[i],
		};
	if (streams_open(&streams, args->captures, args->n_captures, args->on, &error)) {
		coverage_report(&streams, sets[1], say, NULL);
		if (replay(&streams, &conf, &stats, &error))
			code = print(args, logs);
	}
	if (error)
		say(NULL, error);
	streams_fini(&streams);
	alert_log_fini(&logs[0]);
	alert_log_fini(&logs[1]);
	return code;
}

static int diff(const struct diff_args *args)
{
	struct rule_set *sets[2] = { NULL, NULL };
	bool unreadable = false;
	int code = EXIT_USAGE;

	for (unsigned i = 0; i < 2 && (i == 0 || sets[0]); i++)
		sets[i] = load(args->rules[i], &unreadable);
	if (sets[0] && sets[1])
		code = compare(args, sets);
	rule_set_free(sets[0]);
	rule_set_free(sets[1]);
	return code;
}

static const struct cli_option options[] = {
	{ "json", .offset = offsetof(struct diff_args, json) },
	{ "on", .read = option_source, .offset = offsetof(struct diff_args, on) },
};

static int run(int argc, char **argv)
{
	struct diff_args args = { 0 };
	int code;

	if (!options_read(&cmd_diff, argc, argv, options, ARRAY_SIZE(options), &args, &code))
		return code;
	if (argc - optind < 3)
		return usage_error(&cmd_diff, "give the old rules, the new rules and a capture",
				   "");
	args.rules[0] = argv[optind];
	args.rules[1] = argv[optind + 1];
	args.captures = argv + optind + 2;
	args.n_captures = (unsigned)(argc - optind - 2);
	return diff(&args);
}

const struct command cmd_diff = {
	.name = "diff",
	.usage = "[--json] [--on SOURCE] OLD NEW CAPTURE...",
	.help = "List the alerts that a change of rules would have lost, gained or changed.\n\n"
		"      --json       one JSON object, as docs/testing.md describes it\n"
		"      --on SOURCE  what events are of that do not say it themselves\n"
		"  -h, --help       this text\n\n"
		"OLD and NEW are rule files or directories of them; for CAPTURE see\n"
		"`kernelsight replay`. An alert is the same under both if rule and key are and their\n"
		"times overlap; it is changed if its severity is another, or its start.\n\n"
		"Exit status: 0 no difference, 1 some, 2 rules or captures cannot be read.\n",
	.run = run,
};
