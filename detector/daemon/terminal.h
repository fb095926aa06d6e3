/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts on standard output: a few lines for eyes on a terminal, coloured unless NO_COLOR is set;
 * one JSON document a line anywhere else.
 */
#ifndef DAEMON_TERMINAL_H
#define DAEMON_TERMINAL_H

#include "engine/alert.h"

struct terminal {
	bool people; /* a terminal */
	bool colour;
};

/* Looks what the descriptor is open on. */
struct terminal terminal_on(int fd);

/* Adds what is to be shown of one alert. */
void terminal_alert(const struct terminal *t, const struct alert *a, struct buf *out);

#endif
