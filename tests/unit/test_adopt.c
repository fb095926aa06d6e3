/* SPDX-License-Identifier: BSD-2-Clause */
/* Other rules for a running engine: what is kept, what ends, and what begins anew. */
#include "compose_world.h"

#include "engine/adopt.h"

static struct {
	struct buf text; /* "a:kept b:removed " */
	const char *why; /* of the last that changed */
} fates;

static void on_fate(void *ctx, const struct rule *rule, enum rule_fate fate, const char *why)
{
	static const char *const names[] = { "kept", "added", "changed", "removed" };

	(void)ctx;
	buf_addf(&fates.text, "%s:%s ", rule->name, names[fate]);
	if (why)
		fates.why = why;
}

static int end_fates(void **state)
{
	buf_fini(&fates.text);
	fates.text = (struct buf){ 0 };
	return end_world(state);
}

/* Lets a new set take over, half a second after the last tick. */
static void reload_set(struct rule_set *set)
{
	struct engine *old = cw.engine;

	cw.engine = engine_on(set);
	engine_adopt(cw.engine, old, ns(cw.now_s + 0.5), WALL_OFFSET_NS, on_fate, NULL);
	engine_free(old);
	rule_set_free(cw.set);
	cw.set = set;
}

static void reload_text(const char *rules)
{
	reload_set(load_text(rules));
}

static void assert_fates(const char *text)
{
	assert_string_equal(buf_str(&fates.text), text);
	buf_reset(&fates.text);
}

static void start_text(const char *rules)
{
	cw.set = load_text(rules);
	run();
}

#define HEAD(name, tid)                                                                            \
	"{ 'name': '" name "', 'why': 'x', 'on': 'syscall', 'where': 'tid == " tid "', "
#define POINT(name, tid, more)                                                                         \
	HEAD(name, tid)                                                                                \
	"'by': ['pid'], 'keep': '1s', 'flap': false, 'when': {'value': 'latency_ms', 'above': 1}" more \
	"}"
#define COUNT(name, tid, above, more)                                                                          \
	HEAD(name, tid)                                                                                        \
	"'by': ['pid'], 'flap': false, 'clear': {'for': '1s'}, 'when': {'value': 'count()', 'window': '10s', " \
	"'above': " above "}" more "}"

static void an_alert_goes_on_and_ends_once(void **state)
{
	char incident[ULID_LEN + 1];

	(void)state;
	start_text(POINT("a", "1", "") "," POINT("b", "2", ""));
	hit('a', 7);
	assert_said("a7+ ");
	memcpy(incident, cw.last.incident, sizeof(incident));
	/* other texts, another order, one more */
	reload_text(POINT("b", "2", ", 'severity': 'error'") "," POINT("c", "3", "") "," POINT(
		"a", "1", ", 'summary': 'other'"));
	assert_fates("a:kept b:kept c:added ");
	assert_said("");
	assert_int_equal(engine_stats(cw.engine)->firing, 1);
	assert_int_equal(engine_stats(cw.engine)->keys, 1);
	assert_int_equal(engine_stats(cw.engine)->fired, 1);
	hit('a', 7);
	tick();
	assert_said("");
	ticks(2);
	assert_said("a7- ");
	assert_string_equal(cw.last.incident, incident);
	assert_null(cw.last.reason);
	assert_ptr_equal(cw.last.rule, &cw.set->rules[2]);
	assert_int_equal(engine_stats(cw.engine)->keys, 0);
}

static void the_alerts_of_a_rule_that_is_gone_resolve(void **state)
{
	(void)state;
	start_text(POINT("a", "1", "") "," POINT("b", "2", ""));
	hit('a', 7);
	hit('a', 8);
	hit('b', 7);
	assert_said("a7+ a8+ b7+ ");
	reload_text(POINT("b", "2", ""));
	assert_fates("a:removed b:kept ");
	assert_said("a7- a8- ");
	assert_string_equal(cw.last.reason, "the rule was removed");
	assert_int_equal(cw.last.ended_ns, ns(100.5));
	assert_int_equal(engine_stats(cw.engine)->firing, 1);
	ticks(3);
	assert_said("b7- ");
}

static void a_rule_that_judges_something_else_begins_anew(void **state)
{
	(void)state;
	start_text(POINT("a", "1", ""));
	hit('a', 7);
	reload_text(POINT("a", "2", ""));
	assert_fates("a:changed ");
	assert_said("a7+ a7- ");
	assert_string_equal(cw.last.reason, "the rule was changed");
	assert_non_null(strstr(fates.why, "\"where\""));
	hit('b', 7); /* tid 2 */
	assert_said("a7+ ");
	reload_text(
		"{ 'name': 'a', 'why': 'x', 'on': 'syscall', 'where': 'tid == 2', 'by': ['comm'],"
		" 'when': {'value': 'latency_ms', 'above': 1}}");
	assert_fates("a:changed ");
	assert_said("a7- ");
	assert_non_null(strstr(fates.why, "\"by\""));
}

