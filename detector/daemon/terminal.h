/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts on standard output: a few lines for eyes on a terminal, coloured unless NO_COLOR is set;
 * one JSON document a line anywhere else.
 */
#ifndef DAEMON_TERMINAL_H
#define DAEMON_TERMINAL_H

#include <stdio.h>

#include "engine/alert.h"

struct terminal {
	FILE *out;
	bool people; /* a terminal */
	bool colour;
};

/* Looks what `out` is. Borrows it. */
struct terminal terminal_on(FILE *out);

/* Writes one alert and flushes. False, with errno set, if that failed: EPIPE if nobody reads. */
bool terminal_alert(const struct terminal *t, const struct alert *a);

/* Adds text with whatever could move a cursor replaced by '?': names from the kernel are hostile. */
void terminal_safe(struct buf *out, const char *text, size_t len);

#endif
