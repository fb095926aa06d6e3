/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight replay`: what rules would have said of recorded events. */
#include "cli/rule_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/incidents.h"
#include "trial/coverage.h"
#include "trial/summary.h"

struct replay_args {
	struct rule_args rules;
	const struct event_type *on;
	bool summary;
	unsigned max_keys;
};

struct output {
	struct summary *summary; /* NULL: alerts are printed instead */
	struct incidents *incidents;
	bool failed;
};

static void on_transition(void *ctx, const struct transition *t, const struct host_info *host)
{
	struct output *o = ctx;
	struct alert *a = alert_new(t, incidents_process(o->incidents, t), host);

	if (o->summary) {
		summary_add(o->summary, t, a);
	} else {
		o->failed |= fwrite(a->doc, 1, a->doc_len, stdout) != a->doc_len;
		o->failed |= putchar('\n') == EOF;
	}
	alert_unref(a);
}

static void on_stream_end(void *ctx, uint64_t wall_ns)
{
	struct output *o = ctx;

	if (o->summary)
		summary_end_stream(o->summary, wall_ns);
	incidents_free(o->incidents);
	o->incidents = incidents_new();
}

static void say(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "kernelsight replay: %s\n", text);
}

static void print_summary(const struct summary *s, const struct replay_stats *stats)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	summary_write(s, &text);
	replay_stats_write(stats, &text);
	(void)fwrite(text.data, 1, text.len, stdout);
}

static int replay_with(struct streams *streams, const struct rule_set *rules,
		       const struct replay_args *args)
{
	struct output output = { .summary = args->summary ? summary_new(rules) : NULL,
				 .incidents = incidents_new() };
	const struct replay_conf conf = {
		.targets = { { .rules = rules,
			       .on_transition = on_transition,
			       .on_stream_end = on_stream_end,
			       .ctx = &output } },
		.n_targets = 1,
		.max_keys = args->max_keys,
		.on_remark = say,
	};
	AUTO_FREE char *error = NULL;
	struct replay_stats stats;
	bool ok;

	coverage_report(streams, rules, say, NULL);
	ok = replay(streams, &conf, &stats, &error);
	if (ok && output.summary)
		print_summary(output.summary, &stats);
	summary_free(output.summary);
	incidents_free(output.incidents);
	if (error)
		say(NULL, error);
	if (fflush(stdout) != 0 || output.failed)
		say(NULL, "cannot write to standard output");
	else if (ok)
		return EXIT_SUCCESS;
	return ok ? EXIT_FAILURE : EXIT_USAGE;
}

static int replay_files(char *const *paths, unsigned n, const struct replay_args *args)
{
	struct rule_set *rules = rule_args_load(&args->rules.files);
	AUTO_FREE char *error = NULL;
	struct streams streams = { 0 };
	int code = EXIT_FAILURE;

	if (rules && streams_open(&streams, paths, n, args->on, &error)) {
		code = replay_with(&streams, rules, args);
	} else if (rules) {
		say(NULL, error);
		code = EXIT_USAGE;
	}
	streams_fini(&streams);
	rule_set_free(rules);
	return code;
}

static char *choose_alerts(const char *text, void *summary)
{
	(void)text;
	*(bool *)summary = false;
	return NULL;
}

static const struct cli_option options[] = {
	{ "rules", 'r', option_rules, .offset = offsetof(struct replay_args, rules) },
	{ "json", .read = choose_alerts, .bare = true,
	  .offset = offsetof(struct replay_args, summary) },
	{ "summary", .offset = offsetof(struct replay_args, summary) },
	{ "on", .read = option_source, .offset = offsetof(struct replay_args, on) },
	{ "max-keys", .read = option_max_keys, .offset = offsetof(struct replay_args, max_keys) },
};

static void args_fini(struct replay_args *args)
{
	rule_args_fini(&args->rules);
}

static int run(int argc, char **argv)
{
	CLEANUP(args_fini) struct replay_args args = { .summary = isatty(STDOUT_FILENO) };
	AUTO_FREE char *error = NULL;
	int code;

	if (!options_read(&cmd_replay, argc, argv, options, ARRAY_SIZE(options), &args, &code))
		return code;
	if (optind == argc)
		return usage_error(&cmd_replay, "no capture given", "");
	error = rule_args_complete(&args.rules);
	if (error)
		return usage_error(&cmd_replay, error, "");
	return replay_files(argv + optind, (unsigned)(argc - optind), &args);
}

const struct command cmd_replay = {
	.name = "replay",
	.usage = "[-r FILE|DIR]... [--json|--summary] [--on SOURCE] [--max-keys N] CAPTURE...",
	.help = "Say what rules would have fired on recorded events, as fast as that goes.\n\n"
		"  -r, --rules FILE|DIR  rules to use; without it those that `kernelsight run` uses\n"
		"      --json            print the alerts, one JSON document a line\n"
		"      --summary         print how many there were of each rule and day\n"
		"      --on SOURCE       what events are of that do not say it themselves\n"
		"      --max-keys N      keys a rule can have at once, default 10000\n"
		"  -h, --help            this text\n\n"
		"CAPTURE is a file of `kernelsight record`, or any file of events as JSON lines, plain\n"
		"or compressed with gzip; \"-\" is standard input. All files of one recording may be\n"
		"given in any order. Without --json or --summary, a terminal gets the summary and\n"
		"anything else the alerts. The same captures and rules give the same output, always.\n\n"
		"Exit status: 0, 1 the rules are not right, 2 a capture cannot be read.\n",
	.run = run,
};
