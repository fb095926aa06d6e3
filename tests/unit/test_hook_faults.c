/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery when curl or the kernel fails. */
#include "hook_sink.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/epoll.h>

/* How many of the next calls fail. */
static struct {
	unsigned add_handle;
	unsigned socket_action;
	unsigned epoll_ctl;
} faults;

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	CURLMcode (*real)(CURLM *, CURL *) = dlsym(RTLD_NEXT, "curl_multi_add_handle");

	if (faults.add_handle == 0)
		return real(multi, easy);
	faults.add_handle--;
	return CURLM_OUT_OF_MEMORY;
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t fd, int mask, int *running)
{
	CURLMcode (*real)(CURLM *, curl_socket_t, int, int *) =
		dlsym(RTLD_NEXT, "curl_multi_socket_action");

	if (faults.socket_action == 0)
		return real(multi, fd, mask, running);
	faults.socket_action--;
	return CURLM_INTERNAL_ERROR;
}

int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	int (*real)(int, int, int, struct epoll_event *) = dlsym(RTLD_NEXT, "epoll_ctl");

	if (faults.epoll_ctl == 0 || op == EPOLL_CTL_DEL)
		return real(epoll_fd, op, fd, event);
	faults.epoll_ctl--;
	errno = ENOSPC;
	return -1;
}

static void a_request_that_cannot_begin_is_tried_again(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "no-begin", "200");
	rig_start(&r);
	faults.add_handle = 1;
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	assert_int_equal(rig_stats(&r).retried, 0); /* done comes from the loop */
	rig_run_until_idle(&r);
	assert_int_equal(rig_stats(&r).retried, 1);
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_int_equal(request_count("no-begin"), 1);
	assert_log(&r, "Out of memory; next try in ");
}

static void a_fault_of_curl_ends_each_request_once(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "fault-a", "200;delay=1.5,200");
	to_sink(&r, HOOK_WEBHOOK, "fault-b", "200;delay=1.5,200");
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	run_until_requested(&r, "fault-a", 1);
	run_until_requested(&r, "fault-b", 1);
	faults.socket_action = 1;
	rig_run_until_idle(&r);
	assert_int_equal(rig_stats(&r).retried, 2);
	assert_int_equal(rig_stats(&r).delivered, 2);
	assert_log(&r, "Internal error; next try in ");
}

static void a_socket_that_cannot_be_watched_ends_by_its_timeout(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	to_sink(&r, HOOK_WEBHOOK, "unwatched", "200")->timeout_ns = 300 * NS_PER_MS;
	rig_start(&r);
	faults.epoll_ctl = 100;
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run(&r, 0.4);
	faults.epoll_ctl = 0;
	rig_run_until_idle(&r);
	assert_true(rig_stats(&r).retried >= 1);
	assert_int_equal(rig_stats(&r).delivered, 1);
	assert_log(&r, "; next try in ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_that_cannot_begin_is_tried_again),
		cmocka_unit_test(a_fault_of_curl_ends_each_request_once),
		cmocka_unit_test(a_socket_that_cannot_be_watched_ends_by_its_timeout),
	};

	return cmocka_run_group_tests(tests, sink_start, sink_end);
}
