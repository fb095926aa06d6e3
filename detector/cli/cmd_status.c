/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight status`: the running daemon at a glance. */
#include "cli/control_client.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control.h"
#include "util/units.h"

static void print_text(const struct reply *r, const char *path, const char *before,
		       const char *after)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (reply_text(r, path, &text) && text.len > 0)
		printf("%s%s%s", before, buf_str(&text), after);
}

static void print_count(const struct reply *r, const char *path, const char *before)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	quantity_format(&text, reply_number(r, path), UNIT_COUNT);
	printf("%s%s", before, buf_str(&text));
}

/* As print_count(), but nothing of what is 0. */
static void print_some(const struct reply *r, const char *path, const char *before)
{
	if (reply_number(r, path) > 0)
		print_count(r, path, before);
}

static void print_silences(const struct reply *r)
{
	if (reply_number(r, "silences") + reply_number(r, "unsent") == 0)
		return;
	print_count(r, "silences", "\nsilences active ");
	print_count(r, "silenced", ", alerts no hook knows of ");
	print_count(r, "unsent", ", changes not sent so far ");
}

static void print_head(const struct reply *r)
{
	CLEANUP(buf_fini) struct buf up = { 0 };

	duration_format(&up, (uint64_t)(reply_number(r, "up_s") * (double)NS_PER_S));
	print_text(r, "version", "kernelsight ", "");
	print_text(r, "pid", ", process ", ", ");
	printf("up %s\n", buf_str(&up));
	print_count(r, "firing", "alerts   firing now ");
	print_count(r, "fired", ", so far fired ");
	print_count(r, "resolved", ", resolved ");
	print_some(r, "held", ", never said ");
	print_some(r, "alerts_not_shown", ", not read by anybody ");
	print_silences(r);
	print_count(r, "events", "\nevents   ");
	print_count(r, "matched", ", matched ");
	print_count(r, "lost", ", lost ");
	printf("\n");
}

/* Once, with the first of the event types that have it in common. */
static void print_ledger(const struct reply *source, const char *name)
{
	CLEANUP(buf_fini) struct buf of = { 0 };

	if (!reply_text(source, "ledger/of", &of) || strcmp(buf_str(&of), name) != 0)
		return;
	print_count(source, "ledger/seen", "      seen ");
	print_count(source, "ledger/filtered", " = filtered ");
	print_some(source, "ledger/aggregated", " + aggregated ");
	print_count(source, "ledger/emitted", " + emitted ");
	print_some(source, "ledger/ring_full", " + lost, ring full ");
	print_some(source, "ledger/no_storage", " + lost, no storage ");
	print_some(source, "ledger/map_full", " + lost, map full ");
	print_some(source, "ledger/rate_limited", " + lost, rate limited ");
	print_some(source, "ledger/not_run", "; not run ");
	print_some(source, "ledger/lost_in_user_space", "; lost in user space ");
	printf("\n");
}

static void print_source(void *ctx, const struct reply *source)
{
	CLEANUP(buf_fini) struct buf name = { 0 };

	(void)ctx;
	(void)reply_text(source, "name", &name);
	printf("  %-15s ", buf_str(&name));
	if (!reply_true(source, "attached")) {
		print_text(source, "error", "not attached: ", "\n");
		return;
	}
	print_text(source, "route", "attached: ", "\n");
	print_ledger(source, buf_str(&name));
}

static void print_age(const struct reply *r, const char *path, const char *before)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (!reply_find(r, path, &(struct reply){ 0 }))
		return;
	duration_format(&text, (uint64_t)(reply_number(r, path) * (double)NS_PER_S));
	printf("%s%s ago", before, buf_str(&text));
}

static void print_miss(const struct reply *rule)
{
	print_text(rule, "nearest_miss/value_text", "      nearest miss of the last hour: ", "");
	print_text(rule, "nearest_miss/limit_text", ", limit ", "");
	print_text(rule, "nearest_miss/key", " (", ")");
	print_age(rule, "nearest_miss/ago_s", ", ");
	if (reply_find(rule, "nearest_miss", &(struct reply){ 0 }))
		printf("\n");
}

static void print_rule(void *ctx, const struct reply *rule)
{
	(void)ctx;
	print_text(rule, "name", "  ", "");
	print_text(rule, "source", " on ", "");
	print_text(rule, "suspicious", ": suspicious, ", "");
	print_count(rule, "firing", "\n      firing ");
	print_count(rule, "fired", ", so far fired ");
	print_some(rule, "held", ", never said ");
	print_some(rule, "silenced", ", silenced now ");
	print_some(rule, "unsent", ", changes not sent ");
	print_some(rule, "keys", ", keys ");
	print_some(rule, "evicted", ", keys forgotten ");
	print_some(rule, "refused", ", events not judged ");
	print_some(rule, "matches_given_up", ", matches given up ");
	print_count(rule, "matched", "\n      matched ");
	print_age(rule, "last_match_s", ", last ");
	print_age(rule, "last_event_s", "; last event ");
	print_age(rule, "last_evaluation_s", ", last judged ");
	if (reply_number(rule, "cpu_ms") > 0)
		printf("; CPU time %.3g ms", reply_number(rule, "cpu_ms"));
	printf("\n");
	print_miss(rule);
}

static void print_hook(void *ctx, const struct reply *hook)
{
	(void)ctx;
	print_text(hook, "name", "  ", "");
	print_text(hook, "type", " (", "): ");
	print_count(hook, "delivered", "delivered ");
	print_some(hook, "retried", ", retried ");
	print_some(hook, "failed", ", failed ");
	print_some(hook, "dropped", ", dropped ");
	print_count(hook, "queued", ", waiting ");
	if (reply_true(hook, "gone"))
		printf("; its receiver is gone for good");
	print_text(hook, "next_try_s", "; next try in ", " s");
	print_text(hook, "last_failure", "\n      ", "");
	printf("\n");
}

static void print_status(const struct reply *r)
{
	print_head(r);
	printf("\nsources\n");
	reply_each(r, "sources", print_source, NULL);
	printf("\nrules, the most suspicious first\n");
	reply_each(r, "rules", print_rule, NULL);
	if (reply_find(r, "hooks/0", &(struct reply){ 0 }))
		printf("\nhooks\n");
	reply_each(r, "hooks", print_hook, NULL);
}

struct status_args {
	const char *socket;
	bool json;
};

static const struct cli_option options[] = {
	{ "json", .offset = offsetof(struct status_args, json) },
	{ "socket", .read = option_text, .offset = offsetof(struct status_args, socket) },
};

static int run(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf reply = { 0 };
	struct status_args args = { 0 };
	int code;

	if (!options_read(&cmd_status, argc, argv, options, ARRAY_SIZE(options), &args, &code))
		return code;
	if (optind < argc)
		return usage_error(&cmd_status, "unexpected argument ", argv[optind]);
	if (!control_ask(&cmd_status, control_path(args.socket), "{\"command\":\"status\"}",
			 &reply))
		return EXIT_FAILURE;
	if (args.json)
		printf("%s\n", buf_str(&reply));
	else
		print_status(&(struct reply){ reply.data, reply.len });
	return EXIT_SUCCESS;
}

const struct command cmd_status = {
	.name = "status",
	.usage = "[--json] [--socket PATH]",
	.help = "Show how the running daemon stands: sources, rules, hooks.\n\n"
		"      --json         one JSON object, as docs/operations.md describes it\n"
		"      --socket PATH  of the daemon to ask; without it $KERNELSIGHT_SOCKET or\n"
		"                     " CONTROL_PATH "\n"
		"  -h, --help         this text\n",
	.run = run,
};
