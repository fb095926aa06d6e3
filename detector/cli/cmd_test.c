/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight test`: unit tests of rules. Needs no privileges. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/rule_files.h"
#include "trial/rule_test.h"

struct tally {
	unsigned passed;
	unsigned failed;
	bool broken; /* some file cannot be read or is wrong */
	bool verbose;
};

/* A path that is meant relative to the folder of the test file; the caller frees it. */
static char *beside(const char *test_file, const char *path)
{
	const char *slash = strrchr(test_file, '/');

	if (*path == '/' || !slash)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - test_file), test_file, path);
}

static void read_rules(struct rule_tests *tests, const char *test_file, struct rule_files *rules)
{
	const char *name;

	for (unsigned i = 0; (name = rule_tests_file(tests, i)); i++) {
		AUTO_FREE char *path = beside(test_file, name);
		AUTO_FREE char *error = NULL;

		if (!rule_files_add(rules, path, &error))
			rule_tests_cannot_read(tests, i, error);
	}
}

static void run_tests(struct rule_tests *tests, const char *file, struct tally *tally)
{
	unsigned n = rule_tests_count(tests), failed = 0;

	for (unsigned i = 0; i < n; i++) {
		CLEANUP(buf_fini) struct buf report = { 0 };
		bool ok = rule_tests_run(tests, i, &report);

		failed += !ok;
		if (!ok)
			printf("FAILED %s:%u: %s\n%s", file, rule_tests_line(tests, i),
			       rule_tests_name(tests, i), buf_str(&report));
		else if (tally->verbose)
			printf("ok     %s:%u: %s\n", file, rule_tests_line(tests, i),
			       rule_tests_name(tests, i));
	}
	tally->passed += n - failed;
	tally->failed += failed;
}

static void test_file(const struct rule_file *file, struct tally *tally)
{
	CLEANUP(rule_files_fini) struct rule_files rules = { 0 };
	struct diags *diags = diags_new();
	struct rule_tests *tests = rule_tests_new(file, diags);
	bool ok = tests != NULL;

	if (ok)
		read_rules(tests, file->name, &rules);
	ok = ok && rule_tests_load(tests, rules.files, rules.n);
	(void)fflush(stdout);
	diags_print(diags, stderr);
	if (ok)
		run_tests(tests, file->name, tally);
	tally->broken |= !ok;
	rule_tests_free(tests);
	diags_free(diags);
}

static const struct cli_option options[] = {
	{ "verbose", 'v', .offset = offsetof(struct tally, verbose) },
};

static int run(int argc, char **argv)
{
	CLEANUP(rule_files_fini) struct rule_files files = { 0 };
	AUTO_FREE char *error = NULL;
	struct tally tally = { 0 };
	int code;

	if (!options_read(&cmd_test, argc, argv, options, ARRAY_SIZE(options), &tally, &code))
		return code;
	if (optind == argc)
		return usage_error(&cmd_test, "no test file given", "");
	for (int i = optind; i < argc; i++)
		if (!rule_files_add(&files, argv[i], &error))
			return usage_error(&cmd_test, error, "");
	if (files.n == 0)
		return usage_error(&cmd_test, "no *.json in the directory", "");
	for (unsigned i = 0; i < files.n; i++)
		test_file(&files.files[i], &tally);
	printf("%u passed, %u failed\n", tally.passed, tally.failed);
	if (tally.broken)
		return EXIT_USAGE;
	return tally.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command cmd_test = {
	.name = "test",
	.usage = "[--verbose] FILE|DIR...",
	.help = "Run unit tests of rules, in virtual time.\n\n"
		"  -v, --verbose  name the tests that pass, too\n"
		"  -h, --help     this text\n\n"
		"A test file says which events come when, and which alerts that is to make;\n"
		"docs/testing.md shows how. A directory stands for its *.json files.\n\n"
		"Exit status: 0 all pass, 1 some fail, 2 a file cannot be read or is wrong.\n",
	.run = run,
};
