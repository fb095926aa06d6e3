/* SPDX-License-Identifier: BSD-2-Clause */
/* What an exec hook hands to a program, and how often it may run it, without running any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "alert_fixture.h"
#include "hook/exec_args.h"
#include "hook/limits.h"

/* --- arguments and environment ---------------------------------------------------------------- */

static const char *variable(const struct strings *env, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < env->n; i++)
		if (!strncmp(env->list[i], name, len) && env->list[i][len] == '=')
			return env->list[i] + len + 1;
	return NULL;
}

static void an_unknown_process_has_no_variable(void **state)
{
	AUTO_ALERT a = fixture_alert(ALERT_FIRING, 1,
				     "{\"event\":{\"pid\":0,\"comm\":\"\"},\"value\":null}");
	CLEANUP(strings_fini) struct strings env = { 0 };

	(void)state;
	exec_env(a, &env);
	assert_null(variable(&env, "KERNELSIGHT_PID"));
	assert_null(variable(&env, "KERNELSIGHT_TID"));
	assert_null(variable(&env, "KERNELSIGHT_VALUE"));
	assert_string_equal(variable(&env, "KERNELSIGHT_STATE"), "firing");
	assert_null(env.list[env.n]);
}

static struct template *parse(const char *text)
{
	const char *message;
	size_t offset;
	struct template *t = template_parse(text, &offset, &message);

	assert_non_null(t);
	return t;
}

static void an_argument_that_cannot_be_rendered_stops_the_run(void **state)
{
	static const char *const bad[] = { "{{no_such}}", "{{event.nul}}" };
	AUTO_ALERT a = fixture_alert(ALERT_FIRING, 1, "{\"event\":{\"nul\":\"a\\u0000b\"}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct template *argv[] = { parse("/bin/true"), parse(bad[i]) };
		struct hook_conf conf = { .argv = argv, .n_argv = 2 };
		CLEANUP(strings_fini) struct strings strings = { 0 };
		AUTO_FREE char *error = exec_argv(&conf, a, &strings);

		assert_non_null(error);
		assert_non_null(strstr(error, "argument 1"));
		template_free(argv[0]);
		template_free(argv[1]);
	}
}

/* --- limits ----------------------------------------------------------------------------------- */

#define MINUTE_NS (60 * NS_PER_S)

static struct alert *incident(enum alert_state alert_state, const char *identity, char which)
{
	struct alert *a = fixture_alert(alert_state, 1, "{}");

	free(a->identity);
	a->identity = xstrdup(identity);
	a->incident[0] = which;
	return a;
}

static bool acts(struct limits *l, enum alert_state alert_state, const char *identity, char which,
		 uint64_t now_ns)
{
	AUTO_ALERT a = incident(alert_state, identity, which);

	return limits_refuse(l, a, now_ns) == NULL;
}

static void a_cooldown_is_for_each_alert(void **state)
{
	struct limits *l = limits_new(10 * MINUTE_NS, 0, true);

	(void)state;
	assert_true(acts(l, ALERT_FIRING, "a", '1', 1 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "b", '1', 2 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "a", '2', 11 * MINUTE_NS - 1));
	/* what was refused does not begin a cooldown */
	assert_true(acts(l, ALERT_FIRING, "a", '3', 11 * MINUTE_NS));
	limits_free(l);
}

static void a_resolved_alert_follows_its_firing(void **state)
{
	struct limits *l = limits_new(10 * MINUTE_NS, 1, true);

	(void)state;
	assert_true(acts(l, ALERT_FIRING, "a", '1', 1 * MINUTE_NS));
	assert_true(acts(l, ALERT_RESOLVED, "a", '1', 2 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "a", '2', 3 * MINUTE_NS));
	assert_false(acts(l, ALERT_RESOLVED, "a", '2', 4 * MINUTE_NS));
	limits_free(l);
}

static void an_hour_slides(void **state)
{
	struct limits *l = limits_new(0, 2, true);

	(void)state;
	assert_true(acts(l, ALERT_FIRING, "a", '1', 10 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "b", '1', 50 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "c", '1', 69 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "c", '1', 70 * MINUTE_NS));
	assert_false(acts(l, ALERT_FIRING, "d", '1', 71 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "d", '1', 110 * MINUTE_NS));
	limits_free(l);
}

static void what_is_taken_back_did_not_happen(void **state)
{
	struct limits *l = limits_new(10 * MINUTE_NS, 1, true);
	AUTO_ALERT firing = incident(ALERT_FIRING, "a", '1');
	AUTO_ALERT resolved = incident(ALERT_RESOLVED, "b", '1');

	(void)state;
	assert_null(limits_refuse(l, firing, MINUTE_NS));
	limits_take_back(l, firing);
	assert_false(acts(l, ALERT_RESOLVED, "a", '1', 2 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "b", '1', 2 * MINUTE_NS));
	limits_take_back(l, resolved); /* was not counted, so there is nothing to take back */
	assert_false(acts(l, ALERT_FIRING, "b", '2', 3 * MINUTE_NS));
	limits_free(l);
}

static void a_resolved_alert_follows_its_firing_without_limits(void **state)
{
	struct limits *l = limits_new(0, 0, true);

	(void)state;
	assert_false(acts(l, ALERT_RESOLVED, "a", '1', MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "a", '2', MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "a", '3', MINUTE_NS));
	assert_true(acts(l, ALERT_RESOLVED, "a", '3', MINUTE_NS));
	limits_free(l);
}

static void the_cooldown_table_forgets_the_oldest(void **state)
{
	struct limits *l = limits_new(1000 * MINUTE_NS, 0, true);
	char name[16];

	(void)state;
	for (unsigned i = 0; i <= LIMITS_ALERTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		assert_true(acts(l, ALERT_FIRING, name, '1', MINUTE_NS + i));
	}
	assert_false(acts(l, ALERT_FIRING, "1", '2', 2 * MINUTE_NS));
	assert_true(acts(l, ALERT_FIRING, "0", '2', 2 * MINUTE_NS));
	limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_process_has_no_variable),
		cmocka_unit_test(an_argument_that_cannot_be_rendered_stops_the_run),
		cmocka_unit_test(a_cooldown_is_for_each_alert),
		cmocka_unit_test(a_resolved_alert_follows_its_firing),
		cmocka_unit_test(an_hour_slides),
		cmocka_unit_test(what_is_taken_back_did_not_happen),
		cmocka_unit_test(a_resolved_alert_follows_its_firing_without_limits),
		cmocka_unit_test(the_cooldown_table_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
