/* SPDX-License-Identifier: BSD-2-Clause */
/* The document of an alert. */
#include "alert_scene.h"

#include <math.h>

#include <cjson/cJSON.h>

static const struct process *find_texts(struct process_lookup *lookup, const struct event *ev)
{
	static const struct process texts = {
		.exe = "/usr/lib/postgresql/15/bin/postgres",
		.cmdline = "postgres: walwriter",
		.parent_comm = "postgres",
		.user = "postgres",
		.cgroup = "/system.slice/postgresql.service",
		.container_id = "",
		.unit = "postgresql.service",
	};

	(void)lookup;
	(void)ev;
	return &texts;
}

static void a_firing_document_has_every_member(void **state)
{
	CLEANUP(buf_fini) struct buf want = { 0 };
	struct json event = { .out = &want };
	struct process_lookup same = { find_texts };
	struct scene s;
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	s.t.event.processes = &same;
	buf_adds(
		&want,
		"{\"version\":1,\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\","
		"\"incident\":\"01ARZ3NDEKTSV4RRFFQ69G5FAA\",\"state\":\"firing\",\"repeat\":false,"
		"\"severity\":\"warning\","
		"\"rule\":{\"name\":\"slow-syscall\",\"source\":\"syscall\",\"why\":\"It stalls.\"},"
		"\"key\":{\"comm\":\"postgres\",\"pid\":812},\"labels\":{},"
		"\"summary\":\"latency_ms 31.2 ms, limit 10 ms (comm=postgres, pid=812), postgres[812]\","
		"\"value\":31.2,\"value_text\":\"31.2 ms\",\"unit\":\"ms\","
		"\"threshold\":10,\"threshold_text\":\"10 ms\",\"window_s\":0,\"samples\":1,"
		"\"baseline\":null,\"conditions\":[{\"text\":\"latency_ms\",\"unit\":\"ms\","
		"\"window_s\":0,\"value\":31.2,\"limit\":10,\"held\":true}],"
		"\"members\":[],\"flapping\":null,\"silenced\":null,\"quality\":{\"state\":\"complete\",\"lost\":0},"
		"\"started\":\"2026-11-22T10:04:31.207Z\",\"ended\":null,\"duration_s\":null,\"reason\":null,"
		"\"event\":");
	event_write_json(&s.t.event, &event);
	s.t.event.processes = NULL; /* the process given is what counts */
	buf_adds(&want,
		 ",\"process\":{\"pid\":812,\"comm\":\"postgres\","
		 "\"exe\":\"/usr/lib/postgresql/15/bin/postgres\","
		 "\"cmdline\":\"postgres: walwriter\",\"uid\":106,\"user\":\"postgres\","
		 "\"ppid\":790,\"parent\":\"postgres\","
		 "\"cgroup\":\"/system.slice/postgresql.service\",\"container_id\":null,"
		 "\"unit\":\"postgresql.service\"},"
		 "\"host\":{\"name\":\"db07\",\"kernel\":\"6.18.44\",\"boot_id\":\"b00t\"}}");
	a = alert_new(&s.t, &process, &host);
	assert_string_equal(a->doc, buf_str(&want));
	assert_int_equal(a->doc_len, strlen(a->doc));
	assert_string_equal(a->id, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	assert_string_equal(a->incident, "01ARZ3NDEKTSV4RRFFQ69G5FAA");
	assert_string_equal(a->rule, "slow-syscall");
	assert_string_equal(a->key, "comm=postgres,pid=812");
	assert_string_equal(a->identity, "db07/slow-syscall/comm=postgres,pid=812");
	assert_int_equal(a->severity, SEVERITY_WARNING);
	assert_int_equal(a->n_hooks, 2);
	assert_int_equal(a->hooks[0], 3);
	assert_int_equal(a->hooks[1], 1);
	alert_unref(a);
}

static void a_resolved_document_has_the_evidence(void **state)
{
	struct scene s;
	struct alert *a;

	(void)state;
	storm_resolved(&s);
	a = alert_new(&s.t, &process, &host);
	assert_text(a, "state", "resolved");
	assert_text(a, "ended", "2026-11-22T10:05:02.207Z");
	assert_text(a, "duration_s", "31");
	assert_text(a, "labels/team", "storage");
	assert_text(a, "labels/tier", "1");
	assert_text(a, "window_s", "5");
	assert_text(a, "baseline/center", "900");
	assert_text(a, "baseline/spread", "100");
	assert_text(a, "baseline/samples", "300");
	assert_text(a, "baseline/age_s", "299");
	assert_text(a, "baseline/limit", "1500");
	assert_text(a, "baseline/score", "3");
	assert_text(a, "quality/state", "degraded");
	assert_text(a, "quality/lost", "17");
	assert_string_equal(
		a->summary,
		"resolved after 31 s: rate(x) 1,200 /s over 5 s, limit 5,000 /s, "
		"normal 900 /s, 17 events lost (comm=postgres, pid=812), postgres[812]");
	assert_string_equal(a->identity, "db07/slow-syscall/comm=postgres,pid=812");
	alert_unref(a);
}

/* The clock may be set while an alert is up: the start must stay what it was. */
static void the_start_is_told_by_the_clock_of_its_event(void **state)
{
	struct scene s;
	struct alert *a;

	(void)state;
	storm_resolved(&s);
	s.t.wall_offset_ns += (int64_t)(3600 * NS_PER_S);
	a = alert_new(&s.t, &process, &host);
	assert_text(a, "started", "2026-11-22T10:04:31.207Z");
	assert_text(a, "ended", "2026-11-22T11:05:02.207Z");
	assert_text(a, "duration_s", "31");
	alert_unref(a);
}

static void what_is_not_known_is_null(void **state)
{
	static const struct host_info nowhere = { 0 };
	struct process_info gone = { .pid = 812, .ppid = -1, .uid = -1, .exe = "" };
	struct scene s;
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	s.rule.n_by = 0;
	s.t.value = s.t.threshold = NAN;
	a = alert_new(&s.t, &gone, &nowhere);
	assert_text(a, "value", NULL);
	assert_text(a, "value_text", NULL);
	assert_text(a, "threshold", NULL);
	assert_text(a, "threshold_text", NULL);
	assert_text(a, "process/pid", "812");
	assert_text(a, "process/comm", NULL);
	assert_text(a, "process/exe", NULL);
	assert_text(a, "process/uid", NULL);
	assert_text(a, "process/ppid", NULL);
	assert_text(a, "host/name", NULL);
	assert_string_equal(a->key, "");
	assert_string_equal(a->identity, "/slow-syscall/");
	assert_string_equal(a->summary, "latency_ms without samples, pid 812");
	alert_unref(a);
	gone.pid = -1;
	a = alert_new(&s.t, &gone, &host);
	assert_text(a, "process", NULL);
	alert_unref(a);
	a = alert_new(&s.t, NULL, &host);
	assert_text(a, "process", NULL);
	assert_string_equal(a->summary, "latency_ms without samples");
	alert_unref(a);
}

static void references_keep_an_alert(void **state)
{
	struct scene s;
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	a = alert_new(&s.t, &process, &host);
	assert_ptr_equal(alert_ref(a), a);
	alert_unref(a);
	assert_text(a, "state", "firing");
	alert_unref(a);
	alert_unref(NULL);
}

/* Every leaf of the document, and that none is null but for the one named. */
static void assert_no_null(const cJSON *item, const char *but)
{
	const cJSON *child;

	cJSON_ArrayForEach(child, item)
	{
		if (cJSON_IsNull(child) && strcmp(child->string, but) != 0)
			fail_msg("%s is null", child->string);
		assert_no_null(child, but);
	}
}

static void an_example_has_every_path_of_its_rule(void **state)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		struct scene s;
		struct alert *a;
		cJSON *doc;

		storm_resolved(&s);
		s.rule.on = &types[i];
		s.rule.by[0] = field_of(&types[i], "comm");
		s.rule.by[1] = field_of(&types[i], "pid");
		s.rule.n_by = s.rule.by[0] && s.rule.by[1] ? 2 : 0;
		s.rule.judge.leaves[0].value.terms[0].field = NULL;
		a = alert_example(&(struct rule_set){ 0 }, &s.rule);
		doc = cJSON_Parse(a->doc);
		assert_no_null(doc, "");
		if (s.rule.n_by)
			assert_text(a, "key/pid", "1234");
		assert_text(a, "value", "7500");
		assert_text(a, "state", "firing");
		cJSON_Delete(doc);
		alert_unref(a);
	}
}