static void windows_are_kept_under_other_limits(void **state)
{
	(void)state;
	start_text(COUNT("a", "1", "10", ""));
	for (unsigned i = 0; i < 5; i++)
		hit('a', 7);
	tick();
	reload_text(COUNT("a", "1", "6", ""));
	assert_fates("a:kept ");
	hit('a', 7);
	assert_said("");
	hit('a', 7);
	assert_said("a7+ ");
	assert_true(cw.last.value == 7);
	/* not over the limit any more, for a second */
	reload_text(COUNT("a", "1", "20", ""));
	assert_said("");
	ticks(3);
	assert_said("a7- ");
	/* beyond a limit without another event */
	reload_text(COUNT("a", "1", "3", ""));
	tick();
	assert_said("a7+ ");
	assert_true(cw.last.value == 7);
}

static void a_judgement_on_arrival_may_become_one_at_the_tick(void **state)
{
	(void)state;
	start_text(COUNT("a", "1", "10", ""));
	for (unsigned i = 0; i < 5; i++)
		hit('a', 7);
	reload_text(HEAD("a", "1") "'by': ['pid'], 'flap': false, 'when': {'value': 'count()', "
				   "'window': '10s', 'below': 6}}");
	assert_fates("a:kept ");
	ticks(9);
	/* known for less than a window, as far as this rule can tell */
	assert_said("");
	ticks(5);
	assert_said("a7+ ");
}

static void times_that_run_go_on(void **state)
{
	(void)state;
	start_text(COUNT("a", "1", "2", ", 'for': '5s'"));
	for (unsigned i = 0; i < 5; i++)
		hit('a', 7);
	ticks(3);
	reload_text(COUNT("a", "1", "2", ", 'for': '5s', 'repeat': '1m'"));
	ticks(2);
	assert_said("");
	tick();
	assert_said("a7+ ");
	assert_int_equal(cw.last.started_ns, ns(100.5));
}

static void baselines_are_kept(void **state)
{
	static const char *const rule = HEAD("a", "1") "'by': ['pid'], 'flap': false, 'when': "
						       "{'value': 'count()', 'window': '2s', "
						       "'above': %u, 'baseline': {'deviations': 4, "
						       "'warm_up': '30s'}}}";
	AUTO_FREE char *before = xasprintf(rule, 1), *after = xasprintf(rule, 2);

	(void)state;
	start_text(before);
	for (unsigned i = 0; i < 60; i++) {
		hit('a', 7);
		hit('a', 7);
		tick();
	}
	reload_text(after);
	assert_fates("a:kept ");
	for (unsigned i = 0; i < 100; i++)
		hit('a', 7);
	tick();
	assert_said("a7+ ");
	assert_non_null(cw.last.baseline);
}

static void what_flaps_waits_or_is_inhibited_goes_on_to(void **state)
{
	static const char *const rules = POINT("b", "2", "") "," HEAD(
		"a", "1") "'by': ['pid'], 'keep': '1s', 'inhibited_by': ['b'], 'flap': false, "
			  "'when': {'value': 'latency_ms', 'above': 1}}";
	static const char *const other =
		HEAD("a", "1") "'by': ['pid'], 'keep': '1s', 'inhibited_by': ['b'], 'flap': false, "
			       "'when': {'value': 'latency_ms', 'above': 1}}," POINT("b", "2", "");

	(void)state;
	start_text(rules);
	hit('b', 7);
	hit('a', 7);
	tick();
	hit('a', 7);
	hit('b', 7);
	assert_said("b7+ ");
	reload_text(other);
	tick();
	hit('a', 7);
	tick();
	assert_said("b7- a7+ ");
	assert_int_equal(cw.last.started_ns, ns(100.5));
	ticks(3);
	assert_said("a7- ");
	/* one that was never said ends without a word */
	hit('b', 7);
	hit('a', 7);
	tick();
	reload_text(POINT("b", "2", ""));
	assert_said("b7+ ");
	ticks(3);
	assert_said("b7- ");
}

static void flapping_goes_on(void **state)
{
	static const char *const rule = HEAD("a", "1") "'by': ['pid'], 'keep': '1s', 'flap': "
						       "{'changes': 4, 'window': '1m'}, 'when': "
						       "{'value': 'latency_ms', 'above': 1}}";

	(void)state;
	start_text(rule);
	for (unsigned i = 0; i < 2; i++) {
		hit('a', 7);
		ticks(3);
	}
	assert_said("a7+ a7- a7+ a7= ");
	reload_text(rule);
	hit('a', 7);
	ticks(3);
	assert_said("");
	ticks(60);
	assert_said("a7- ");
	/* to a rule that never flaps: what is held ends */
	for (unsigned i = 0; i < 2; i++) {
		hit('a', 7);
		ticks(3);
	}
	assert_said("a7+ a7- a7+ a7= ");
	reload_text(POINT("a", "1", ""));
	tick();
	assert_said("a7- ");
	hit('a', 7);
	ticks(3);
	assert_said("a7+ a7- ");
}

#define MADE_OF(members)                                                                           \
	"{ 'name': 'c', 'why': 'x', 'together': [" members                                         \
	"], 'within': '5s', 'by': ['pid'], 'keep': '1s', 'flap': false }"

