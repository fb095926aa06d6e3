/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight events`: what sources deliver, as JSON lines; no rules, no alerts. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/event_stream.h"

struct events_args {
	struct event_stream_conf conf;
	const char *where;
};

/* A number of events into a uint64_t. */
static char *option_count(const char *text, void *target)
{
	return option_number(text, 1, 1000000000000, target);
}

/* The condition must make sense for each of the sources. */
static bool parse_where(struct event_stream_conf *conf, const char *text)
{
	for (unsigned i = 0; text && i < conf->n_types; i++) {
		struct expr_error error;

		conf->where[i] = expr_parse(text, conf->types[i], &error);
		if (conf->where[i])
			continue;
		fprintf(stderr, "kernelsight events: --where: %s\n  %s\n  %*s^\n", error.message,
			text, (int)error.offset, "");
		free(error.message);
		return false;
	}
	return true;
}

static int name_a_source(void)
{
	CLEANUP(buf_fini) struct buf names = { 0 };
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", types[i].name);
	return usage_error(&cmd_events, "name a source: ", buf_str(&names));
}

static int add_sources(struct event_stream_conf *conf, int n, char **names)
{
	if (n == 0)
		return name_a_source();
	for (int i = 0; i < n; i++) {
		const struct event_type *type;
		AUTO_FREE char *error = option_source(names[i], &type);

		if (error)
			return usage_error(&cmd_events, error, "");
		for (unsigned k = 0; k < conf->n_types; k++)
			if (conf->types[k] == type)
				return usage_error(&cmd_events, "named twice: ", names[i]);
		conf->types[conf->n_types++] = type;
	}
	return EXIT_SUCCESS;
}

static int stream(struct event_stream_conf *conf, const char *where)
{
	int code = parse_where(conf, where) ? event_stream_run(conf) : EXIT_USAGE;

	for (unsigned i = 0; i < conf->n_types; i++)
		expr_free(conf->where[i]);
	return code;
}

static const struct cli_option options[] = {
	{ "where", .read = option_text, .offset = offsetof(struct events_args, where) },
	{ "duration", .read = option_duration,
	  .offset = offsetof(struct events_args, conf.duration_ns) },
	{ "count", .read = option_count, .offset = offsetof(struct events_args, conf.count) },
	{ "event-limit", .read = option_event_limit,
	  .offset = offsetof(struct events_args, conf.event_limit) },
	{ "stats", .offset = offsetof(struct events_args, conf.stats) },
};

static int run(int argc, char **argv)
{
	struct events_args args = { 0 };
	int code;

	if (!options_read(&cmd_events, argc, argv, options, ARRAY_SIZE(options), &args, &code))
		return code;
	if (add_sources(&args.conf, argc - optind, argv + optind) != EXIT_SUCCESS)
		return EXIT_USAGE;
	return stream(&args.conf, args.where);
}

const struct command cmd_events = {
	.name = "events",
	.usage = "SOURCE... [--where CONDITION] [--duration TIME] [--count N] [--event-limit N]\n"
		 "       [--stats]",
	.help = "Print what sources deliver, one JSON object a line.\n\n"
		"      --where CONDITION  only these, as in a rule: \"latency_ms > 50ms\"\n"
		"      --duration TIME    end after that time (10s, 5m)\n"
		"      --count N          end after N events\n"
		"      --event-limit N    single events of a source on each CPU in a second, or off (the\n"
		"                         default): what comes beyond that is counted as lost\n"
		"      --stats            at the end, say what was seen, sent and lost\n"
		"  -h, --help             this text\n\n"
		"SOURCE is one of those that `kernelsight fields` lists. System calls are reported from\n"
		"10 ms on, or from the latency that --where names.\n",
	.run = run,
};