static void an_example_without_a_baseline_says_so(void **state)
{
	struct scene s;
	struct alert *a;
	cJSON *doc;

	(void)state;
	slow_syscall(&s);
	a = alert_example(&(struct rule_set){ 0 }, &s.rule);
	doc = cJSON_Parse(a->doc);
	assert_no_null(doc, "baseline");
	assert_text(a, "baseline", NULL);
	assert_text(a, "event/latency_ms", "15");
	assert_string_equal(a->key, "comm=example,pid=1234");
	cJSON_Delete(doc);
	alert_unref(a);
}

/* A sequence of the scene's rule and another. */
static void made_of_others(struct scene *s, struct rule *rules, struct rule_set *set)
{
	slow_syscall(s);
	rules[0] = s->rule;
	rules[1] = s->rule;
	rules[1].name = (char *)"other";
	s->rule.name = (char *)"both";
	s->rule.on = NULL;
	s->rule.judge.leaves[0].value.text = NULL;
	s->rule.kind = RULE_SEQUENCE;
	s->rule.n_members = 2;
	s->rule.members[1] = 1;
	*set = (struct rule_set){ .rules = rules, .n_rules = 2 };
}

static void an_alert_made_of_others_says_of_which(void **state)
{
	struct scene s;
	struct rule rules[2];
	struct rule_set set;
	struct alert *a;

	(void)state;
	made_of_others(&s, rules, &set);
	s.t.value = s.t.threshold = NAN;
	s.t.n_members = 2;
	s.t.members[0] = (struct transition_member){ &rules[0], s.t.started_ns };
	s.t.members[1] = (struct transition_member){ &rules[1], s.t.started_ns + 2 * NS_PER_S };
	a = alert_new(&s.t, &process, &host);
	assert_text(a, "rule/source", NULL);
	assert_text(a, "members/0/rule", "slow-syscall");
	assert_text(a, "members/0/started", "2026-11-22T10:04:31.207Z");
	assert_text(a, "members/1/rule", "other");
	assert_text(a, "members/1/started", "2026-11-22T10:04:33.207Z");
	assert_string_equal(a->summary, "slow-syscall, then other within 2 s "
					"(comm=postgres, pid=812), postgres[812]");
	alert_unref(a);
	s.rule.kind = RULE_TOGETHER;
	a = alert_new(&s.t, &process, &host);
	assert_string_equal(a->summary, "slow-syscall and other together, begun within 2 s "
					"(comm=postgres, pid=812), postgres[812]");
	alert_unref(a);
	a = alert_example(&set, &s.rule);
	assert_text(a, "members/1/rule", "other");
	assert_text(a, "key/pid", "1234");
	assert_text(a, "event/syscall", "1");
	alert_unref(a);
}

