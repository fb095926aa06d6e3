/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight check`: are these rules right? Needs no privileges and reads nothing but the rules.
 */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/live_check.h"
#include "daemon/rule_check.h"
#include "daemon/rule_files.h"

static bool read_files(int argc, char **argv, struct rule_files *ret_files)
{
	for (int i = 0; i < argc; i++) {
		unsigned before = ret_files->n;
		AUTO_FREE char *error = NULL;

		if (rule_files_add(ret_files, argv[i], &error)) {
			if (ret_files->n > before)
				continue;
			error = xasprintf("%s: no *.json in this directory", argv[i]);
		}
		fprintf(stderr, "kernelsight check: %s\n", error);
		return false;
	}
	return true;
}

static void print_count(unsigned n, const char *noun)
{
	printf("%u %s%s", n, noun, plural(n));
}

static void print_summary(const struct rule_set *set)
{
	for (unsigned i = 0; i < set->n_files; i++) {
		unsigned rules = 0, hooks = 0;

		for (unsigned j = 0; j < set->n_rules; j++)
			rules += set->rules[j].file == set->files[i];
		for (unsigned j = 0; j < set->n_hooks; j++)
			hooks += set->hooks[j].file == set->files[i];
		printf("%s: ", set->files[i]);
		print_count(rules, "rule");
		printf(", ");
		print_count(hooks, "hook");
		printf(": ok\n");
	}
}

struct options {
	bool strict;
	bool live;
};

/* EXIT_SUCCESS, EXIT_FAILURE or, if nothing can be attached, EXIT_USAGE. */
static int check(const struct rule_files *files, struct options options)
{
	struct diags *diags = diags_new();
	struct rule_set *set = rule_load(files->files, files->n, diags);
	AUTO_FREE char *error = NULL;
	bool ok;

	if (set)
		rule_check_templates(set, files->files, files->n, diags);
	if (set && options.live && !live_check(set, files->files, diags, &error))
		fprintf(stderr, "kernelsight check: --live: %s\n", error);
	ok = diags_errors(diags) == 0 && !(options.strict && diags_warnings(diags));
	diags_print(diags, stderr);
	if (ok && !error)
		print_summary(set);
	rule_set_free(set);
	diags_free(diags);
	if (error)
		return EXIT_USAGE;
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const struct cli_option options[] = {
	{ "strict", .offset = offsetof(struct options, strict) },
	{ "live", .offset = offsetof(struct options, live) },
};

static int run(int argc, char **argv)
{
	CLEANUP(rule_files_fini) struct rule_files files = { 0 };
	struct options chosen = { 0 };
	int code;

	if (!options_read(&cmd_check, argc, argv, options, ARRAY_SIZE(options), &chosen, &code))
		return code;
	if (optind == argc) {
		return usage_error(&cmd_check, "no rule file given", "");
	}
	if (!read_files(argc - optind, argv + optind, &files))
		return EXIT_USAGE;
	return check(&files, chosen);
}

const struct command cmd_check = {
	.name = "check",
	.usage = "[--strict] [--live] FILE|DIR...",
	.help = "Check rule files: all mistakes with their places, without running anything.\n\n"
		"A directory stands for its *.json files. Files given together are checked as one set\n"
		"of rules, as the daemon reads them.\n\n"
		"  --strict    let warnings fail too\n"
		"  --live      attach for a moment what the rules want (as root), and warn of what\n"
		"              this kernel does not give\n"
		"  -h, --help  show this text\n\n"
		"Exit status: 0 the rules are right, 1 they are not, 2 a file cannot be read, or\n"
		"nothing can be attached.\n",
	.run = run,
};
