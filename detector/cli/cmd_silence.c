/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight silence`, `silences` and `unsilence`: keep hooks from being told, for a time. */
#include "cli/control_client.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/control.h"
#include "util/json.h"
#include "util/timetext.h"
#include "util/units.h"

#define SOCKET_HELP                                                                                \
	"      --socket PATH   of the daemon to ask; without it $KERNELSIGHT_SOCKET or\n"          \
	"                      " CONTROL_PATH "\n"                                                 \
	"  -h, --help          this text\n"

struct silence_args {
	const char *socket;
	const char *length;
	const char *comment;
	bool json;
};

/* --- for people ------------------------------------------------------------------------------ */

/* By the local clock: "Mon 14:05". */
static void print_moment(const struct reply *r, const char *path)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	uint64_t wall_ns;
	struct tm local;
	time_t at;
	char shown[32];

	if (!reply_text(r, path, &text) || !timetext_parse(buf_str(&text), text.len, &wall_ns))
		return;
	at = (time_t)(wall_ns / NS_PER_S);
	(void)localtime_r(&at, &local);
	(void)strftime(shown, sizeof(shown), "%a %H:%M:%S", &local);
	printf("%s", shown);
}

static void print_text(const struct reply *r, const char *path)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	(void)reply_text(r, path, &text);
	printf("%s", buf_str(&text));
}

static void print_rule_name(void *ctx, const struct reply *name)
{
	unsigned *n = ctx;

	printf("%s", (*n)++ ? ", " : "");
	print_text(name, "");
}

static void print_rules(const struct reply *s)
{
	unsigned all = (unsigned)reply_number(s, "n_rules"), named = 0;

	if (all == 0) {
		printf("    matches no rule any more\n");
		return;
	}
	printf("    rule%s ", plural(all));
	reply_each(s, "rules", print_rule_name, &named);
	if (named < all)
		printf(" and %u more", all - named);
	printf("\n");
}

static void print_alerts(const struct reply *s)
{
	unsigned firing = (unsigned)reply_number(s, "firing");
	unsigned untold = (unsigned)reply_number(s, "untold");
	unsigned unsent = (unsigned)reply_number(s, "unsent");

	printf("    firing now %u", firing);
	if (untold)
		printf(", of which no hook knows of %u", untold);
	printf("; changes not sent %u\n", unsent);
}

static void print_silence(void *ctx, const struct reply *s)
{
	CLEANUP(buf_fini) struct buf left = { 0 };

	(void)ctx;
	duration_format(&left, (uint64_t)(reply_number(s, "left_s") * (double)NS_PER_S));
	printf("silence ");
	print_text(s, "id");
	printf(", until ");
	print_moment(s, "until");
	printf(" (%s more): ", buf_str(&left));
	print_text(s, "matchers");
	printf("\n    ");
	print_text(s, "comment");
	printf("\n");
	print_rules(s);
	print_alerts(s);
}

static void print_end(const struct reply *r)
{
	unsigned untold = (unsigned)reply_number(r, "silence/untold");

	printf("silence ");
	print_text(r, "silence/id");
	printf(" is ended");
	if (untold)
		printf("; %u alert%s fire%s that no hook knows of yet", untold, plural(untold),
		       untold == 1 ? "s" : "");
	printf("\n");
}

/* --- what is asked --------------------------------------------------------------------------- */

/* The reply; false if there is none, or no good one. */
static bool ask(const struct command *command, const struct silence_args *args, struct buf *request,
		struct buf *reply)
{
	return control_ask(command, control_path(args->socket), buf_str(request), reply);
}

/* The arguments as one text, with commas between. */
static void join(char *const *names, int n, struct buf *out)
{
	for (int i = 0; i < n; i++)
		buf_addf(out, "%s%s", i ? "," : "", names[i]);
}

static int ask_silence(const struct silence_args *args, char *const *names, int n)
{
	CLEANUP(buf_fini) struct buf matchers = { 0 }, request = { 0 }, reply = { 0 };
	struct json j = { .out = &request };
	struct reply silence;

	join(names, n, &matchers);
	json_open(&j, '{');
	json_member_str(&j, "command", "silence");
	json_member_str(&j, "matchers", buf_str(&matchers));
	json_member_str(&j, "comment", args->comment);
	json_member_str(&j, "for", args->length);
	json_close(&j, '}');
	if (!ask(&cmd_silence, args, &request, &reply))
		return EXIT_FAILURE;
	if (args->json)
		printf("%s\n", buf_str(&reply));
	else if (reply_find(&(struct reply){ reply.data, reply.len }, "silence", &silence))
		print_silence(NULL, &silence);
	return EXIT_SUCCESS;
}

/* --- the command lines ----------------------------------------------------------------------- */

static char *read_length(const char *text, void *target)
{
	uint64_t ns;

	*(const char **)target = text;
	return option_duration(text, &ns);
}

static const struct cli_option silence_options[] = {
	{ "for", .read = read_length, .offset = offsetof(struct silence_args, length) },
	{ "comment", .read = option_text, .offset = offsetof(struct silence_args, comment) },
	{ "json", .offset = offsetof(struct silence_args, json) },
	{ "socket", .read = option_text, .offset = offsetof(struct silence_args, socket) },
};

static int run_silence(int argc, char **argv)
{
	struct silence_args args = { 0 };
	int code;

	if (!options_read(&cmd_silence, argc, argv, silence_options, ARRAY_SIZE(silence_options),
			  &args, &code))
		return code;
	if (optind == argc)
		return usage_error(&cmd_silence, "say which alerts: rule=NAME, comm=postgres", "");
	if (!args.length)
		return usage_error(&cmd_silence, "say for how long: --for 2h", "");
	if (!args.comment)
		return usage_error(&cmd_silence, "say why: --comment TEXT", "");
	return ask_silence(&args, argv + optind, argc - optind);
}

static const struct cli_option list_options[] = {
	{ "json", .offset = offsetof(struct silence_args, json) },
	{ "socket", .read = option_text, .offset = offsetof(struct silence_args, socket) },
};

static int run_silences(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf request = { 0 }, reply = { 0 };
	struct silence_args args = { 0 };
	struct reply all;
	int code;

	if (!options_read(&cmd_silences, argc, argv, list_options, ARRAY_SIZE(list_options), &args,
			  &code))
		return code;
	if (optind < argc)
		return usage_error(&cmd_silences, "unexpected argument ", argv[optind]);
	buf_adds(&request, "{\"command\":\"silences\"}");
	if (!ask(&cmd_silences, &args, &request, &reply))
		return EXIT_FAILURE;
	all = (struct reply){ reply.data, reply.len };
	if (args.json)
		printf("%s\n", buf_str(&reply));
	else if (reply_find(&all, "silences/0", &(struct reply){ 0 }))
		reply_each(&all, "silences", print_silence, NULL);
	else
		printf("there is no silence\n");
	return EXIT_SUCCESS;
}

static int run_unsilence(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf request = { 0 }, reply = { 0 };
	struct silence_args args = { 0 };
	struct json j = { .out = &request };
	int code;

	if (!options_read(&cmd_unsilence, argc, argv, list_options, ARRAY_SIZE(list_options), &args,
			  &code))
		return code;
	if (argc - optind != 1)
		return usage_error(&cmd_unsilence, "name one silence by its number", "");
	json_open(&j, '{');
	json_member_str(&j, "command", "unsilence");
	json_member_str(&j, "id", argv[optind]);
	json_close(&j, '}');
	if (!ask(&cmd_unsilence, &args, &request, &reply))
		return EXIT_FAILURE;
	if (args.json)
		printf("%s\n", buf_str(&reply));
	else
		print_end(&(struct reply){ reply.data, reply.len });
	return EXIT_SUCCESS;
}

const struct command cmd_silence = {
	.name = "silence",
	.usage = "MATCHER... --for DURATION --comment TEXT [--json] [--socket PATH]",
	.help = "Have hooks not told of some alerts for a time.\n\n"
		"      --for DURATION  from now on: 30m, 2h; at most 30d\n"
		"      --comment TEXT  why, for whoever reads it next\n"
		"      --json          one JSON object, as docs/silences.md describes it\n" SOCKET_HELP
		"\nMATCHER is NAME=VALUE, several with blanks or commas between; all must fit. NAME is\n"
		"rule, severity, a field of the key or a label; VALUE is a text, or a glob (post*).\n\n"
		"The alerts are still shown and counted. Those that fire when it ends are told then.\n\n"
		"Exit status: 0 it is silenced, 1 it is not, 2 wrong usage.\n",
	.run = run_silence,
};

const struct command cmd_silences = {
	.name = "silences",
	.usage = "[--json] [--socket PATH]",
	.help = "List what is silenced, and what that holds back.\n\n"
		"      --json          one JSON object, as docs/silences.md describes it\n" SOCKET_HELP,
	.run = run_silences,
};

const struct command cmd_unsilence = {
	.name = "unsilence",
	.usage = "ID [--json] [--socket PATH]",
	.help = "End a silence now: hooks are told of what still fires.\n\n"
		"      --json          the silence as it was, as one JSON object\n" SOCKET_HELP
		"\nExit status: 0 it is ended, 1 there is none of that number.\n",
	.run = run_unsilence,
};
