/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of rules: events at times in, alerts at times out, in virtual time (docs/testing.md).
 * Reads no file and no clock.
 */
#ifndef TRIAL_RULE_TEST_H
#define TRIAL_RULE_TEST_H

#include "rule/rule_load.h"
#include "util/buf.h"

#define RULE_TEST_EVENTS_MAX 2000000 /* of one test */

struct rule_tests; /* opaque */

/*
 * Reads a test file but for its tests. All arguments are borrowed until rule_tests_free(). NULL if
 * the text is not JSON, which is reported.
 */
struct rule_tests *rule_tests_new(const struct rule_file *file, struct diags *diags);
/* NULL is fine. */
void rule_tests_free(struct rule_tests *t);

/* The rule files it names, relative to itself; NULL behind the last. */
const char *rule_tests_file(const struct rule_tests *t, unsigned i);
/* Reports that the i-th of them cannot be read. */
void rule_tests_cannot_read(const struct rule_tests *t, unsigned i, const char *why);

/* Compiles the rules in these files and in the test file, then reads the tests. False if something
 * is wrong, which is reported. */
bool rule_tests_load(struct rule_tests *t, const struct rule_file *files, unsigned n);

unsigned rule_tests_count(const struct rule_tests *t);
const char *rule_tests_name(const struct rule_tests *t, unsigned i);
unsigned rule_tests_line(const struct rule_tests *t, unsigned i);
/* Runs the i-th test. If it fails, what differs is added to *report. */
bool rule_tests_run(struct rule_tests *t, unsigned i, struct buf *report);

#endif
