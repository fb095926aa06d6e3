/* SPDX-License-Identifier: BSD-2-Clause */
/* A test file is a rule file with tests in it: here the one is made of the other. */
#ifndef TRIAL_INLINE_RULES_H
#define TRIAL_INLINE_RULES_H

#include "util/json_scan.h"

/*
 * A copy of the text of a JSON object, of the same length and with everything at the same place, but
 * blank where `without` stands at the top level, and where "rules" has strings. The caller frees it.
 */
char *inline_rules(const char *text, size_t len, const char *without);

#endif
