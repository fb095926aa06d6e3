/* SPDX-License-Identifier: BSD-2-Clause */
/* Silences: which alerts they match, and what hooks are told before, during and after one. */
#include "compose_world.h"

#include "engine/adopt.h"
#include "engine/explain.h"
#include "util/json_scan.h"

/* --- helpers --------------------------------------------------------------------------------- */

static char *try_silence(const char *matchers, const char *comment, double for_s,
			 const struct silence **ret)
{
	const struct silence_conf conf = { matchers, comment, ns(for_s) };

	return silences_add(engine_silences(cw.engine), cw.set, &conf, ns(cw.now_s), ret);
}

static const struct silence *silence(const char *matchers, double for_s)
{
	const struct silence *s = NULL;
	AUTO_FREE char *error = try_silence(matchers, "x", for_s, &s);

	if (error)
		fail_msg("%s", error);
	return s;
}

static void unsilence(const struct silence *s)
{
	assert_true(silences_remove(engine_silences(cw.engine), s->id));
}

static void assert_refused(const char *matchers, const char *why)
{
	const struct silence *s;
	AUTO_FREE char *error = try_silence(matchers, "x", 60, &s);

	assert_non_null(error);
	assert_string_equal(error, why);
	assert_int_equal(silences_count(engine_silences(cw.engine)), 0);
}

/* An event of that latency, half a second after the last tick. */
static void hit_ms(char rule, unsigned key, unsigned latency_ms)
{
	struct ev_syscall record = {
		.ts_ns = ns(cw.now_s + 0.5),
		.pid = key,
		.tid = (unsigned)(rule - 'a' + 1),
		.latency_ns = latency_ms * NS_PER_MS,
	};
	struct event ev = { .type = event_type_find("syscall", 7),
			    .record = &record,
			    .wall_offset_ns = WALL_OFFSET_NS };

	engine_feed(cw.engine, &ev);
}

/* n seconds in each of which the rule sees an event. */
static void go_on(char rule, unsigned key, unsigned n)
{
	while (n-- > 0) {
		hit(rule, key);
		tick();
	}
}

static const struct engine_stats *stats(void)
{
	return engine_stats(cw.engine);
}

/* --- what hooks are told --------------------------------------------------------------------- */

static void what_comes_and_goes_in_a_silence_is_shown_and_not_sent(void **state)
{
	const struct silence *s;

	(void)state;
	rules(2);
	run();
	s = silence("rule=a", 60);
	hit('a', 7);
	hit('b', 7);
	assert_said("a7+~ b7+ ");
	assert_int_equal(stats()->silenced, 1);
	assert_int_equal(s->alerts, 1);
	ticks(3);
	assert_said("a7-~ b7- ");
	assert_int_equal(stats()->fired, 2);
	assert_int_equal(stats()->resolved, 2);
	assert_int_equal(stats()->silenced, 0);
	assert_int_equal(stats()->unsent, 2);
	assert_int_equal(s->unsent, 2);
	assert_int_equal(s->alerts, 0);
	ticks(70);
	assert_said("");
	hit('a', 7);
	assert_said("a7+ ");
}

static void what_still_fires_at_the_end_is_told_then_with_its_true_start(void **state)
{
	char incident[ULID_LEN + 1];

	(void)state;
	rules(1);
	run();
	silence("rule=a", 10);
	hit('a', 7);
	assert_said("a7+~ ");
	memcpy(incident, cw.last.incident, sizeof(incident));
	tick();
	go_on('a', 7, 8);
	assert_said("");
	go_on('a', 7, 1); /* 110 s, the end of the silence */
	assert_said("a7+ ");
	assert_string_equal(cw.last.incident, incident);
	assert_string_equal(cw.last.id, incident);
	assert_int_equal(cw.last.started_ns, ns(100.5));
	assert_int_equal(stats()->fired, 1);
	assert_int_equal(stats()->silenced, 0);
	ticks(3);
	assert_said("a7- ");
	assert_string_equal(cw.last.incident, incident);
	assert_int_equal(stats()->resolved, 1);
}

