/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditions without names, and two events to try them on. */
#ifndef TESTS_EXPR_CHECK_H
#define TESTS_EXPR_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rule/expr.h"

static const struct ev_syscall call = {
	.ts_ns = 5000000000,
	.pid = 812,
	.tid = 813,
	.syscall = 74,
	.latency_ns = 31200000,
	.comm = "postgres",
	.ret = -4,
	.uid = 106,
};

static const struct ev_tcp_retransmit segment = {
	.comm = "nginx [w] \xff",
	.saddr = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3 },
	.daddr = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
	.sport = 443,
};

static inline struct event event_of(const char *type, const void *record)
{
	return (struct event){ .type = event_type_find(type, strlen(type)), .record = record };
}

static inline struct expr *parsed(const char *text, const char *source)
{
	struct expr_error error;
	struct expr *e = expr_parse(text, event_type_find(source, strlen(source)), &error);

	if (!e)
		fail_msg("\"%s\" at %zu: %s", text, error.offset, error.message);
	return e;
}

static inline bool matches(const char *text, const char *source, const void *record)
{
	struct event ev = event_of(source, record);
	struct expr *e = parsed(text, source);
	bool match = expr_match(e, &ev);

	expr_free(e);
	return match;
}

static inline void assert_call(const char *text, bool want)
{
	if (matches(text, "syscall", &call) != want)
		fail_msg("%s: is not %d", text, want);
}

static inline void assert_segment(const char *text, bool want)
{
	if (matches(text, "tcp_retransmit", &segment) != want)
		fail_msg("%s: is not %d", text, want);
}

static inline void assert_wrong(const char *source, const char *text, size_t offset,
				const char *message)
{
	struct expr_error error = { .message = NULL };
	struct expr *e = expr_parse(text, event_type_find(source, strlen(source)), &error);

	assert_null(e);
	if (error.offset != offset || strcmp(error.message, message) != 0)
		fail_msg("\"%s\" at %zu: %s", text, error.offset, error.message);
	free(error.message);
}

#endif
