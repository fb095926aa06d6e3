/* SPDX-License-Identifier: BSD-2-Clause */
/* What rules compile to. The messages are pinned by tests/rules and tests/cli/test_check.py. */
#include "rule/rule_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const no_text = NULL;

/* Loads the texts as a.json, b.json, ... */
static struct rule_set *load(const char *const *texts, unsigned n, unsigned *ret_errors,
			     char **ret_messages)
{
	static const char *const names[] = { "a.json", "b.json" };
	struct rule_file files[ARRAY_SIZE(names)];
	struct diags *diags = diags_new();
	struct rule_set *set;
	size_t len;
	FILE *out = open_memstream(ret_messages, &len);

	for (unsigned i = 0; i < n; i++)
		files[i] = (struct rule_file){ names[i], texts[i], strlen(texts[i]) };
	set = rule_load(files, n, diags);
	*ret_errors = diags_errors(diags);
	diags_print(diags, out);
	(void)fclose(out);
	diags_free(diags);
	return set;
}

static struct rule_set *load_right(const char *text)
{
	AUTO_FREE char *messages = NULL;
	unsigned errors;
	struct rule_set *set = load(&text, 1, &errors, &messages);

	if (!set || errors)
		fail_msg("%s", messages);
	return set;
}

static unsigned count_errors(const char *text)
{
	AUTO_FREE char *messages = NULL;
	unsigned errors;

	assert_null(load(&text, 1, &errors, &messages));
	return errors;
}

/* The condition of a rule that has one. */
static const struct leaf *leaf_of(const struct rule *r)
{
	assert_int_equal(r->judge.n_leaves, 1);
	return &r->judge.leaves[0];
}

#define FILE_OF(rules) "{\"version\":1,\"rules\":[" rules "]}"
#define SLOW	       "\"name\":\"slow\",\"on\":\"syscall\",\"when\":{\"value\":\"latency_ms\",\"above\":10}"

static void a_short_rule_has_the_defaults(void **state)
{
	struct rule_set *set = load_right("{\"version\":1,\n\"rules\":[\n\n{" SLOW "}]}");
	const struct rule *r = &set->rules[0];

	(void)state;
	assert_int_equal(set->n_rules, 1);
	assert_int_equal(set->n_hooks, 0);
	assert_string_equal(r->name, "slow");
	assert_string_equal(r->why, "");
	assert_ptr_equal(r->file, set->files[0]);
	assert_int_equal(r->line, 4);
	assert_string_equal(r->on->name, "syscall");
	assert_null(r->where);
	assert_int_equal(r->n_by, 0);
	assert_int_equal(leaf_of(r)->value.terms[0].aggregate, AGGREGATE_NONE);
	assert_int_equal(leaf_of(r)->window_ns, 0);
	assert_true(leaf_of(r)->above.set);
	assert_true(leaf_of(r)->above.at == 10);
	assert_false(leaf_of(r)->below.set);
	assert_false(leaf_of(r)->has_baseline);
	assert_int_equal(r->for_ns, 0);
	assert_int_equal(r->clear.for_ns, 10 * NS_PER_S);
	assert_false(r->clear.above.set);
	assert_false(r->clear.below.set);
	assert_int_equal(r->keep_ns, 30 * NS_PER_S);
	assert_int_equal(r->repeat_ns, 0);
	assert_int_equal(r->severity, SEVERITY_WARNING);
	assert_null(r->summary);
	rule_set_free(set);
}