static void a_silence_taken_back_ends_at_the_next_tick(void **state)
{
	const struct silence *s;

	(void)state;
	rules(1);
	run();
	s = silence("rule=a", 3600);
	hit('a', 7);
	hit('a', 8);
	assert_said("a7+~ a8+~ ");
	unsilence(s);
	assert_int_equal(silences_count(engine_silences(cw.engine)), 0);
	hit('a', 7);
	hit('a', 8);
	assert_said("");
	tick();
	assert_said("a7+ a8+ ");
	ticks(3);
	assert_said("a7- a8- ");
}

static void one_that_was_told_before_is_told_to_be_over(void **state)
{
	const struct silence *s;

	(void)state;
	rules(1);
	rule('a')->repeat_ns = ns(2);
	run();
	hit('a', 7);
	assert_said("a7+ ");
	s = silence("rule=a", 3600);
	tick();
	go_on('a', 7, 2);
	assert_said("a7=~ ");
	assert_int_equal(stats()->silenced, 0);
	assert_int_equal(s->unsent, 1);
	ticks(3);
	assert_said("a7- ");
	assert_int_equal(s->unsent, 1);
}

static void repetitions_begin_again_after_it(void **state)
{
	(void)state;
	rules(1);
	rule('a')->repeat_ns = ns(4);
	run();
	hit('a', 7);
	tick();
	silence("rule=a", 5);
	go_on('a', 7, 8);
	assert_said("a7+ a7=~ a7= ");
}

static void another_severity_is_held_and_told_at_the_end(void **state)
{
	(void)state;
	rules(1);
	rule('a')->severity = SEVERITY_WARNING;
	rule('a')->escalations[0] =
		(struct escalation){ .severity = SEVERITY_CRITICAL, .above = { true, 50 } };
	rule('a')->n_escalations = 1;
	run();
	hit('a', 7);
	assert_said("a7+ ");
	silence("rule=a", 5);
	hit_ms('a', 7, 90);
	assert_said("a7^~ ");
	tick();
	go_on('a', 7, 3);
	assert_said("");
	go_on('a', 7, 1);
	assert_said("a7^ ");
	assert_int_equal(cw.last.severity, SEVERITY_CRITICAL);
	go_on('a', 7, 5);
	assert_said("");
	ticks(3);
	assert_said("a7- ");
}

/* "severity=warning" must not hide that it became critical. */
static void a_silence_of_one_severity_ends_with_it(void **state)
{
	(void)state;
	rules(1);
	rule('a')->severity = SEVERITY_WARNING;
	rule('a')->escalations[0] =
		(struct escalation){ .severity = SEVERITY_CRITICAL, .above = { true, 50 } };
	rule('a')->n_escalations = 1;
	run();
	silence("severity=warning", 3600);
	hit('a', 7);
	assert_said("a7+~ ");
	hit_ms('a', 7, 90);
	assert_said("a7^~ ");
	tick();
	assert_said("a7+ ");
	assert_int_equal(cw.last.severity, SEVERITY_CRITICAL);
	ticks(3);
	assert_said("a7- ");
}

static void a_change_after_the_end_waits_for_the_tick(void **state)
{
	(void)state;
	rules(1);
	run();
	silence("rule=a", 2.2);
	hit('a', 7);
	ticks(1);
	hit('a', 7);
	ticks(1);
	/* at 102.5 s the silence is over; a new one is told at once, the old one with the tick */
	hit('a', 7);
	hit('a', 8);
	assert_said("a7+~ a8+ ");
	tick();
	assert_said("a7+ ");
}

