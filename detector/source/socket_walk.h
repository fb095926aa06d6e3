/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what all sockets of an object with bpf/socket_owner.bpf.h did. Where sockets did something
 * whose owner is not known, a walk over all open files looks for them, and they are read after it.
 */
#ifndef SOURCE_SOCKET_WALK_H
#define SOURCE_SOCKET_WALK_H

#include <string.h>

#include "source/source_ops.h"

struct socket_walk {
	size_t record_size; /* of the records of walk_sockets */
	record_fn *on_record;
	/* Runs on_walk under a new number, socket_walk_files(). */
	void (*find_owners)(struct source *s);
	unsigned sought;	     /* on_record adds one for each record that asks for an owner */
	uint64_t walk_not_before_ns; /* so that walks take no more than a part of the time */
};

/* Notes where the counters of all sockets stand: only what comes now counts. */
void socket_walk_begin(struct source *s, struct socket_walk *w);
/* Hands over what they did since. */
void socket_walk_read(struct source *s, struct socket_walk *w);

/* Fills the fields of PROCESS_CONTEXT, pid and comm of a record from a struct socket_owner. */
#define FILL_OWNER(record, of)                                                                     \
	do {                                                                                       \
		(record)->pid = (of)->pid;                                                         \
		(record)->ppid = (of)->ppid;                                                       \
		(record)->uid = (of)->uid;                                                         \
		(record)->start_time_ns = (of)->start_time_ns;                                     \
		memcpy((record)->comm, (of)->comm, sizeof((record)->comm));                        \
	} while (0)

/* Listens on a port of the loopback interface for a moment: the end of each TCP socket is looked at.
 * False if that is not possible. */
bool socket_walk_poke(void);
/* The ends of sockets that the programs have seen so far. */
uint64_t socket_walk_ends(const struct source *s);

/* Runs on_walk under a new number; fn, which may be NULL, gets what it writes. */
void socket_walk_files(struct source *s, size_t size, record_fn *fn);

#endif