static void limits_are_in_the_unit_of_the_measure(void **state)
{
	struct rule_set *set = load_right(FILE_OF(
		"{\"name\":\"a\",\"on\":\"syscall\",\"when\":{\"above\":\"2s\",\"window\":\"5s\","
		"\"value\":\"p99(latency_ms)\"},\"clear\":{\"below\":\"500us\"}},"
		"{\"name\":\"b\",\"on\":\"sched\",\"when\":{\"value\":\"max(avg_timeslice_us)\","
		"\"window\":\"1.5m\",\"below\":\"2ms\"}},"
		"{\"name\":\"c\",\"on\":\"sched\",\"when\":{\"value\":\"rate(wakeups)\",\"window\":\"5s\","
		"\"above\":\"50/s\"}}"));

	(void)state;
	assert_true(leaf_of(&set->rules[0])->above.at == 2000);
	assert_true(set->rules[0].clear.below.at == 0.5);
	assert_true(leaf_of(&set->rules[1])->below.at == 2000);
	assert_int_equal(leaf_of(&set->rules[1])->window_ns, 90 * NS_PER_S);
	assert_true(leaf_of(&set->rules[2])->above.at == 50);
	rule_set_free(set);
}

static void a_baseline_has_its_own_defaults(void **state)
{
	struct rule_set *set = load_right(FILE_OF(
		"{\"name\":\"a\",\"on\":\"sched\",\"when\":{\"value\":\"count()\",\"window\":\"5s\","
		"\"above\":1,\"min_samples\":7,\"baseline\":{\"deviations\":4.5}}},"
		"{\"name\":\"b\",\"on\":\"sched\",\"when\":{\"value\":\"count()\",\"window\":\"5s\","
		"\"above\":1,\"baseline\":{\"half_life\":\"1h\",\"deviations\":6,\"warm_up\":\"5m\"}}}"));
	const struct leaf *a = leaf_of(&set->rules[0]), *b = leaf_of(&set->rules[1]);

	(void)state;
	assert_true(a->has_baseline);
	assert_true(a->baseline.deviations == 4.5);
	assert_int_equal(a->baseline.warm_up_ns, 120 * NS_PER_S);
	assert_int_equal(a->baseline.half_life_ns, 600 * NS_PER_S);
	assert_int_equal(a->min_samples, 7);
	assert_int_equal(b->baseline.warm_up_ns, 300 * NS_PER_S);
	assert_int_equal(b->baseline.half_life_ns, 3600 * NS_PER_S);
	rule_set_free(set);
}

static void a_rule_overrides_the_defaults_of_its_file(void **state)
{
	struct rule_set *set = load_right(
		"{\"rules\":[{" SLOW "},"
		"{\"name\":\"b\",\"on\":\"sched\",\"when\":{\"value\":\"wakeups\",\"above\":1},"
		"\"hooks\":[\"two\"],\"repeat\":\"0s\",\"severity\":\"info\",\"keep\":\"5s\"},"
		"{\"name\":\"c\",\"on\":\"sched\",\"when\":{\"value\":\"wakeups\",\"above\":1},\"hooks\":[]}],"
		"\"defaults\":{\"hooks\":[\"two\",\"one\"],\"repeat\":\"4h\",\"severity\":\"critical\","
		"\"keep\":\"1m\"},"
		"\"hooks\":{\"one\":{\"type\":\"log\",\"path\":\"/x\"},"
		"\"two\":{\"type\":\"log\",\"path\":\"/x\"}},\"version\":1}");
	const struct rule *a = &set->rules[0], *b = &set->rules[1], *c = &set->rules[2];

	(void)state;
	assert_int_equal(a->n_hooks, 2);
	assert_string_equal(set->hooks[a->hooks[0]].name, "two");
	assert_string_equal(set->hooks[a->hooks[1]].name, "one");
	assert_int_equal(a->repeat_ns, 4 * 3600 * NS_PER_S);
	assert_int_equal(a->severity, SEVERITY_CRITICAL);
	assert_int_equal(a->keep_ns, 60 * NS_PER_S);
	assert_int_equal(b->n_hooks, 1);
	assert_string_equal(set->hooks[b->hooks[0]].name, "two");
	assert_int_equal(b->repeat_ns, 0);
	assert_int_equal(b->severity, SEVERITY_INFO);
	assert_int_equal(b->keep_ns, 5 * NS_PER_S);
	assert_int_equal(c->n_hooks, 0);
	rule_set_free(set);
}

