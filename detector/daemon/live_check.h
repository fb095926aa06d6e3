/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether rules get on this machine, now, what they read. */
#ifndef DAEMON_LIVE_CHECK_H
#define DAEMON_LIVE_CHECK_H

#include "rule/rule_load.h"

/*
 * Attaches for a moment all sources that the rules want, and adds a warning for each rule on one that
 * cannot be had here, or that reads fields which this kernel does not fill. False if nothing at all
 * can be attached, with one sentence in *ret_error; the caller frees it. files are those that
 * rule_load() made the set of.
 */
bool live_check(const struct rule_set *set, const struct rule_file *files, struct diags *d,
		char **ret_error);

#endif
