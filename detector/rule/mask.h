/* SPDX-License-Identifier: BSD-2-Clause */
/* Rule texts that may be shown: source lines under messages end up in logs and tickets. */
#ifndef RULE_MASK_H
#define RULE_MASK_H

#include "util/base.h"

/*
 * A copy of a rule file, byte for byte as long, in which values are asterisks unless their key is
 * known to hold no secret, such as "where" of a rule or "type" of a hook; those that look like one
 * (a Slack URL, whsec_..., Bearer ...) are so under any key. Goes by quotes, colons and brackets
 * only, so that it also serves texts that are not JSON yet. The caller frees it.
 */
char *mask_secrets(const char *text, size_t len);

#endif
