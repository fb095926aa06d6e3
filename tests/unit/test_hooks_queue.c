/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks side by side, and what waits in the queue of each. */
#include "hook_sink.h"

static void a_slow_sink_holds_up_no_other(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "slow", "200;delay=2");
	to_sink(&r, HOOK_WEBHOOK, "fast", "200");
	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_deliver(&r, ALERT_FIRING, i, "{}");
	run_until_requested(&r, "fast", 3);
	assert_int_equal(request_count("slow"), 1);
	rig_run(&r, 0.1);
	assert_int_equal(rig_stats(&r).queued, 3);
}

static void a_full_queue_drops_the_oldest_that_waits(void **state)
{
	AUTO_RIG r;
	const char *said;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "full", "200;delay=0.5,200");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	run_until_requested(&r, "full", 1); /* this one is in flight and must not be dropped */
	for (unsigned i = 2; i <= HOOK_QUEUE_MAX + 50; i++)
		rig_deliver(&r, ALERT_FIRING, i, "{}");
	assert_int_equal(rig_stats(&r).dropped, 50);
	assert_int_equal(rig_stats(&r).queued, HOOK_QUEUE_MAX);
	run_until_requested(&r, "full", 2);
	assert_string_equal(request("full", 0, "headers/webhook-id"), alert_id(1));
	assert_string_equal(request("full", 1, "headers/webhook-id"), alert_id(52));
	said = strstr(rig_log(&r), "the queue is full");
	assert_non_null(said);
	assert_null(strstr(said + 1, "the queue is full"));
}

static void a_repeat_has_no_place_while_the_first_still_waits(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "repeats", "200;delay=0.3,200");
	rig_start(&r);
	rig_deliver_other(&r, ALERT_FIRING, 1, false);
	rig_deliver_other(&r, ALERT_FIRING, 2, false);
	rig_deliver_other(&r, ALERT_FIRING, 2, true); /* 2 waits */
	rig_deliver_other(&r, ALERT_FIRING, 3, true);
	rig_deliver_other(&r, ALERT_FIRING, 3, true); /* a repeat of 3 waits */
	rig_deliver_other(&r, ALERT_RESOLVED, 2, false);
	rig_run_until_idle(&r);
	assert_int_equal(request_count("repeats"), 4);
	assert_string_equal(request("repeats", 2, "headers/webhook-id"), alert_id(3));
	assert_string_equal(request("repeats", 3, "headers/webhook-id"), alert_id(2));
	assert_int_equal(rig_stats(&r).dropped, 0);
	rig_deliver_other(&r, ALERT_FIRING, 2, true);
	rig_run_until_idle(&r);
	assert_int_equal(request_count("repeats"), 5);
}

static void a_full_queue_drops_repeats_first(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "full-repeats", "200;delay=0.5,200");
	rig_start(&r);
	rig_deliver_other(&r, ALERT_FIRING, 1, false); /* in flight */
	for (unsigned i = 2; i <= HOOK_QUEUE_MAX; i++)
		rig_deliver_other(&r, ALERT_FIRING, i, i == 500);
	assert_int_equal(rig_stats(&r).dropped, 0);
	rig_deliver_other(&r, ALERT_FIRING, 2000, false); /* for 500, the repeat */
	rig_deliver_other(&r, ALERT_FIRING, 2001, true);  /* for nothing */
	assert_int_equal(rig_stats(&r).dropped, 2);
	run_until_requested(&r, "full-repeats", 2);
	assert_string_equal(request("full-repeats", 1, "headers/webhook-id"), alert_id(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_sink_holds_up_no_other),
		cmocka_unit_test(a_full_queue_drops_the_oldest_that_waits),
		cmocka_unit_test(a_repeat_has_no_place_while_the_first_still_waits),
		cmocka_unit_test(a_full_queue_drops_repeats_first),
	};

	return cmocka_run_group_tests(tests, sink_start, sink_end);
}
