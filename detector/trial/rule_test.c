/* SPDX-License-Identifier: BSD-2-Clause */
/* The file as a whole, and a test as it runs. */
#include "trial/rule_test.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/incidents.h"
#include "trial/inline_rules.h"
#include "trial/rule_test_parts.h"

#define FILES_MAX 100
#define TESTS_MAX 1000
#define SEED	  1

struct rule_tests {
	const struct rule_file *file;
	struct diags *diags;
	struct json_doc *doc;
	struct node rules, tests; /* without a doc if they are not there */
	struct node *names;	  /* of rule files */
	unsigned n_names;
	char *rules_text; /* what of the file is rules */
	struct rule_set *set;
	struct event_reader *reader; /* for trying events out */
	struct rule_test *list;
	unsigned n;
};

/* --- reading --------------------------------------------------------------------------------- */

/* Those of rules are read as such, by rule_load(). */
static const struct member file_members[] = {
	{ .key = "version" },
	{ .key = "$schema" },
	{ .key = "lists" },
	{ .key = "macros" },
	{ .key = "hooks" },
	{ .key = "defaults" },
	{ .key = "rules", .read = node_read_node, .offset = offsetof(struct rule_tests, rules) },
	{ .key = "tests",
	  .read = node_read_node,
	  .offset = offsetof(struct rule_tests, tests),
	  .required = true },
};

static void find_names(struct rule_tests *t)
{
	unsigned n_nodes = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (t->rules.doc)
		nodes = node_list(&t->rules, 0, 1000, &n_nodes);
	t->names = xcalloc(n_nodes, sizeof(*t->names));
	for (unsigned i = 0; i < n_nodes; i++) {
		if (!node_is_string(&nodes[i]))
			continue;
		if (t->n_names == FILES_MAX)
			node_error(&nodes[i], "more than %d rule files", FILES_MAX);
		else
			t->names[t->n_names++] = nodes[i];
	}
}

struct rule_tests *rule_tests_new(const struct rule_file *file, struct diags *diags)
{
	struct rule_tests *t = xcalloc(1, sizeof(*t));
	struct node root;

	t->file = file;
	t->diags = diags;
	t->doc = json_doc_new(file->name, file->text, file->len, diags);
	if (!t->doc) {
		free(t);
		return NULL;
	}
	root = json_doc_root(t->doc);
	node_read(&root, file_members, ARRAY_SIZE(file_members), t);
	find_names(t);
	return t;
}

static void test_fini(struct rule_test *test)
{
	free(test->name);
	test_entries_free(test->entries, test->n_entries);
	expectations_free(test->expectations, test->n_expectations);
}

void rule_tests_free(struct rule_tests *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++)
		test_fini(&t->list[i]);
	free(t->list);
	event_reader_free(t->reader);
	rule_set_free(t->set);
	free(t->rules_text);
	free(t->names);
	json_doc_free(t->doc);
	free(t);
}

const char *rule_tests_file(const struct rule_tests *t, unsigned i)
{
	return i < t->n_names ? node_text(&t->names[i]) : NULL;
}

void rule_tests_cannot_read(const struct rule_tests *t, unsigned i, const char *why)
{
	node_error(&t->names[i], "%s", why);
}

/* --- tests ----------------------------------------------------------------------------------- */

struct test_draft {
	struct rule_test test;
	struct node events, event, expect;
};

static const struct member test_members[] = {
	{ .key = "name",
	  .read = node_read_text,
	  .offset = offsetof(struct test_draft, test) + offsetof(struct rule_test, name),
	  .required = true },
	{ .key = "why" },
	{ .key = "event", .read = node_read_node, .offset = offsetof(struct test_draft, event) },
	{ .key = "events",
	  .read = node_read_node,
	  .offset = offsetof(struct test_draft, events),
	  .required = true },
	{ .key = "expect", .read = node_read_node, .offset = offsetof(struct test_draft, expect) },
	{ .key = "until",
	  .read = node_read_duration,
	  .offset = offsetof(struct test_draft, test) + offsetof(struct rule_test, until_ns),
	  .min = 1,
	  .max = 400ull * 86400 * NS_PER_S },
};

/* A list of alerts, or "none". */
static void read_expect(const struct node *n, const struct test_draft *d,
			const struct test_context *ctx, struct rule_test *test)
{
	if (!d->expect.doc) {
		node_error(n, "this test asserts nothing: \"expect\" is missing; write a list of "
			      "alerts, or \"none\"");
		return;
	}
	if (node_is_string(&d->expect)) {
		if (strcmp(node_text(&d->expect), "none") != 0)
			node_error(&d->expect, "expected a list of alerts, or \"none\"");
		return;
	}
	test->expectations = expectations_read(&d->expect, ctx, &test->n_expectations);
	if (test->n_expectations == 0)
		node_error(&d->expect,
			   "this test asserts nothing: write \"expect\": \"none\" if no "
			   "alert is to come");
}

