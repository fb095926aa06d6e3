/* SPDX-License-Identifier: BSD-2-Clause */
/* What `kernelsight silence`, `silences` and `unsilence` ask of the daemon. */
#ifndef DAEMON_SILENCING_H
#define DAEMON_SILENCING_H

#include "daemon/request.h"
#include "engine/engine.h"

/* Everything lends. */
struct silencing {
	struct engine *engine;
	const struct rule_set *rules;
	uint64_t now_ns;
	int64_t wall_offset_ns;
};

/* Adds one: "matchers", "comment", "for" (a duration). Replies with the member "silence". */
char *silencing_add(const struct silencing *s, const struct request *request, struct json *reply);
/* Removes the one of that "id". Replies with the member "silence", as it was. */
char *silencing_remove(const struct silencing *s, const struct request *request,
		       struct json *reply);
/* Adds the member "silences", the oldest first. */
void silencing_list(const struct silencing *s, struct json *reply);

/* Says on standard error that one is over. */
void silencing_report_over(const struct silence *s);

#endif