static void files_share_hooks_but_not_defaults(void **state)
{
	const char *texts[] = {
		"{\"version\":1,\"defaults\":{\"hooks\":[\"late\"],\"severity\":\"error\"},"
		"\"rules\":[{" SLOW "}]}",
		"{\"version\":1,\"hooks\":{\"unused\":{\"type\":\"log\",\"path\":\"/x\"},\n"
		"\"late\":{\"type\":\"log\",\"path\":\"/x\"}},"
		"\"rules\":[{\"name\":\"b\",\"on\":\"sched\",\"when\":{\"value\":\"wakeups\",\"above\":1}}]}",
	};
	AUTO_FREE char *messages = NULL;
	unsigned errors;
	struct rule_set *set = load(texts, 2, &errors, &messages);

	(void)state;
	assert_non_null(set);
	assert_int_equal(set->n_files, 2);
	assert_string_equal(set->hooks[set->rules[0].hooks[0]].name, "late");
	assert_ptr_equal(set->hooks[1].file, set->files[1]);
	assert_int_equal(set->hooks[1].line, 2);
	assert_int_equal(set->rules[0].severity, SEVERITY_ERROR);
	assert_int_equal(set->rules[1].n_hooks, 0);
	assert_int_equal(set->rules[1].severity, SEVERITY_WARNING);
	assert_false(set->hooks[0].used);
	assert_true(set->hooks[1].used);
	assert_non_null(strstr(messages, "b.json:1:23: warning: no rule uses hook \"unused\""));
	rule_set_free(set);
}

static void hooks_that_only_defaults_name_are_unused(void **state)
{
	struct rule_set *set =
		load_right("{\"version\":1,\"hooks\":{\"x\":{\"type\":\"log\",\"path\":\"/x\"}},"
			   "\"defaults\":{\"hooks\":[\"x\"]},\"rules\":[]}");

	(void)state;
	assert_false(set->hooks[0].used);
	rule_set_free(set);
}

static void each_type_of_hook_has_its_defaults(void **state)
{
	struct rule_set *set = load_right(
		"{\"version\":1,\"hooks\":{"
		"\"s\":{\"url\":{\"file\":\"/etc/url\"},\"type\":\"slack\"},"
		"\"p\":{\"type\":\"pagerduty\",\"routing_key\":{\"env\":\"KEY_1\"},\"timeout\":\"3s\"},"
		"\"w\":{\"type\":\"webhook\",\"url\":\"http://localhost\",\"on\":[\"resolved\"],"
		"\"headers\":{\"X-A\":\"plain\",\"X-B\":{\"env\":\"TOKEN\"}}},"
		"\"e\":{\"type\":\"exec\",\"argv\":[\"/bin/kill\",\"{{pid}}\"],\"cooldown\":\"2m\","
		"\"max_per_hour\":6},"
		"\"l\":{\"type\":\"log\",\"path\":\"/x\"}}}");
	const struct hook_conf *h = set->hooks;

	(void)state;
	assert_int_equal(h[0].type, HOOK_SLACK);
	assert_string_equal(h[0].url.file, "/etc/url");
	assert_null(h[0].url.plain);
	assert_null(h[0].url.env);
	assert_true(h[0].on_firing && h[0].on_resolved);
	assert_int_equal(h[0].timeout_ns, 10 * NS_PER_S);
	assert_string_equal(h[1].routing_key.env, "KEY_1");
	assert_null(h[1].url.plain);
	assert_int_equal(h[1].timeout_ns, 3 * NS_PER_S);
	assert_string_equal(h[2].url.plain, "http://localhost");
	assert_true(!h[2].on_firing && h[2].on_resolved);
	assert_int_equal(h[2].n_headers, 2);
	assert_string_equal(h[2].headers[0].value.plain, "plain");
	assert_string_equal(h[2].headers[1].value.env, "TOKEN");
	assert_null(h[2].body);
	assert_int_equal(h[3].n_argv, 2);
	assert_non_null(h[3].argv[1]);
	assert_true(h[3].on_firing && !h[3].on_resolved);
	assert_int_equal(h[3].timeout_ns, 30 * NS_PER_S);
	assert_int_equal(h[3].cooldown_ns, 120 * NS_PER_S);
	assert_int_equal(h[3].max_per_hour, 6);
	assert_int_equal(h[3].concurrency, 4);
	assert_null(h[3].user);
	assert_string_equal(h[4].path, "/x");
	assert_int_equal(h[4].type, HOOK_LOG);
	rule_set_free(set);
}

