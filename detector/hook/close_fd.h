/* SPDX-License-Identifier: BSD-2-Clause */
/* For CLEANUP() and destructors: closes a descriptor, unless it is -1, and makes it -1. */
#ifndef HOOK_CLOSE_FD_H
#define HOOK_CLOSE_FD_H

#include <unistd.h>

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

#endif
