/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the daemon share, and nobody else looks into:
 *
 *	daemon.c           its start and end, and what flows through it in between
 *	daemon_reload.c    other rules
 *	daemon_requests.c  what is asked over the control socket
 */
#ifndef DAEMON_DAEMON_PARTS_H
#define DAEMON_DAEMON_PARTS_H

#include "daemon/crowding.h"
#include "daemon/daemon.h"
#include "daemon/host.h"
#include "daemon/outlet.h"
#include "daemon/session.h"
#include "daemon/status.h"
#include "daemon/terminal.h"
#include "hook/hooks.h"

struct daemon {
	struct daemon_conf conf;
	const struct rule_set *rules; /* held */
	struct session session;
	struct engine *engine;
	uint64_t seed;		   /* of the engine's ids */
	uint64_t hash_seed;	   /* kept over a reload: windows hold hashes */
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct incidents *incidents;
	struct hooks *hooks;
	struct sources *sources;
	struct terminal terminal;
	struct outlet *output;
	struct control *control;
	struct source_note *notes; /* one for each of event_types() */
	struct host_info host;
	uint64_t started_ns;
	uint64_t lost;
	struct crowding crowding;
};

/* An engine on these rules, which says what it has to say to the daemon. */
struct engine *daemon_engine(struct daemon *d, const struct rule_set *rules);
/* What the rules ask of the sources: one for each of event_types(); the caller frees it. */
struct demand *daemon_demands(const struct rule_set *rules);
/* No source has said yet how it stands. */
void daemon_forget_notes(struct daemon *d);

/* Reloads, and says so on standard error. False, with everything as it was, if the rules or their hooks are
 * not right. What there is to say is in *ret_text; the caller frees it. */
bool daemon_reload(struct daemon *d, char **ret_text);

/* Of a struct daemon; see control_fn. */
void daemon_on_request(void *ctx, const char *request, size_t len, struct buf *reply);

#endif
