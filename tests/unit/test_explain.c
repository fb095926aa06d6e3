/* SPDX-License-Identifier: BSD-2-Clause */
/* What explain says of each gate, and which key it takes. */
#include "compose_world.h"

#include "engine/explain.h"
#include "util/json_scan.h"

static bool stands = true;

static bool source_stands(void *ctx, const struct event_type *type, struct buf *ret_phrase)
{
	(void)ctx;
	buf_addf(ret_phrase, "%s is %s", type->name, stands ? "there" : "not there");
	return stands;
}

static struct explain_conf conf_now(void)
{
	return (struct explain_conf){ .now_ns = ns(cw.now_s), .source_stands = source_stands };
}

/* The explanation; lends until the next. */
static const struct buf *explain(const char *rule, const char *key)
{
	static struct buf text;
	const struct explain_conf conf = conf_now();
	struct json j = { .out = &text };
	AUTO_FREE char *error = NULL;

	buf_reset(&text);
	json_open(&j, '{');
	error = engine_explain(cw.engine, rule, key, &conf, &j);
	json_close(&j, '}');
	if (error)
		fail_msg("%s", error);
	return &text;
}

static const char *text_at(const struct buf *doc, const char *path)
{
	static struct buf texts[4];
	static unsigned next;
	struct buf *out = &texts[next++ % 4];
	struct json_span span;

	buf_reset(out);
	if (json_find(doc->data, doc->len, path, &span))
		json_span_text(doc->data, span, out);
	return buf_str(out);
}

/* "passes: says" of the gate of that name. */
static const char *gate(const struct buf *doc, const char *name)
{
	static char text[1024];

	for (unsigned i = 0; i < 20; i++) {
		AUTO_FREE char *path = xasprintf("gates/%u/gate", i);
		AUTO_FREE char *passes = xasprintf("gates/%u/passes", i);
		AUTO_FREE char *says = xasprintf("gates/%u/says", i);

		if (strcmp(text_at(doc, path), name) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%s: %s", text_at(doc, passes),
			       text_at(doc, says));
		return text;
	}
	return "no such gate";
}

static void start_text(const char *rules)
{
	cw.set = load_text(rules);
	run();
}

#define COUNT(more)                                                                                \
	"{ 'name': 'a', 'why': 'x', 'on': 'syscall', 'where': 'tid == 1', 'by': ['pid'], 'flap': " \
	"false, 'when': {'value': 'count()', 'window': '10s', 'above': 10" more

static void each_gate_says_its_value(void **state)
{
	const struct buf *doc;

	(void)state;
	start_text(COUNT(", 'min_samples': 30}, 'for': '5s', 'grace': '20s'}"));
	doc = explain("a", NULL);
	assert_string_equal(gate(doc, "source"), "true: syscall is there");
	assert_string_equal(gate(doc, "events"), "false: no event of syscall came yet");
	assert_string_equal(gate(doc, "where"), "false: no event satisfied it yet");
	assert_string_equal(gate(doc, "key"), "false: no key is known");
	assert_string_equal(gate(doc, "silence"), "true: there is none");
	assert_string_equal(gate(doc, "hooks"),
			    "null: the rule names none: its alerts are only shown");
	assert_string_equal(text_at(doc, "verdict"),
			    "does not fire: events: no event of syscall came yet");
	assert_string_equal(text_at(doc, "nearest_miss"), "null");
	hit('b', 7);
	doc = explain("a", NULL);
	assert_string_equal(gate(doc, "where"), "false: no event satisfied it yet");
	for (unsigned i = 0; i < 7; i++)
		hit('a', 7);
	tick();
	doc = explain("a", "pid=7");
	assert_string_equal(gate(doc, "where"), "true: 7 events satisfied it, the last 500 ms ago");
	assert_string_equal(gate(doc, "samples"),
			    "false: 7 of 30 that are needed are in the window");
	assert_string_equal(gate(doc, "threshold"),
			    "false: count() is 7 over 10 s, must be above 10");
	assert_string_equal(gate(doc, "grace"), "false: at work for 1 s of 20 s");
	assert_string_equal(text_at(doc, "nearest_miss/value"), "7");
	assert_string_equal(text_at(doc, "nearest_miss/limit"), "10");
	assert_string_equal(text_at(doc, "nearest_miss/lacks_percent"), "30");
	assert_string_equal(text_at(doc, "nearest_miss/key"), "pid=7");
	for (unsigned i = 0; i < 40; i++)
		hit('a', 7);
	doc = explain("a", "pid=7");
	assert_string_equal(gate(doc, "threshold"),
			    "true: count() is 47 over 10 s, must be above 10");
	assert_string_equal(text_at(doc, "nearest_miss/gate"), "grace");
	for (unsigned i = 0; i < 22; i++) {
		for (unsigned k = 0; k < 5; k++)
			hit('a', 7);
		tick();
	}
	doc = explain("a", "pid=7");
	assert_string_equal(gate(doc, "grace"), "true: over");
	assert_string_equal(gate(doc, "for"), "false: held for 3 s of 5 s");
	for (unsigned i = 0; i < 5; i++) {
		hit('a', 7);
		tick();
	}
	assert_said("a7+ ");
	doc = explain("a", "pid=7");
	assert_string_equal(text_at(doc, "verdict"), "fires");
	assert_string_equal(gate(doc, "said"), "true: it was said that it fires");
	assert_string_equal(text_at(doc, "fired"), "1");
}