static void what_flaps_or_was_ended_says_so(void **state)
{
	struct scene s;
	struct alert *a;

	(void)state;
	slow_syscall(&s);
	s.t.repeat = true;
	s.t.flapping = 6;
	a = alert_new(&s.t, &process, &host);
	assert_text(a, "flapping/changes", "6");
	assert_true(strncmp(a->summary, "flapping, 6 changes: latency_ms", 31) == 0);
	alert_unref(a);
	storm_resolved(&s);
	s.t.reason = "the rule was removed";
	a = alert_new(&s.t, &process, &host);
	assert_text(a, "reason", "the rule was removed");
	assert_true(strncmp(a->summary, "resolved after 31 s (the rule was removed): ", 44) == 0);
	alert_unref(a);
}

static void an_example_survives_any_limit(void **state)
{
	static const double limits[] = { 0, -1, 1e300, -1e300, 1e-300 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct scene s;

		slow_syscall(&s);
		s.rule.judge.leaves[0].above.at = limits[i];
		alert_unref(alert_example(&(struct rule_set){ 0 }, &s.rule));
		s.rule.judge.leaves[0].below = s.rule.judge.leaves[0].above;
		s.rule.judge.leaves[0].above.set = false;
		alert_unref(alert_example(&(struct rule_set){ 0 }, &s.rule));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_firing_document_has_every_member),
		cmocka_unit_test(a_resolved_document_has_the_evidence),
		cmocka_unit_test(the_start_is_told_by_the_clock_of_its_event),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(references_keep_an_alert),
		cmocka_unit_test(an_example_has_every_path_of_its_rule),
		cmocka_unit_test(an_example_without_a_baseline_says_so),
		cmocka_unit_test(an_alert_made_of_others_says_of_which),
		cmocka_unit_test(what_flaps_or_was_ended_says_so),
		cmocka_unit_test(an_example_survives_any_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
