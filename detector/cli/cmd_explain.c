/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight explain`: why a rule fires or not, by the running daemon or a capture. */
#include "cli/control_client.h"
#include "cli/rule_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/control.h"
#include "engine/explain.h"
#include "trial/replay.h"
#include "util/units.h"

struct explain_args {
	const char *rule;
	const char *key; /* NULL: any */
	const char *socket;
	const char *capture; /* NULL: ask the daemon */
	const struct event_type *on;
	bool json;
	struct rule_args rules;
};

/* --- for people ------------------------------------------------------------------------------ */

static void print_gate(void *ctx, const struct reply *gate)
{
	CLEANUP(buf_fini) struct buf name = { 0 };
	CLEANUP(buf_fini) struct buf says = { 0 };
	struct reply passes;
	const char *mark = "?   ";

	(void)ctx;
	(void)reply_text(gate, "gate", &name);
	(void)reply_text(gate, "says", &says);
	if (reply_find(gate, "passes", &passes))
		mark = passes.text[0] == 't' ? "ok  " : "HOLD";
	printf("  %s  %-12s  %s\n", mark, buf_str(&name), buf_str(&says));
}

static void print_name(void *ctx, const struct reply *key)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	(void)ctx;
	(void)reply_text(key, "", &text);
	printf("  %s\n", buf_str(&text));
}

static void print_miss(const struct reply *r)
{
	CLEANUP(buf_fini) struct buf value = { 0 };
	CLEANUP(buf_fini) struct buf limit = { 0 };
	CLEANUP(buf_fini) struct buf key = { 0 };
	CLEANUP(buf_fini) struct buf gate = { 0 };
	CLEANUP(buf_fini) struct buf ago = { 0 };

	if (!reply_text(r, "nearest_miss/value_text", &value)) {
		printf("\nno miss in the last hour\n");
		return;
	}
	(void)reply_text(r, "nearest_miss/key", &key);
	(void)reply_text(r, "nearest_miss/gate", &gate);
	duration_format(&ago, (uint64_t)(reply_number(r, "nearest_miss/ago_s") * (double)NS_PER_S));
	printf("\nnearest miss of the last hour: %s", buf_str(&value));
	if (reply_text(r, "nearest_miss/limit_text", &limit))
		printf(", limit %s", buf_str(&limit));
	if (key.len)
		printf(" (%s)", buf_str(&key));
	printf(", %s ago; stopped by: %s\n", buf_str(&ago), buf_str(&gate));
}

static void print_explanation(const struct reply *r)
{
	CLEANUP(buf_fini) struct buf rule = { 0 };
	CLEANUP(buf_fini) struct buf key = { 0 };
	CLEANUP(buf_fini) struct buf verdict = { 0 };

	(void)reply_text(r, "rule", &rule);
	(void)reply_text(r, "verdict", &verdict);
	printf("rule %s", buf_str(&rule));
	if (reply_text(r, "key", &key) && key.len)
		printf(", key %s%s", buf_str(&key),
		       reply_true(r, "known") ? "" : ", which it does not know");
	printf(": %s\n\n", buf_str(&verdict));
	reply_each(r, "gates", print_gate, NULL);
	print_miss(r);
	if (reply_find(r, "closest/0", &(struct reply){ 0 }))
		printf("\nthe closest keys that it knows\n");
	reply_each(r, "closest", print_name, NULL);
}

static void print(const struct explain_args *args, const struct buf *text)
{
	if (args->json)
		printf("%s\n", buf_str(text));
	else
		print_explanation(&(struct reply){ text->data, text->len });
}

/* --- by the daemon --------------------------------------------------------------------------- */

static int ask(const struct explain_args *args)
{
	CLEANUP(buf_fini) struct buf request = { 0 };
	CLEANUP(buf_fini) struct buf reply = { 0 };
	struct json j = { .out = &request };

	json_open(&j, '{');
	json_member_str(&j, "command", "explain");
	json_member_str(&j, "rule", args->rule);
	json_member_str(&j, "key", args->key);
	json_close(&j, '}');
	if (!control_ask(&cmd_explain, control_path(args->socket), buf_str(&request), &reply))
		return EXIT_FAILURE;
	print(args, &reply);
	return EXIT_SUCCESS;
}

/* --- by a capture ---------------------------------------------------------------------------- */

struct at_end {
	const struct explain_args *args;
	struct buf text;
	char *error;
};

static bool in_capture(void *ctx, const struct event_type *type, struct buf *ret_phrase)
{
	(void)ctx;
	buf_addf(ret_phrase, "%s is read from the capture", type->name);
	return true;
}

static void on_engine_end(void *ctx, struct engine *e, uint64_t now_ns, int64_t wall_offset_ns)
{
	struct at_end *end = ctx;
	const struct explain_conf conf = {
		.now_ns = now_ns,
		.wall_offset_ns = wall_offset_ns,
		.source_stands = in_capture,
	};
	struct json j = { .out = &end->text };

	buf_reset(&end->text);
	json_open(&j, '{');
	free(end->error);
	end->error = engine_explain(e, end->args->rule, end->args->key, &conf, &j);
	json_close(&j, '}');
}

static void on_transition(void *ctx, const struct transition *t, const struct host_info *host)
{
	(void)ctx;
	(void)t;
	(void)host;
}

static void say(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "kernelsight explain: %s\n", text);
}

static int replay_and_explain(const struct explain_args *args, const struct rule_set *rules)
{
	struct at_end end = { .args = args };
	const struct replay_conf conf = {
		.targets = { { .rules = rules,
			       .on_transition = on_transition,
			       .on_engine_end = on_engine_end,
			       .ctx = &end } },
		.n_targets = 1,
		.on_remark = say,
	};
	char *const paths[] = { (char *)args->capture };
	AUTO_FREE char *error = NULL;
	struct streams streams = { 0 };
	struct replay_stats stats;
	int code = EXIT_USAGE;

	if (!streams_open(&streams, paths, 1, args->on, &error) ||
	    !replay(&streams, &conf, &stats, &error)) {
		say(NULL, error);
	} else if (end.error) {
		say(NULL, end.error);
		code = EXIT_FAILURE;
	} else {
		print(args, &end.text);
		code = EXIT_SUCCESS;
	}
	streams_fini(&streams);
	buf_fini(&end.text);
	free(end.error);
	return code;
}

static int explain_capture(struct explain_args *args)
{
	AUTO_FREE char *error = rule_args_complete(&args->rules);
	struct rule_set *rules;
	int code;

	if (error)
		return usage_error(&cmd_explain, error, "");
	rules = rule_args_load(&args->rules.files);
	if (!rules)
		return EXIT_FAILURE;
	code = replay_and_explain(args, rules);
	rule_set_free(rules);
	return code;
}

/* --- the command line ------------------------------------------------------------------------ */

static const struct cli_option options[] = {
	{ "json", .offset = offsetof(struct explain_args, json) },
	{ "socket", .read = option_text, .offset = offsetof(struct explain_args, socket) },
	{ "capture", .read = option_text, .offset = offsetof(struct explain_args, capture) },
	{ "rules", 'r', option_rules, .offset = offsetof(struct explain_args, rules) },
	{ "on", .read = option_source, .offset = offsetof(struct explain_args, on) },
};

/* The arguments that are no options; returns an exit code. */
static int take_names(struct explain_args *args, int n, char **names)
{
	if (n < 1 || n > 2)
		return usage_error(&cmd_explain, "name a rule, and at most one key", "");
	if (args->rules.named && !args->capture)
		return usage_error(&cmd_explain,
				   "-r is for --capture: the daemon has its own rules", "");
	if (args->socket && args->capture)
		return usage_error(&cmd_explain, "either --socket or --capture, not both", "");
	args->rule = names[0];
	args->key = n > 1 ? names[1] : NULL;
	return EXIT_SUCCESS;
}

static void args_fini(struct explain_args *args)
{
	rule_args_fini(&args->rules);
}

static int run(int argc, char **argv)
{
	CLEANUP(args_fini) struct explain_args args = { 0 };
	int code;

	if (!options_read(&cmd_explain, argc, argv, options, ARRAY_SIZE(options), &args, &code))
		return code;
	code = take_names(&args, argc - optind, argv + optind);
	if (code != EXIT_SUCCESS)
		return code;
	return args.capture ? explain_capture(&args) : ask(&args);
}

const struct command cmd_explain = {
	.name = "explain",
	.usage = "RULE [KEY] [--json] [--socket PATH | --capture FILE [-r FILE|DIR]...]",
	.help = "Say why a rule fires or does not, gate by gate.\n\n"
		"      --json                one JSON object, as docs/explain.md describes it\n"
		"      --socket PATH         of the daemon to ask; without it $KERNELSIGHT_SOCKET or\n"
		"                            " CONTROL_PATH "\n"
		"      --capture FILE        not a daemon, but what rules know at the end of a capture\n"
		"  -r, --rules FILE|DIR      these rules, with --capture; as for `kernelsight replay`\n"
		"      --on SOURCE           the source of events that do not name one\n"
		"  -h, --help                this text\n\n"
		"KEY is as alerts show it, comm=postgres,pid=812, or some of its fields; without it,\n"
		"the key is shown that is nearest to firing.\n\n"
		"Exit status: 0 it is explained, 1 there is no such rule, key field or daemon, 2 wrong\n"
		"usage, or a file that cannot be read.\n",
	.run = run,
};