/* What comes after the end of the test would never be looked at. */
static void check_until(const struct rule_test *test)
{
	for (unsigned i = 0; i < test->n_entries; i++) {
		const struct test_entry *e = &test->entries[i];
		unsigned k = 0;
		struct node at;

		while (k < e->n && e->at_ns[k] <= test->until_ns)
			k++;
		if (k < e->n && node_member(&e->node, "at", &at))
			node_error(&at, "%s at %.9g s comes after \"until\" %.9g s",
				   e->lost ? "loss" : "event",
				   (double)e->at_ns[k] / (double)NS_PER_S,
				   (double)test->until_ns / (double)NS_PER_S);
	}
}

/* Only silence can make a rule fire without events. */
static bool need_events(const struct rule_set *set)
{
	for (unsigned i = 0; i < set->n_rules; i++)
		for (unsigned k = 0; k < set->rules[i].judge.n_leaves; k++)
			if (set->rules[i].judge.leaves[k].absent_ns)
				return false;
	return set->n_rules > 0;
}

static void read_events(const struct test_draft *d, const struct test_context *ctx,
			struct rule_test *test)
{
	test->entries = test_entries_read(&d->events, &d->event, ctx, &test->n_entries);
	if (test->n_entries == 0 && ctx->text[d->events.span.at] == '[' && need_events(ctx->rules))
		node_error(&d->events, "this test asserts nothing: it has no events, and no rule "
				       "waits for \"absent\"");
	if (test->until_ns)
		check_until(test);
}

static void read_test(const struct node *n, const struct test_context *ctx, struct rule_test *ret)
{
	struct test_draft d = { .test.line = node_line(n) };

	node_read(n, test_members, ARRAY_SIZE(test_members), &d);
	if (d.events.doc)
		read_events(&d, ctx, &d.test);
	read_expect(n, &d, ctx, &d.test);
	*ret = d.test;
}

static void read_tests(struct rule_tests *t)
{
	const struct test_context ctx = {
		.text = t->file->text,
		.rules = t->set,
		.reader = t->reader,
	};
	unsigned n_nodes = 0;
	AUTO_FREE struct node *nodes = NULL;

	if (t->tests.doc)
		nodes = node_list(&t->tests, 1, TESTS_MAX, &n_nodes);
	t->list = xcalloc(n_nodes, sizeof(*t->list));
	for (unsigned i = 0; i < n_nodes; i++)
		read_test(&nodes[i], &ctx, &t->list[t->n++]);
}

bool rule_tests_load(struct rule_tests *t, const struct rule_file *files, unsigned n)
{
	AUTO_FREE struct rule_file *all = xcalloc((size_t)n + 1, sizeof(*all));
	unsigned errors = diags_errors(t->diags);
	struct node root = json_doc_root(t->doc);

	if (errors)
		return false;
	t->rules_text = inline_rules(t->file->text, t->file->len, "tests");
	for (unsigned i = 0; i < n; i++)
		all[i] = files[i];
	all[n] = (struct rule_file){ t->file->name, t->rules_text, t->file->len };
	t->set = rule_load(all, n + 1, t->diags);
	if (!t->set)
		return false;
	if (t->set->n_rules == 0)
		node_error(&root,
			   "there is no rule to test: \"rules\" is a list of files and rules");
	t->reader = event_reader_new();
	read_tests(t);
	return diags_errors(t->diags) == errors;
}

/* --- running --------------------------------------------------------------------------------- */

/* An event or a loss at its time. */
struct moment {
	uint64_t at_ns;
	unsigned entry;
	unsigned i;
};

struct test_run {
	const struct rule_test *test;
	struct engine *engine;
	struct incidents *incidents;
	struct event_reader *reader; /* knows the processes of this test only */
	struct buf *report;
	bool failed;
	struct moment *moments;
	unsigned n_moments;
	void *record;
	uint64_t now_ns; /* since the start of the test */
	struct said_alert *said;
	unsigned n_said;
};

/* Its incidents are told apart by the id of their first alert. */
static enum said said_of(const struct transition *t)
{
	if (t->state == ALERT_RESOLVED)
		return SAID_RESOLVED;
	if (t->repeat)
		return SAID_REPEATED;
	return strcmp(t->id, t->incident) == 0 ? SAID_FIRING : SAID_CHANGED;
}

