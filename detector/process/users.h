/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of users by number, from /etc/passwd alone: a directory service could block. The file is read
 * again when it has changed.
 */
#ifndef PROCESS_USERS_H
#define PROCESS_USERS_H

#include "util/base.h"

struct users; /* opaque */

/* path: of the file. */
struct users *users_new(const char *path);
/* NULL is fine. */
void users_free(struct users *u);
/* Reads the file if it is not the one that was read. */
void users_refresh(struct users *u);
/* The first user of that number in the file; "" if there is none. Lends until the next refresh. */
const char *users_name(const struct users *u, uint32_t uid);

#endif