static void of_two_silences_the_last_end_counts(void **state)
{
	const struct silence *first, *second;

	(void)state;
	rules(1);
	run();
	first = silence("rule=a", 5);
	second = silence("pid=7", 10);
	hit('a', 7);
	hit('a', 8);
	assert_said("a7+~ a8+~ ");
	assert_int_equal(first->alerts, 1);
	assert_int_equal(second->alerts, 1);
	for (unsigned i = 0; i < 12; i++) {
		hit('a', 8);
		go_on('a', 7, 1);
		if (i == 4)
			assert_said("a8+ ");
		else if (i == 9)
			assert_said("a7+ ");
		else
			assert_said("");
	}
}

static void a_later_silence_takes_over(void **state)
{
	const struct silence *second;

	(void)state;
	rules(1);
	run();
	silence("rule=a", 3);
	hit('a', 7);
	tick();
	second = silence("pid=7", 60);
	go_on('a', 7, 5);
	assert_said("a7+~ ");
	assert_int_equal(second->alerts, 1);
	assert_int_equal(stats()->silenced, 1);
	ticks(3);
	assert_said("a7-~ ");
	assert_int_equal(second->alerts, 0);
}

static void flapping_is_told_as_one_at_the_end(void **state)
{
	(void)state;
	rules(1);
	flap('a', 4, 60);
	run();
	silence("rule=a", 30);
	for (unsigned i = 0; i < 7; i++) {
		hit('a', 7);
		ticks(3);
	}
	assert_said("a7+~ a7-~ a7+~ a7=~ ");
	ticks(9);
	assert_said("a7+ ");
	assert_true(cw.last.flapping > 0);
	ticks(60);
	assert_said("a7- ");
}

static void what_is_inhibited_at_the_end_goes_on_to_wait(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	run();
	silence("rule=a", 5);
	hit('a', 7);
	assert_said("");
	tick();
	assert_said("a7+~ ");
	go_on('a', 7, 2);
	hit('b', 7);
	assert_said("b7+ ");
	for (unsigned i = 0; i < 5; i++) {
		hit('b', 7);
		go_on('a', 7, 1);
	}
	assert_said("");
	assert_int_equal(stats()->silenced, 1);
	go_on('a', 7, 3); /* b resolves */
	assert_said("b7- a7+ ");
	assert_int_equal(stats()->silenced, 0);
	ticks(3);
	assert_said("a7- ");
}

static void inhibited_and_silenced_it_ends_unsent(void **state)
{
	(void)state;
	rules(2);
	inhibit('a', 'b');
	run();
	silence("rule=a", 3);
	hit('a', 7);
	ticks(1);
	hit('a', 7);
	ticks(1);
	assert_said("a7+~ ");
	for (unsigned i = 0; i < 5; i++)
		go_on('b', 7, 1);
	assert_said("b7+ a7-~ ");
}

static void members_count_while_they_are_silenced(void **state)
{
	(void)state;
	rules(3);
	compose('c', RULE_TOGETHER, "ab", 5);
	run();
	silence("rule=[ab]", 60);
	hit('a', 7);
	hit('b', 7);
	assert_said("a7+~ b7+~ c7+ ");
}

static void a_rule_that_says_nothing_stays_silent(void **state)
{
	(void)state;
	rules(1);
	rule('a')->quiet = true;
	run();
	silence("rule=a", 2);
	hit('a', 7);
	tick();
	go_on('a', 7, 5);
	ticks(3);
	assert_said("");
	assert_int_equal(stats()->unsent, 0);
	assert_int_equal(stats()->held, 1);
}

/* --- other rules ----------------------------------------------------------------------------- */

static void on_fate(void *ctx, const struct rule *rule, enum rule_fate fate, const char *why)
{
	(void)ctx;
	(void)rule;
	(void)fate;
	(void)why;
}

static void reload(struct rule_set *set)
{
	struct engine *old = cw.engine;

	cw.engine = engine_on(set);
	engine_adopt(cw.engine, old, ns(cw.now_s + 0.5), WALL_OFFSET_NS, on_fate, NULL);
	engine_free(old);
	rule_set_free(cw.set);
	cw.set = set;
}

