/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of system calls. The names are from the kernel headers that the program was built
 * with. */
#ifndef EVENT_SYSCALLS_H
#define EVENT_SYSCALLS_H

#include "util/base.h"

/* The name of a call of the native table, or with compat of the 32-bit one; NULL if it has none. */
const char *syscall_name(uint32_t number, bool compat);
/* The number of the call of that name in that table; false if it has none. */
bool syscall_number(const char *name, size_t len, bool compat, uint32_t *ret_number);
/* Has some call of either table this name? If not, *ret_near lends the one it is a slip of, or is
 * NULL. */
bool syscall_known(const char *name, const char **ret_near);
/* Is the first argument of that call a file descriptor? */
bool syscall_takes_fd(uint32_t number, bool compat);

#endif
