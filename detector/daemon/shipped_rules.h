/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of rules/, which the binary carries in itself for a run without configuration. */
#ifndef DAEMON_SHIPPED_RULES_H
#define DAEMON_SHIPPED_RULES_H

#include "daemon/rule_files.h"

/* Adds them, under the names they have in the source tree. */
void shipped_rules_add(struct rule_files *f);

#endif