static void a_source_that_is_not_there_comes_first(void **state)
{
	(void)state;
	start_text(COUNT("}}"));
	stands = false;
	assert_string_equal(text_at(explain("a", NULL), "verdict"),
			    "does not fire: source: syscall is not there");
	stands = true;
}

static void a_baseline_says_what_is_normal(void **state)
{
	const struct buf *doc;

	(void)state;
	start_text(COUNT(", 'baseline': {'deviations': 4, 'warm_up': '30s'}}}"));
	for (unsigned i = 0; i < 20; i++) {
		hit('a', 7);
		hit('a', 7);
		tick();
	}
	doc = explain("a", NULL);
	assert_string_equal(gate(doc, "threshold"),
			    "true: count() is 20 over 10 s, must be above 10");
	assert_memory_equal(gate(doc, "warm-up"), "false: ", 7);
	for (unsigned i = 0; i < 60; i++) {
		hit('a', 7);
		hit('a', 7);
		tick();
	}
	doc = explain("a", NULL);
	assert_memory_equal(gate(doc, "warm-up"), "true: ", 6);
	assert_memory_equal(gate(doc, "baseline"),
			    "false: count() is 20, normal is 20: 0.0 deviations from it", 58);
}

static void the_key_may_be_any_part_and_the_closest_are_named(void **state)
{
	const struct buf *doc;
	AUTO_FREE char *error = NULL;
	CLEANUP(buf_fini) struct buf unused = { 0 };
	struct json j = { .out = &unused };
	const struct explain_conf conf = conf_now();

	(void)state;
	start_text(
		"{ 'name': 'a', 'why': 'x', 'on': 'syscall', 'by': ['pid', 'tid'], 'flap': false, "
		"'when': {'value': 'count()', 'window': '10s', 'above': 10}}");
	hit('a', 1234);
	hit('a', 1300);
	hit('b', 1300);
	hit('b', 1300);
	hit('c', 99);
	tick();
	assert_string_equal(text_at(explain("a", "tid=3"), "key"), "pid=99,tid=3");
	assert_string_equal(text_at(explain("a", "tid=2,pid=1300"), "key"), "pid=1300,tid=2");
	/* of several the one nearest to firing, also of all */
	assert_string_equal(text_at(explain("a", "pid=1300"), "key"), "pid=1300,tid=2");
	assert_string_equal(text_at(explain("a", NULL), "key"), "pid=1300,tid=2");
	doc = explain("a", "pid=1235,tid=1");
	assert_string_equal(text_at(doc, "known"), "false");
	assert_string_equal(text_at(doc, "closest/0"), "pid=1234,tid=1");
	assert_string_equal(text_at(doc, "closest/1"), "pid=1300,tid=1");
	assert_string_equal(gate(doc, "key"), "false: no event of it came lately");
	error = engine_explain(cw.engine, "a", "comm=x", &conf, &j);
	assert_string_equal(error, "rule \"a\" has no key field \"comm\"; allowed are pid, tid");
	free(error);
	error = engine_explain(cw.engine, "a", "pid", &conf, &j);
	assert_string_equal(error, "no \"field=value\": pid");
	free(error);
	error = engine_explain(cw.engine, "a", "1234", &conf, &j);
	assert_string_equal(error, "no \"field=value\": 1234; write as in pid=1234");
	free(error);
	error = engine_explain(cw.engine, "b", NULL, &conf, &j);
	assert_string_equal(error, "no rule \"b\"; did you mean \"a\"?");
}

static void names_with_commas_and_controls_are_found_as_alerts_show_them(void **state)
{
	struct ev_syscall record = { .ts_ns = ns(100.5), .tid = 1, .comm = "a,b\\c=\x01" };
	struct event ev = { .type = event_type_find("syscall", 7), .record = &record };

	(void)state;
	start_text("{ 'name': 'a', 'why': 'x', 'on': 'syscall', 'by': ['comm'], 'flap': false, "
		   "'when': {'value': 'count()', 'window': '10s', 'above': 10}}");
	engine_feed(cw.engine, &ev);
	assert_string_equal(text_at(explain("a", "comm=a\\,b\\\\c=\\x01"), "known"), "true");
	assert_string_equal(text_at(explain("a", "comm=a\\,b\\\\c=\\x02"), "known"), "false");
}