static void escapes_in_texts_are_decoded(void **state)
{
	struct rule_set *set = load_right(
		FILE_OF("{" SLOW ",\"wh\\u0079\":\"a\\n\\u00e9\",\"labels\":{\"a.b\":\"\\\"\"}}"));

	(void)state;
	assert_string_equal(set->rules[0].why, "a\n\xc3\xa9");
	assert_string_equal(set->rules[0].labels[0].name, "a.b");
	assert_string_equal(set->rules[0].labels[0].value, "\"");
	rule_set_free(set);
}

static void all_mistakes_are_counted(void **state)
{
	(void)state;
	assert_int_equal(count_errors("{}"), 1);
	assert_int_equal(count_errors(FILE_OF("{},{},{}")), 9);
	/* of one rule: name, source, by, severity and an unknown key; the good rule does not hide
	 * them */
	assert_int_equal(count_errors(FILE_OF("{" SLOW "},{\"name\":5,\"on\":\"x\",\"by\":3,"
					      "\"when\":{\"value\":\"y\",\"above\":1},"
					      "\"severity\":\"z\",\"nokey\":1}")),
			 5);
	/* a value that is wrong makes no second error of its limit or its window */
	assert_int_equal(
		count_errors(FILE_OF("{\"name\":\"a\",\"on\":\"sched\",\"when\":{\"value\":"
				     "\"wakeupz\",\"above\":\"3MiB\",\"window\":\"5s\"}}")),
		1);
	/* nor does a hook that is wrong make one of the rules that name it */
	assert_int_equal(
		count_errors(
			"{\"version\":1,\"hooks\":{\"h\":{\"type\":\"exec\"}},\"rules\":[{" SLOW
			",\"hooks\":[\"h\"]}]}"),
		1);
}

static void a_broken_file_does_not_hide_the_others(void **state)
{
	const char *texts[] = { "{", FILE_OF("{}") };
	AUTO_FREE char *messages = NULL;
	unsigned errors;

	(void)state;
	assert_null(load(texts, 2, &errors, &messages));
	assert_int_equal(errors, 4);
	assert_non_null(strstr(messages, "a.json:1:2: error: "));
	assert_non_null(strstr(messages, "b.json:1:23: error: missing key \"when\""));
}

static void the_limit_on_rules_holds_over_all_files(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *messages = NULL;
	const char *texts[2] = { NULL, FILE_OF("{" SLOW "}") };
	unsigned errors;

	(void)state;
	buf_adds(&text, "{\"version\":1,\"rules\":[");
	for (unsigned i = 0; i < 10000; i++)
		buf_addf(&text,
			 "%s{\"name\":\"r%u\",\"on\":\"sched\",\"when\":{\"value\":\"wakeups\","
			 "\"above\":1}}",
			 i ? "," : "", i);
	buf_adds(&text, "]}");
	texts[0] = buf_str(&text);
	rule_set_free(load_right(texts[0]));
	assert_null(load(texts, 2, &errors, &messages));
	assert_int_equal(errors, 1);
	assert_non_null(strstr(messages,
			       "b.json:1:22: error: found a list of 1; expected a list of 0 to 0"));
}

