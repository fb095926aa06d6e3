/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of system calls by their number: names, from the kernel headers of the machine that built the program. */
#ifndef EVENT_SYSCALLS_H
#define EVENT_SYSCALLS_H

#include "util/base.h"

/* The name of a call of the native table, or with compat of the 32-bit one; NULL if it has none. */
const char *syscall_name(uint32_t number, bool compat);
/* Is the first argument of that call a file descriptor? */
bool syscall_takes_fd(uint32_t number, bool compat);

#endif
