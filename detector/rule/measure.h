/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule measures:
 *
 *	latency_ms                               the field of one event
 *	count()  rate()                          events in the window, and per second
 *	rate(f) sum(f) avg(f) min(f) max(f)      over a field; rate is the sum per second
 *	p50(f) p99.9(f) quantile(f, 0.999)       by nearest rank
 */
#ifndef RULE_MEASURE_H
#define RULE_MEASURE_H

#include "rule/rule.h"

/* Parses. On false *ret_error is written and the caller frees its message; else the caller frees
 * the measure's text. */
bool measure_parse(const char *text, const struct event_type *type, struct measure *ret_measure,
		   struct expr_error *ret_error);

#endif
