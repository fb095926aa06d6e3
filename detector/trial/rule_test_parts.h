/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of rule tests; of no use to others. */
#ifndef TRIAL_RULE_TEST_PARTS_H
#define TRIAL_RULE_TEST_PARTS_H

#include "engine/alert.h"
#include "event/event_read.h"
#include "rule/json_object.h"
#include "trial/rule_test.h"

/* Virtual time begins with this: 2026-01-01T00:00:00Z, a day after boot. */
#define TEST_START_NS  (86400 * NS_PER_S)
#define TEST_WALL_NS   1767225600000000000
#define TEST_OFFSET_NS (TEST_WALL_NS - (int64_t)TEST_START_NS)

/* A field of the events that an entry of "events" makes. */
struct test_field {
	struct node node;
	const char *key;
	char **values; /* as JSON; taken in turn */
	unsigned n_values;
	bool ramps; /* instead: from the first event to the last evenly */
	double from, to;
};

/* An entry of "events". */
struct test_entry {
	struct node node;
	const struct event_type *on;
	struct test_field *fields;
	unsigned n_fields;
	uint64_t lost;	 /* not 0: no events, but a loss of so many */
	uint64_t *at_ns; /* of each of its events, since the start of the test */
	unsigned n;
};

enum said { SAID_FIRING, SAID_RESOLVED, SAID_REPEATED, SAID_CHANGED };

/* A member of the alert document that is expected to be so. */
struct test_member {
	char *path;  /* for json_find() */
	char *shown; /* as written */
	char *value; /* as JSON */
};

/* An entry of "expect". */
struct expectation {
	unsigned line;
	bool has_at;
	uint64_t at_ns;
	uint64_t within_ns;
	enum said said;
	const struct rule *rule;
	struct test_member *members;
	unsigned n_members;
};

struct rule_test {
	char *name;
	unsigned line;
	uint64_t until_ns; /* 0: until the last event or expectation */
	struct test_entry *entries;
	unsigned n_entries;
	struct expectation *expectations;
	unsigned n_expectations;
};

/* What a test file is while its tests are read. */
struct test_context {
	const char *text; /* of the file */
	const struct rule_set *rules;
	struct event_reader *reader;
	unsigned *n_errors;
};

const char *said_name(enum said said);

/* rule_test_events.c: reads a list of entries; defaults is an object of fields or has no doc. */
struct test_entry *test_entries_read(const struct node *list, const struct node *defaults,
				     const struct test_context *ctx, unsigned *ret_n);
void test_entries_free(struct test_entry *entries, unsigned n);
/* Makes the i-th event of an entry in *ret_record, which is large enough. */
bool test_event_make(const struct test_entry *e, unsigned i, struct event_reader *reader,
		     void *ret_record, struct event_read_error *ret_error,
		     const struct test_field **ret_field);

/* rule_test_expect.c */
struct expectation *expectations_read(const struct node *list, const struct test_context *ctx,
				      unsigned *ret_n);
void expectations_free(struct expectation *all, unsigned n);

/* An alert that was said. */
struct said_alert {
	uint64_t at_ns; /* since the start of the test */
	enum said said;
	const struct rule *rule;
	struct alert *alert;
};

/* rule_test_compare.c: false, with what differs in *report, if the alerts are not the expected. The
 * engine is as it was at the end, now_ns. */
bool test_compare(const struct expectation *expected, unsigned n_expected,
		  const struct said_alert *said, unsigned n_said, struct engine *engine,
		  uint64_t now_ns, struct buf *report);

/* rule_test_why.c: adds a line on why nothing came of the rule. */
void test_why_not(struct engine *e, const struct rule *rule, uint64_t now_ns, struct buf *out);

#endif
