/* SPDX-License-Identifier: BSD-2-Clause */
/* Rule texts that may be shown: source lines under messages end up in logs and tickets. */
#ifndef RULE_MASK_H
#define RULE_MASK_H

#include "util/base.h"

/*
 * A copy of a rule file, byte for byte as long, in which strings that are secret by their key (url,
 * routing_key, secret) or by their look (a Slack URL, whsec_..., Bearer ...) are asterisks. Goes by
 * quotes and colons only, so that it also serves texts that are not JSON yet. The caller frees it.
 */
char *mask_secrets(const char *text, size_t len);

#endif