static void single_events_show_the_nearest(void **state)
{
	const struct buf *doc;

	(void)state;
	start_text("{ 'name': 'a', 'why': 'x', 'on': 'syscall', 'by': ['pid'], 'when': {'value': "
		   "'latency_ms', 'above': '20ms'}}");
	hit('a', 7);
	doc = explain("a", NULL);
	assert_string_equal(
		gate(doc, "threshold"),
		"false: latency_ms must be above 20 ms; the nearest of the last hour was 5 ms");
	assert_string_equal(text_at(doc, "nearest_miss/key"), "pid=7");
}

static void inhibitors_flapping_and_silence_by_wish_are_gates(void **state)
{
	const struct buf *doc;

	(void)state;
	rules(3);
	inhibit('a', 'b');
	rule('c')->quiet = true;
	flap('b', 4, 60);
	run();
	hit('b', 7);
	hit('a', 7);
	hit('c', 7);
	tick();
	hit('a', 7);
	doc = explain("a", "pid=7");
	assert_string_equal(gate(doc, "inhibited_by"), "false: rule b fires");
	assert_string_equal(text_at(doc, "verdict"),
			    "fires, but is not said: rule b, which inhibits it, fires");
	doc = explain("b", "pid=7");
	assert_string_equal(gate(doc, "flap"), "true: 1 change within 1 min, flaps from 4 on");
	doc = explain("c", "pid=7");
	assert_string_equal(gate(doc, "notify"),
			    "false: \"notify\" is false: nothing of it is said");
	assert_string_equal(text_at(doc, "verdict"),
			    "fires, but is not said: the rule has \"notify\": false");
}

static void rules_made_of_others_show_their_members(void **state)
{
	const struct buf *doc;

	(void)state;
	rules(3);
	compose('c', RULE_TOGETHER, "ab", 5);
	run();
	hit('a', 7);
	doc = explain("c", NULL);
	assert_string_equal(text_at(doc, "key"), "pid=7");
	assert_string_equal(gate(doc, "member"), "true: a: 1 alert fires for the key");
	assert_string_equal(text_at(doc, "verdict"),
			    "does not fire: member: b: 0 alerts fire for the key");
	hit('b', 7);
	assert_string_equal(text_at(explain("c", NULL), "verdict"), "fires");
}

static void looking_changes_nothing(void **state)
{
	(void)state;
	start_text(COUNT("}}"));
	for (unsigned i = 0; i < 30; i++) {
		hit('a', 7);
		(void)explain("a", NULL);
		(void)explain("a", "pid=8");
		tick();
	}
	assert_said("");
	assert_int_equal(engine_stats(cw.engine)->keys, 1);
	for (unsigned i = 0; i < 11; i++)
		hit('a', 7);
	assert_said("a7+ ");
}

static void suspicion_says_why(void **state)
{
	CLEANUP(buf_fini) struct buf phrase = { 0 };
	const struct explain_conf conf = conf_now();

	(void)state;
	rules(2);
	run();
	assert_int_equal(engine_suspicion(cw.engine, 0, &conf, &phrase), 4);
	hit('b', 7);
	buf_reset(&phrase);
	assert_int_equal(engine_suspicion(cw.engine, 0, &conf, &phrase), 3);
	assert_string_equal(buf_str(&phrase), "no event ever satisfied its \"where\"");
	assert_int_equal(engine_suspicion(cw.engine, 1, &conf, NULL), 0);
	stands = false;
	assert_int_equal(engine_suspicion(cw.engine, 1, &conf, NULL), 5);
	stands = true;
}

/* In the first minutes nothing can be said of the last hour. */
static void a_rule_far_from_its_limit_is_suspicious_after_an_hour(void **state)
{
	CLEANUP(buf_fini) struct buf phrase = { 0 };

	(void)state;
	start_text(COUNT("00}}"));
	for (unsigned s = 0; s <= 3600; s++) {
		const struct explain_conf conf = conf_now();

		hit('a', 7);
		assert_int_equal(engine_suspicion(cw.engine, 0, &conf, &phrase), s == 3600);
		tick();
	}
	assert_string_equal(buf_str(&phrase), "it came nowhere near its limit in the last hour");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_gate_says_its_value),
		TEST(a_source_that_is_not_there_comes_first),
		TEST(a_baseline_says_what_is_normal),
		TEST(the_key_may_be_any_part_and_the_closest_are_named),
		TEST(names_with_commas_and_controls_are_found_as_alerts_show_them),
		TEST(single_events_show_the_nearest),
		TEST(inhibitors_flapping_and_silence_by_wish_are_gates),
		TEST(rules_made_of_others_show_their_members),
		TEST(looking_changes_nothing),
		TEST(suspicion_says_why),
		TEST(a_rule_far_from_its_limit_is_suspicious_after_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