static void no_files_are_an_empty_set(void **state)
{
	AUTO_FREE char *messages = NULL;
	unsigned errors;
	struct rule_set *set = load(&no_text, 0, &errors, &messages);

	(void)state;
	assert_non_null(set);
	assert_int_equal(set->n_rules + set->n_hooks + set->n_files + errors, 0);
	rule_set_free(set);
	rule_set_free(NULL);
}

static void a_leaf_is_what_when_says(void **state)
{
	struct rule_set *set = load_right(
		FILE_OF("{\"name\":\"a\",\"on\":\"sched\",\"when\":{\"above\":2,\"window\":\"5s\","
			"\"value\":\"rate(avg_timeslice_us)\",\"min_samples\":7}}"));
	const struct when *w = &set->rules[0].judge;
	const struct leaf *l = &w->leaves[0];

	(void)state;
	assert_int_equal(set->rules[0].kind, RULE_EVENTS);
	assert_int_equal(w->n_leaves, 1);
	assert_int_equal(w->n_nodes, 1);
	assert_int_equal(w->nodes[0].kind, NODE_LEAF);
	assert_int_equal(w->nodes[0].skip, 1);
	assert_string_equal(l->value.text, "rate(avg_timeslice_us)");
	assert_int_equal(l->value.unit, UNIT_MS_PER_S);
	assert_int_equal(l->value.n_terms, 1);
	assert_int_equal(l->value.terms[0].aggregate, AGGREGATE_RATE);
	assert_float_equal(l->value.terms[0].scale, 0.001, 1e-12);
	assert_int_equal(l->value.n_ops, 1);
	assert_int_equal(l->value.ops[0].code, OP_TERM);
	assert_int_equal(l->window_ns, 5 * NS_PER_S);
	assert_int_equal(l->min_samples, 7);
	assert_true(l->above.set);
	rule_set_free(set);
}

static void a_tree_is_in_prefix_order(void **state)
{
	struct rule_set *set = load_right(FILE_OF(
		"{\"name\":\"a\",\"on\":\"sched\",\"when\":{\"any\":["
		"{\"value\":\"count()\",\"window\":\"5s\",\"above\":1},{\"all\":["
		"{\"value\":\"sum(wakeups)\",\"window\":\"6s\",\"outside\":[2,3]},"
		"{\"value\":\"avg(wakeups)\",\"window\":\"7s\",\"change\":{\"below\":\"-50%\"},\"above\":4}]},"
		"{\"absent\":\"5m\"}]}}"));
	static const struct tree_node nodes[] = {
		{ NODE_ANY, 0, 6 },  { NODE_LEAF, 0, 1 }, { NODE_ALL, 0, 3 },
		{ NODE_LEAF, 1, 1 }, { NODE_LEAF, 2, 1 }, { NODE_LEAF, 3, 1 },
	};
	const struct when *w = &set->rules[0].judge;

	(void)state;
	assert_int_equal(w->n_leaves, 4);
	assert_int_equal(w->n_nodes, ARRAY_SIZE(nodes));
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		assert_int_equal(w->nodes[i].kind, nodes[i].kind);
		assert_int_equal(w->nodes[i].skip, nodes[i].skip);
		if (nodes[i].kind == NODE_LEAF)
			assert_int_equal(w->nodes[i].leaf, nodes[i].leaf);
	}
	assert_true(w->leaves[1].outside_low.set && w->leaves[1].outside_high.set);
	assert_true(w->leaves[1].outside_low.at == 2 && w->leaves[1].outside_high.at == 3);
	assert_int_equal(w->leaves[1].change.ago_ns, 0);
	assert_int_equal(w->leaves[2].change.ago_ns, 7 * NS_PER_S);
	assert_true(w->leaves[2].change.relative && w->leaves[2].change.below.at == -0.5);
	assert_int_equal(w->leaves[3].absent_ns, 300 * NS_PER_S);
	assert_int_equal(w->leaves[3].value.n_terms, 0);
	assert_int_equal(w->leaves[3].value.unit, UNIT_S);
	rule_set_free(set);
}