static void on_transition(void *ctx, const struct transition *t)
{
	static const struct host_info host = { "test", "test", "test" };
	struct test_run *run = ctx;

	if ((run->n_said & (run->n_said - 1)) == 0)
		run->said = xrealloc(run->said, run->n_said ? 2ul * run->n_said : 1,
				     sizeof(*run->said));
	run->said[run->n_said++] = (struct said_alert){
		.at_ns = run->now_ns,
		.said = said_of(t),
		.rule = t->rule,
		.alert = alert_new(t, incidents_process(run->incidents, t), &host),
	};
}

/* By time; what is at the same time comes as it is written. */
static int by_time(const void *x, const void *y)
{
	const struct moment *a = x, *b = y;

	if (a->at_ns != b->at_ns)
		return a->at_ns > b->at_ns ? 1 : -1;
	if (a->entry != b->entry)
		return a->entry > b->entry ? 1 : -1;
	return (a->i > b->i) - (a->i < b->i);
}

static void collect_moments(struct test_run *run)
{
	size_t n = 0;

	for (unsigned e = 0; e < run->test->n_entries; e++)
		n += run->test->entries[e].n;
	run->moments = xcalloc(n, sizeof(*run->moments));
	for (unsigned e = 0; e < run->test->n_entries; e++)
		for (unsigned i = 0; i < run->test->entries[e].n; i++)
			run->moments[run->n_moments++] =
				(struct moment){ run->test->entries[e].at_ns[i], e, i };
	qsort(run->moments, n, sizeof(*run->moments), by_time);
}

static void feed(struct test_run *run, const struct moment *m)
{
	const struct test_entry *e = &run->test->entries[m->entry];
	const struct test_field *field;
	struct event_read_error error;
	struct event ev = {
		.type = e->on,
		.record = run->record,
		.wall_offset_ns = TEST_OFFSET_NS,
		.processes = known_processes_lookup(event_reader_processes(run->reader)),
	};

	run->now_ns = m->at_ns;
	if (e->lost) {
		engine_loss(run->engine, e->on, e->lost, TEST_START_NS + m->at_ns);
		return;
	}
	/* most were tried when the test was read */
	if (!test_event_make(e, m->i, run->reader, run->record, &error, &field)) {
		if (!run->failed)
			buf_addf(run->report, "  line %u: event %u: %s\n", node_line(&e->node),
				 m->i + 1, error.message);
		run->failed = true;
		return;
	}
	event_reader_processes_put(run->reader);
	engine_feed(run->engine, &ev);
}

static uint64_t end_of(const struct test_run *run)
{
	const struct rule_test *test = run->test;
	uint64_t end_ns = run->n_moments ? run->moments[run->n_moments - 1].at_ns : 0;

	if (test->until_ns)
		return test->until_ns;
	for (unsigned i = 0; i < test->n_expectations; i++) {
		const struct expectation *e = &test->expectations[i];

		if (e->has_at && e->at_ns + e->within_ns > end_ns)
			end_ns = e->at_ns + e->within_ns;
	}
	return end_ns;
}

/* Each second what came up to then, then the tick. */
static void play(struct test_run *run)
{
	uint64_t end_ns = (end_of(run) + NS_PER_S - 1) / NS_PER_S * NS_PER_S;
	unsigned next = 0;

	for (uint64_t tick_ns = NS_PER_S; tick_ns <= end_ns || tick_ns == NS_PER_S;
	     tick_ns += NS_PER_S) {
		while (next < run->n_moments && run->moments[next].at_ns <= tick_ns)
			feed(run, &run->moments[next++]);
		run->now_ns = tick_ns;
		engine_tick(run->engine, TEST_START_NS + tick_ns, TEST_OFFSET_NS);
	}
}

unsigned rule_tests_count(const struct rule_tests *t)
{
	return t->n;
}

const char *rule_tests_name(const struct rule_tests *t, unsigned i)
{
	return t->list[i].name;
}

unsigned rule_tests_line(const struct rule_tests *t, unsigned i)
{
	return t->list[i].line;
}

bool rule_tests_run(struct rule_tests *t, unsigned i, struct buf *report)
{
	struct test_run run = { .test = &t->list[i], .report = report };
	const struct engine_conf conf = {
		.rules = t->set,
		.seed = SEED,
		.on_transition = on_transition,
		.ctx = &run,
	};
	bool ok;

	run.record = xcalloc(1, record_size_max());
	run.engine = engine_new(&conf);
	run.incidents = incidents_new();
	run.reader = event_reader_new();
	collect_moments(&run);
	play(&run);
	ok = test_compare(run.test->expectations, run.test->n_expectations, run.said, run.n_said,
			  run.engine, TEST_START_NS + run.now_ns, report) &&
	     !run.failed;
	engine_free(run.engine);
	incidents_free(run.incidents);
	event_reader_free(run.reader);
	for (unsigned k = 0; k < run.n_said; k++)
		alert_unref(run.said[k].alert);
	free(run.said);
	free(run.moments);
	free(run.record);
	return ok;
}