static void a_reload_keeps_silences_and_who_knows_what(void **state)
{
	const struct silence *s;

	(void)state;
	rules(2);
	run();
	s = silence("rule=b", 10);
	hit('a', 7);
	hit('b', 7);
	assert_said("a7+ b7+~ ");
	reload(load_rules(2));
	assert_int_equal(silences_count(engine_silences(cw.engine)), 1);
	assert_int_equal(stats()->silenced, 1);
	assert_true(silence_fits_rule(s, rule('b')));
	tick();
	go_on('b', 7, 2);
	assert_said("a7- ");
	reload(load_rules(1));
	assert_said("b7-~ ");
	assert_int_equal(stats()->silenced, 0);
	assert_int_equal(silences_count(engine_silences(cw.engine)), 1);
	assert_false(silence_fits_rule(s, rule('a')));
	ticks(12);
	assert_int_equal(silences_count(engine_silences(cw.engine)), 0);
	assert_said("");
}

/* What nothing holds back any more is said, also if it was a reload that took the reason away. */
static void a_rule_that_is_no_longer_inhibited_is_said(void **state)
{
	struct rule_set *set = load_rules(2);

	(void)state;
	rules(2);
	inhibit('a', 'b');
	run();
	hit('b', 7);
	hit('a', 7);
	tick();
	assert_said("b7+ ");
	reload(set);
	hit('b', 7);
	go_on('a', 7, 1);
	assert_said("a7+ ");
}

/* --- which alerts ---------------------------------------------------------------------------- */

static const char LABELLED[] =
	"{ 'name': 'slow', 'why': 'x', 'on': 'syscall', 'by': ['comm', 'pid'], 'flap': false,"
	"  'labels': {'team': 'storage', 'who': '{{comm}}', 'rule': 'x'},"
	"  'when': {'value': 'latency_ms', 'above': 1} },"
	"{ 'name': 'disk', 'why': 'x', 'on': 'io', 'by': ['device', 'op'], 'flap': false,"
	"  'labels': {'team': 'database'}, 'severity': 'critical',"
	"  'when': {'value': 'ops', 'above': 1} },"
	"{ 'name': 'peer', 'why': 'x', 'on': 'tcp_retransmit', 'by': ['daddr'], 'flap': false,"
	"  'when': {'value': 'segments', 'above': 1} }";

static void start_labelled(void)
{
	cw.set = load_text(LABELLED);
	run();
}

/* Does it match an alert of the rule, 0 or 1, for comm and pid? */
static bool matches(const char *matchers, unsigned index, const char *comm, unsigned pid)
{
	const struct silence *s = silence(matchers, 60);
	struct value key[RULE_BY_MAX] = {
		{ .type = FIELD_TEXT, .text = comm, .len = strlen(comm) },
		{ .type = FIELD_UINT, .number = pid, .u = pid },
	};
	const struct rule *r = &cw.set->rules[index];
	bool found = silences_match(engine_silences(cw.engine), r, key, r->severity,
				    ns(cw.now_s)) != NULL;

	unsilence(s);
	return found;
}