static void the_life_of_an_alert_is_read(void **state)
{
	struct rule_set *set = load_right(
		"{\"version\":1,\"defaults\":{\"grace\":\"2m\"},\"rules\":["
		"{\"name\":\"a\",\"on\":\"sched\",\"by\":[\"comm\"],\"when\":{\"value\":\"count()\",\"window\":\"5s\","
		"\"above\":1},\"for\":{\"hits\":3,\"of\":5},\"critical\":{\"above\":9},"
		"\"error\":{\"above\":5},\"flap\":false,\"inhibited_by\":[\"c\",\"b\"]},"
		"{\"name\":\"b\",\"on\":\"tcp_retransmit\",\"by\":[\"comm\"],\"when\":{\"value\":\"count()\",\"window\":\"5s\","
		"\"above\":1},\"flap\":{\"changes\":3},\"grace\":\"0s\",\"notify\":false,"
		"\"labels\":{\"x\":\"plain\",\"y\":\"{{comm}}\"}},"
		"{\"name\":\"c\",\"sequence\":[\"b\",\"a\"],\"within\":\"3s\",\"by\":[\"comm\"],\"keep\":\"7s\"}]}");
	const struct rule *a = &set->rules[0], *b = &set->rules[1], *c = &set->rules[2];

	(void)state;
	assert_true(a->hits == 3 && a->of == 5);
	assert_int_equal(a->for_ns, 0);
	assert_int_equal(a->n_escalations, 2);
	assert_int_equal(a->escalations[0].severity, SEVERITY_ERROR);
	assert_true(a->escalations[1].above.at == 9);
	assert_int_equal(a->flap_changes, 0);
	assert_int_equal(a->grace_ns, 120 * NS_PER_S);
	assert_int_equal(a->n_inhibitors, 2);
	assert_true(a->inhibitors[0].rule == 2 && a->inhibitors[1].rule == 1);
	assert_false(a->quiet);
	assert_int_equal(b->flap_changes, 3);
	assert_int_equal(b->flap_window_ns, 600 * NS_PER_S);
	assert_int_equal(b->grace_ns, 0);
	assert_true(b->quiet);
	assert_null(b->labels[0].rendered);
	assert_non_null(b->labels[1].rendered);
	assert_int_equal(c->kind, RULE_SEQUENCE);
	assert_null(c->on);
	assert_int_equal(c->n_members, 2);
	assert_true(c->members[0] == 1 && c->members[1] == 0);
	assert_int_equal(c->within_ns, 3 * NS_PER_S);
	assert_int_equal(c->keep_ns, 7 * NS_PER_S);
	assert_int_equal(c->n_by, 1);
	assert_ptr_equal(c->by[0], b->by[0]);
	rule_set_free(set);
}

static void the_second_source_has_the_same_keys(void **state)
{
	struct rule_set *set = load_right(
		"{\"version\":1,\"lists\":{\"few\":[1,2]},\"macros\":{\"mine\":\"uid in few\"},\"rules\":["
		"{\"name\":\"a\",\"on\":\"syscall\",\"with\":{\"on\":\"sched\",\"where\":\"mine\"},"
		"\"where\":\"mine and latency_ms >= 1\",\"by\":[\"comm\",\"pid\"],\"when\":{\"value\":"
		"\"count() / count(sched)\",\"window\":\"5s\",\"above\":\"5%\"}}]}");
	const struct rule *r = &set->rules[0];

	(void)state;
	assert_string_equal(r->with->name, "sched");
	assert_non_null(r->with_where);
	assert_ptr_equal(r->with_by[1], event_field_find(r->with, "pid", 3));
	assert_true(leaf_of(r)->above.at == 0.05);
	assert_int_equal(leaf_of(r)->value.terms[1].source, 1);
	rule_set_free(set);
}