static void composites_go_on(void **state)
{
	(void)state;
	start_text(POINT("a", "1", "") "," POINT("b", "2", "") "," MADE_OF("'a', 'b'"));
	hit('a', 7);
	hit('a', 8);
	hit('b', 8);
	assert_said("a7+ a8+ b8+ c8+ ");
	reload_text(MADE_OF("'a', 'b'") "," POINT("b", "2", "") "," POINT("a", "1", ""));
	assert_fates("a:kept b:kept c:kept ");
	hit('b', 7);
	assert_said("b7+ c7+ ");
	assert_ptr_equal(cw.last.members[0].rule, &cw.set->rules[2]);
	/* a changed member ends for it too */
	reload_text(MADE_OF("'a', 'b'") "," POINT("b", "2", "") "," POINT("a", "3", ""));
	assert_said("a7- a8- ");
	ticks(2);
	buf_reset(&cw.said);
	ticks(2);
	assert_int_equal(engine_stats(cw.engine)->firing, 0);
}

static void a_new_composite_knows_what_fires(void **state)
{
	(void)state;
	start_text(POINT("a", "1", "") "," POINT("b", "2", ""));
	hit('a', 7);
	reload_text(POINT("a", "1", "") "," POINT("b", "2", "") "," MADE_OF("'a', 'b'"));
	hit('b', 7);
	assert_said("a7+ b7+ c7+ ");
	reload_text(POINT("a", "1", "") "," POINT("b", "2", ""));
	assert_said("c7- ");
	assert_string_equal(cw.last.reason, "the rule was removed");
	ticks(3);
	assert_said("a7- b7- ");
}

static void grace_is_of_new_rules_only(void **state)
{
	(void)state;
	start_text(POINT("a", "1", ", 'grace': '10s'"));
	ticks(11);
	reload_text(POINT("a", "1", ", 'grace': '10s'") "," POINT("b", "2", ", 'grace': '10s'"));
	hit('a', 7);
	hit('b', 7);
	assert_said("a7+ ");
}

/* Rules that see the same events share their windows, up to a number of rules; then some share
 * other ones than before. */
static void windows_that_are_shared_by_others_harm_nobody(void **state)
{
	CLEANUP(buf_fini) struct buf before = { 0 };
	CLEANUP(buf_fini) struct buf after = { 0 };

	(void)state;
	buf_adds(&after, COUNT("first", "1", "1000", ""));
	for (unsigned i = 0; i < 67; i++) {
		AUTO_FREE char *name = xasprintf("r%u", i);

		buf_addf(&before,
			 "%s{ 'name': '%s', 'why': 'x', 'on': 'syscall', 'where': 'tid == 1', "
			 "'by': ['pid'], 'flap': false, 'when': {'value': 'max(latency_ms)', "
			 "'window': '10s', 'above': 100}}",
			 i ? "," : "", name);
	}
	buf_addf(&after, ",%s", buf_str(&before));
	start_text(buf_str(&before));
	for (unsigned key = 0; key < 23; key++)
		hit('a', key);
	reload_text(buf_str(&after));
	assert_int_equal(engine_stats(cw.engine)->keys, 23 * 67);
	for (unsigned key = 0; key < 23; key++)
		hit('a', key);
	ticks(20);
	assert_said("");
	reload_text(buf_str(&before));
	ticks(3);
	assert_said("");
}

static void many_reloads_leak_nothing_and_lose_nothing(void **state)
{
	(void)state;
	start_text(POINT("a", "1", "") "," COUNT("b", "2", "3", ""));
	for (unsigned i = 0; i < 101; i++) {
		hit('a', 7);
		hit('b', 7);
		reload_text(i % 2 ? POINT("a", "1", "") "," COUNT("b", "2", "3", "")
				  : COUNT("b", "2", "3", "") "," POINT("a", "1", ""));
		tick();
	}
	assert_said("a7+ b7+ ");
	ticks(13);
	assert_said("a7- b7- ");
	assert_int_equal(engine_stats(cw.engine)->events, 202);
}

#define ADOPT(name) cmocka_unit_test_setup_teardown(name, start_world, end_fates)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ADOPT(an_alert_goes_on_and_ends_once),
		ADOPT(the_alerts_of_a_rule_that_is_gone_resolve),
		ADOPT(a_rule_that_judges_something_else_begins_anew),
		ADOPT(windows_are_kept_under_other_limits),
		ADOPT(a_judgement_on_arrival_may_become_one_at_the_tick),
		ADOPT(times_that_run_go_on),
		ADOPT(baselines_are_kept),
		ADOPT(what_flaps_waits_or_is_inhibited_goes_on_to),
		ADOPT(flapping_goes_on),
		ADOPT(composites_go_on),
		ADOPT(a_new_composite_knows_what_fires),
		ADOPT(grace_is_of_new_rules_only),
		ADOPT(windows_that_are_shared_by_others_harm_nobody),
		ADOPT(many_reloads_leak_nothing_and_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