static void all_matchers_must_fit(void **state)
{
	(void)state;
	start_labelled();
	assert_true(matches("rule=slow", 0, "dd", 7));
	assert_false(matches("rule=slow", 1, "dd", 7));
	assert_true(matches("rule=*", 1, "dd", 7));
	assert_true(matches("comm=dd", 0, "dd", 7));
	assert_false(matches("comm=dd", 0, "ddx", 7));
	assert_true(matches("comm=d*", 0, "ddx", 7));
	assert_true(matches("comm=[a-d]?", 0, "dd", 7));
	assert_true(matches("comm=dd,pid=7", 0, "dd", 7));
	assert_false(matches("comm=dd,pid=8", 0, "dd", 7));
	assert_true(matches("pid=1?", 0, "dd", 12));
	assert_true(matches("severity=critical", 1, "sda", 7));
	assert_false(matches("severity=critical", 0, "dd", 7));
	assert_true(matches("team=stor*", 0, "dd", 7));
	assert_false(matches("team=stor*", 1, "dd", 7));
	assert_true(matches("labels.rule=x,rule=slow", 0, "dd", 7));
	/* a key as an alert shows it, which is no glob there */
	assert_true(matches("comm=a\\,b", 0, "a,b", 7));
	assert_true(matches("comm=[x]", 0, "[x]", 7));
	assert_true(matches("comm=", 0, "", 7));
	unsilence(silence("daddr=10.1.*", 60));
	unsilence(silence("daddr=fe80::1", 60));
}

static void what_can_match_nothing_is_refused(void **state)
{
	(void)state;
	start_labelled();
	assert_refused("rule=slwo", "no rule \"slwo\"; did you mean \"slow\"?");
	assert_refused("rule=x*", "no rule \"x*\"; allowed are slow, disk, peer");
	assert_refused("com=dd",
		       "no rule has a key field or label \"com\"; did you mean \"comm\"?");
	assert_refused("severity=critcal",
		       "severity is never \"critcal\"; did you mean \"critical\"?");
	assert_refused("team=storag", "team is never \"storag\"; did you mean \"storage\"?");
	assert_refused("op=raed", "op is never \"raed\"; did you mean \"read\"?");
	assert_refused("pid=dd", "pid is a number, and cannot be \"dd\"");
	assert_refused("pid=", "pid is a number, and cannot be \"\"");
	assert_refused("daddr=10.0.0.0/8", "daddr is an address, and cannot be \"10.0.0.0/8\"; "
					   "write one, or a glob such as 10.1.*");
	assert_refused("who=dd",
		       "the label \"who\" is made from each alert, which a silence cannot "
		       "match; take a field of the key");
	assert_refused("rule=slow,device=sda",
		       "rule \"slow\" has no key field or label \"device\"; allowed are comm, pid, "
		       "team, who, rule");
	assert_refused("rule=slow,severity=critical", "no alert of rule \"slow\" fits all of this");
	assert_refused("team=storage,device=sda", "no rule has alerts that fit all of this");
	assert_refused("slow", "no NAME=VALUE: \"slow\"; did you mean \"rule=slow\"?");
	assert_refused("dd", "no NAME=VALUE: \"dd\"");
	assert_refused("=slow", "no NAME=VALUE: \"=slow\"");
	assert_refused("", "it says nothing of which alerts are meant; of all: rule=*");
}