static void ten_thousand_rules_are_read_quickly_enough(void **state)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct rule_set *set;

	(void)state;
	buf_adds(&text, "{\"version\":1,\"rules\":[");
	for (unsigned i = 0; i < 10000; i++)
		buf_addf(&text,
			 "%s\n{\"name\":\"r%u\",\"on\":\"sched\",\"where\":\"pid == %u\","
			 "\"when\":{\"value\":\"count()\",\"window\":\"5s\",\"above\":1}}",
			 i ? "," : "", i, i);
	buf_adds(&text, "]}");
	set = load_right(buf_str(&text));
	assert_int_equal(set->n_rules, 10000);
	assert_int_equal(set->rules[9999].line, 10001);
	rule_set_free(set);
}

static uint64_t identity_of(const char *keys)
{
	AUTO_FREE char *text = xasprintf("{\"version\":1,\"rules\":[{\"name\":\"a\",%s}]}", keys);
	struct rule_set *set = load_right(text);
	uint64_t identity = set->rules[0].identity;

	rule_set_free(set);
	return identity;
}

#define STORM "\"on\":\"sched\",\"when\":{\"value\":\"count()\",\"window\":\"5s\","

static void the_identity_is_of_what_the_state_depends_on(void **state)
{
	uint64_t identity = identity_of(STORM "\"above\":1},\"where\":\"pid in (1, 2)\"");
	static const char *const same[] = {
		STORM "\"above\":2},\"where\":\"pid in (2,1)\"",
		STORM "\"below\":2},\"where\":\" pid in (1,2)\",\"for\":\"5s\"",
	};
	static const char *const other[] = {
		STORM "\"above\":1},\"where\":\"pid in (1, 3)\"",
		STORM "\"above\":1},\"where\":\"pid in (1, 2)\",\"by\":[\"pid\"]",
		STORM "\"above\":1}",
		STORM "\"above\":1,\"baseline\":{\"deviations\":3}},\"where\":\"pid in (1, 2)\"",
		"\"on\":\"sched\",\"when\":{\"value\":\"rate()\",\"window\":\"5s\",\"above\":1},"
		"\"where\":\"pid in (1, 2)\"",
		"\"on\":\"sched\",\"when\":{\"value\":\"count()\",\"window\":\"6s\",\"above\":1},"
		"\"where\":\"pid in (1, 2)\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_int_equal(identity_of(same[i]), identity);
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		assert_int_not_equal(identity_of(other[i]), identity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_rule_has_the_defaults),
		cmocka_unit_test(limits_are_in_the_unit_of_the_measure),
		cmocka_unit_test(a_leaf_is_what_when_says),
		cmocka_unit_test(a_tree_is_in_prefix_order),
		cmocka_unit_test(the_life_of_an_alert_is_read),
		cmocka_unit_test(the_second_source_has_the_same_keys),
		cmocka_unit_test(ten_thousand_rules_are_read_quickly_enough),
		cmocka_unit_test(the_identity_is_of_what_the_state_depends_on),
		cmocka_unit_test(a_baseline_has_its_own_defaults),
		cmocka_unit_test(a_rule_overrides_the_defaults_of_its_file),
		cmocka_unit_test(files_share_hooks_but_not_defaults),
		cmocka_unit_test(hooks_that_only_defaults_name_are_unused),
		cmocka_unit_test(each_type_of_hook_has_its_defaults),
		cmocka_unit_test(escapes_in_texts_are_decoded),
		cmocka_unit_test(all_mistakes_are_counted),
		cmocka_unit_test(a_broken_file_does_not_hide_the_others),
		cmocka_unit_test(the_limit_on_rules_holds_over_all_files),
		cmocka_unit_test(no_files_are_an_empty_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
