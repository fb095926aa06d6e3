/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine is called. */
#ifndef DAEMON_HOST_H
#define DAEMON_HOST_H

#include "engine/alert.h"

void host_info_init(struct host_info *ret_host);
void host_info_fini(struct host_info *h);

#endif