static void length_comment_and_number_are_bounded(void **state)
{
	const struct silence *s;
	char comment[SILENCE_COMMENT_MAX + 2];
	char *error;

	(void)state;
	start_labelled();
	memset(comment, 'x', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';
	error = try_silence("rule=slow", comment, 60, &s);
	assert_string_equal(error, "a comment of more than 200 characters");
	free(error);
	error = try_silence("rule=slow", " ", 60, &s);
	assert_string_equal(error, "the comment is empty; say why, for whoever reads it next");
	free(error);
	error = try_silence("rule=slow", "x", 0, &s);
	assert_string_equal(error, "a silence is longer than 0 s and no longer than 30 d");
	free(error);
	error = try_silence("rule=slow", "x", 30 * 86400 + 1, &s);
	assert_string_equal(error, "a silence is longer than 0 s and no longer than 30 d");
	free(error);
	assert_null(try_silence("rule=slow", "a\nb\x1b[0m", 30 * 86400, &s));
	assert_string_equal(s->comment, "a?b?[0m");
	for (unsigned i = 1; i < SILENCES_MAX; i++)
		silence("rule=slow", 60);
	error = try_silence("rule=slow", "x", 60, &s);
	assert_string_equal(error, "there are 100 silences already, and no more are possible");
	free(error);
	assert_false(silences_remove(engine_silences(cw.engine), 101));
	ticks(61);
	assert_int_equal(silences_count(engine_silences(cw.engine)), 1);
	assert_int_equal(silence("rule=slow", 60)->id, 101);
}

/* --- explain --------------------------------------------------------------------------------- */

static bool source_stands(void *ctx, const struct event_type *type, struct buf *ret_phrase)
{
	(void)ctx;
	buf_addf(ret_phrase, "%s is there", type->name);
	return true;
}

static void assert_explained(const char *key, const char *verdict, const char *gate)
{
	const struct explain_conf conf = { .now_ns = ns(cw.now_s), .source_stands = source_stands };
	CLEANUP(buf_fini) struct buf doc = { 0 };
	AUTO_FREE char *wanted = xasprintf("\"verdict\":\"%s\"", verdict);
	struct json j = { .out = &doc };
	AUTO_FREE char *error = NULL;

	json_open(&j, '{');
	error = engine_explain(cw.engine, "a", key, &conf, &j);
	json_close(&j, '}');
	assert_null(error);
	if (!strstr(buf_str(&doc), wanted) || !strstr(buf_str(&doc), gate))
		fail_msg("%s", buf_str(&doc));
}

static void explain_has_the_gate(void **state)
{
	const struct silence *s;

	(void)state;
	rules(1);
	run();
	hit('a', 7);
	assert_explained("pid=7", "fires",
			 "{\"gate\":\"silence\",\"passes\":true,\"says\":\"there is none\"}");
	ticks(3);
	s = silence("pid=8", 7260);
	assert_explained(
		"pid=7",
		"does not fire: threshold: latency_ms must be above 1 ms; the nearest of "
		"the last hour was 5 ms",
		"{\"gate\":\"silence\",\"passes\":null,\"says\":\"1 silence may match, that "
		"depends on the alert\"}");
	hit('a', 7);
	assert_explained("pid=7", "fires",
			 "{\"gate\":\"silence\",\"passes\":true,\"says\":\"none matches\"}");
	hit('a', 8);
	assert_explained(
		"pid=8", "fires; hooks do not know: silence 1, for 2 h 1 min more: x",
		"{\"gate\":\"silence\",\"passes\":false,\"says\":\"silence 1, for 2 h 1 min "
		"more: x\"},{\"gate\":\"said\",\"passes\":false,\"says\":\"it was shown that "
		"it fires, but no hook was told\"}");
	unsilence(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_comes_and_goes_in_a_silence_is_shown_and_not_sent),
		TEST(what_still_fires_at_the_end_is_told_then_with_its_true_start),
		TEST(a_silence_taken_back_ends_at_the_next_tick),
		TEST(one_that_was_told_before_is_told_to_be_over),
		TEST(repetitions_begin_again_after_it),
		TEST(another_severity_is_held_and_told_at_the_end),
		TEST(a_silence_of_one_severity_ends_with_it),
		TEST(a_change_after_the_end_waits_for_the_tick),
		TEST(of_two_silences_the_last_end_counts),
		TEST(a_later_silence_takes_over),
		TEST(flapping_is_told_as_one_at_the_end),
		TEST(what_is_inhibited_at_the_end_goes_on_to_wait),
		TEST(inhibited_and_silenced_it_ends_unsent),
		TEST(members_count_while_they_are_silenced),
		TEST(a_rule_that_says_nothing_stays_silent),
		TEST(a_reload_keeps_silences_and_who_knows_what),
		TEST(a_rule_that_is_no_longer_inhibited_is_said),
		TEST(all_matchers_must_fit),
		TEST(what_can_match_nothing_is_refused),
		TEST(length_comment_and_number_are_bounded),
		TEST(explain_has_the_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
