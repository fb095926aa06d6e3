/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is to say of the sources for people, in the name of a command: "kernelsight events". */
#ifndef DAEMON_SOURCES_SAY_H
#define DAEMON_SOURCES_SAY_H

#include <stdio.h>

#include "daemon/sources.h"

/* As sources_new(); says on standard error what is wrong. */
struct sources *sources_start(const char *command, const struct sources_conf *conf);

/* Say on standard error what on_loss and on_report are told. */
void sources_say_loss(const char *command, const struct event_type *type, uint64_t lost);
void sources_say_route(const char *command, const struct event_type *type, const char *route,
		       const char *error);

/* Writes the ledger of each source: what it saw and what became of that, per CPU too, and the kernel
 * memory they all take. */
void sources_print_ledger(const struct sources *s, FILE *out);

#endif
