/* SPDX-License-Identifier: BSD-2-Clause */
/* The sources at work, and what knows the processes of their events: all that those look at who measure
 * what is at work. */
#ifndef DAEMON_SOURCE_LIST_H
#define DAEMON_SOURCE_LIST_H

#include "process/processes.h"
#include "source/source.h"

#define SOURCES_MAX 32

struct source_list {
	struct source *at[SOURCES_MAX];
	unsigned n;
	struct processes *processes; /* NULL while there was no source */
};

#endif
