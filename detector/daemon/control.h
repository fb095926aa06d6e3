/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: a stream socket of the file system, for root alone, by which `kernelsight
 * status`, `explain` and `reload` ask the running daemon. A request is one line, a reply is one
 * line, both JSON. Nothing here blocks: a client that does not read its reply waits for itself, and
 * of too many clients the one that was silent for longest is cut off.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "loop/loop.h"
#include "util/buf.h"

#define CONTROL_PATH	      "/run/kernelsight/control.sock"
#define CONTROL_CLIENTS_MAX   8
#define CONTROL_REQUEST_BYTES 65536

struct control; /* opaque */

/* Adds the reply, a JSON document without line ends, to a request of len bytes: any bytes at all. */
typedef void control_fn(void *ctx, const char *request, size_t len, struct buf *reply);

/* The path given; without one $KERNELSIGHT_SOCKET, or else CONTROL_PATH. Lends. */
const char *control_path(const char *given);

/*
 * Listens at path, whose directory is made if only that is missing. A socket there that nobody
 * listens at is replaced. NULL if another process listens there, or if it cannot be done, with one
 * sentence in *ret_error; the caller frees it.
 */
struct control *control_new(struct loop *loop, const char *path, control_fn *fn, void *ctx,
			    char **ret_error);
/* Closes and removes the socket. NULL is fine. */
void control_free(struct control *c);

#endif
