/* SPDX-License-Identifier: BSD-2-Clause */
/* Events from the kernel to standard output, one JSON object a line. */
#ifndef DAEMON_EVENT_STREAM_H
#define DAEMON_EVENT_STREAM_H

#include "event/event.h"
#include "rule/expr.h"

#define EVENT_STREAM_TYPES 32

struct event_stream_conf {
	const struct event_type *types[EVENT_STREAM_TYPES];
	struct expr *where[EVENT_STREAM_TYPES]; /* NULL: every event; borrowed */
	unsigned n_types;
	uint64_t duration_ns; /* 0: until a signal */
	uint64_t count;	      /* 0: no limit */
	uint32_t event_limit; /* of each source per CPU and second; 0: no limit */
	bool stats;	      /* print the ledger at the end */
};

/* Runs to the end; returns the exit code: 1 if one of the sources could not be attached. */
int event_stream_run(const struct event_stream_conf *conf);

#endif
