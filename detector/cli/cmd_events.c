/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight events`: what sources deliver, as JSON lines; no rules, no alerts. */
#include "cli/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/event_stream.h"
#include "util/units.h"

static bool parse_count(const char *text, uint64_t *ret_count)
{
	char *end;

	*ret_count = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *ret_count > 0;
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
		const struct event_type *type = event_type_find(names[i], strlen(names[i]));

		if (!type)
			return usage_error(&cmd_events, "no source ", names[i]);
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

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "where", required_argument, NULL, 'w' },
		{ "duration", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'c' },
		{ "event-limit", required_argument, NULL, 'e' },
		{ "stats", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct event_stream_conf conf = { 0 };
	const char *where = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'w':
			where = optarg;
			break;
		case 'd':
			if (!parse_duration(optarg, &conf.duration_ns))
				return usage_error(&cmd_events,
						   "no duration such as 90s or 1h: ", optarg);
			break;
		case 'c':
			if (!parse_count(optarg, &conf.count))
				return usage_error(&cmd_events, "no count: ", optarg);
			break;
		case 'e':
			if (!parse_event_limit(optarg, &conf.event_limit))
				return usage_error(&cmd_events,
						   "no number up to 1000000000 or off: ", optarg);
			break;
		case 's':
			conf.stats = true;
			break;
		case 'h':
			return print_usage(&cmd_events);
		default:
			return EXIT_USAGE;
		}
	}
	if (add_sources(&conf, argc - optind, argv + optind) != EXIT_SUCCESS)
		return EXIT_USAGE;
	return stream(&conf, where);
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
