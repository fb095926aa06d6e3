/* SPDX-License-Identifier: BSD-2-Clause */
/* Alerts for the tests of hooks, with a document written by the test. */
#ifndef TESTS_ALERT_FIXTURE_H
#define TESTS_ALERT_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "engine/alert.h"

/* A document as alert_new() makes it. */
#define FIXTURE_DOC                                                                                  \
	"{\"version\":1,\"id\":\"01JDA80000000000000000000A\",\"state\":\"firing\","                 \
	"\"rule\":{\"name\":\"slow-syscall\",\"source\":\"syscall\",\"why\":\"It stalls <a> & b\"}," \
	"\"key\":{\"comm\":\"postgres\"},\"summary\":\"fsync took 31.2 ms\",\"value\":31.2,"         \
	"\"value_text\":\"31.2 ms\",\"unit\":\"ms\",\"threshold\":10,\"threshold_text\":\"10 ms\","  \
	"\"window_s\":5,\"samples\":7,\"quality\":{\"state\":\"complete\",\"lost\":0},"              \
	"\"started\":\"2026-11-22T10:04:31.207Z\",\"ended\":null,\"duration_s\":null,"               \
	"\"event\":{\"pid\":812,\"tid\":813,\"comm\":\"postgres\",\"start_time_s\":4711.25},"        \
	"\"process\":{\"pid\":812,\"comm\":\"postgres\",\"cmdline\":\"postgres: walwriter\","        \
	"\"user\":\"postgres\",\"cgroup\":\"/system.slice/postgresql.service\"},"                    \
	"\"host\":{\"name\":\"db07\",\"kernel\":\"6.1\",\"boot_id\":null}}"

/* One reference; n makes the id. For the rule's hook 0. */
static inline struct alert *fixture_alert(enum alert_state state, unsigned n, const char *doc)
{
	struct alert *a = xcalloc(1, sizeof(*a));

	a->refs = 1;
	a->state = state;
	a->severity = SEVERITY_CRITICAL;
	(void)snprintf(a->id, sizeof(a->id), "01JDA8%020u", n % 1000000);
	(void)snprintf(a->incident, sizeof(a->incident), "01JDA8INCIDENT00000000000A");
	a->rule = xstrdup("slow-syscall");
	a->key = xstrdup("comm=postgres");
	a->identity = xstrdup("db07/slow-syscall/comm=postgres");
	a->summary = xstrdup("fsync took 31.2 ms");
	a->doc = xstrdup(doc);
	a->doc_len = strlen(doc);
	a->n_hooks = 1;
	return a;
}

static inline void fixture_unref(struct alert **a)
{
	alert_unref(*a);
}

#define AUTO_ALERT CLEANUP(fixture_unref) struct alert *

#endif
