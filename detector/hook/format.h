/* SPDX-License-Identifier: BSD-2-Clause */
/* The bodies and signatures that sinks want; pure text, nothing sent here. */
#ifndef HOOK_FORMAT_H
#define HOOK_FORMAT_H

#include "engine/alert.h"

/* Slack incoming webhook: a text, and one coloured attachment of blocks. */
void slack_body(const struct alert *a, struct buf *out);

#define PAGERDUTY_BODY_MAX 512000 /* bytes; larger is refused by PagerDuty (2026) */

/* PagerDuty Events API v2: trigger or resolve, never over PAGERDUTY_BODY_MAX. */
void pagerduty_body(const struct alert *a, const char *routing_key, struct buf *out);

#define WEBHOOK_KEY_PREFIX "whsec_"

/* The key in a Standard Webhooks secret, "whsec_" and base64 of 24 to 64 bytes; false if it is
 * none. */
bool webhook_key(const char *secret, struct buf *ret_key);
/* Adds "v1,..." for a body sent at a time; the body is the exact bytes on the wire. */
void webhook_sign(const struct buf *key, const char *id, uint64_t time_s, const struct buf *body,
		  struct buf *out);

#endif
