/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule file says about its hooks: checked and typed, but nothing opened or sent. A secret is
 * only named here (a file or an environment variable); detector/hook reads it.
 */
#ifndef RULE_HOOK_CONF_H
#define RULE_HOOK_CONF_H

#include "rule/template.h"

enum hook_type { HOOK_SLACK, HOOK_PAGERDUTY, HOOK_WEBHOOK, HOOK_EXEC, HOOK_LOG, HOOK_TYPES };

/* A text that may be secret. At most one of the members is set. */
struct secret_ref {
	char *plain; /* where the type allows it: the URL of a webhook */
	char *file;
	char *env;
};

struct header_conf {
	char *name;
	struct secret_ref value;
};

struct hook_conf {
	char *name;
	enum hook_type type;
	const char *file; /* the rule file; lends from the rule set */
	unsigned line;

	/* slack, webhook, pagerduty (optional there) */
	struct secret_ref url;
	/* pagerduty */
	struct secret_ref routing_key;
	/* webhook */
	struct secret_ref signing_secret; /* "whsec_..." (Standard Webhooks) */
	struct header_conf *headers;
	unsigned n_headers;
	struct template *body; /* NULL: the alert document */
	char *content_type;

	/* exec */
	struct template **argv; /* each argument is rendered by itself; there is no shell */
	unsigned n_argv;
	char *user;	       /* NULL: nobody if the daemon is root, else the daemon's own */
	uint64_t cooldown_ns;  /* per alert key; 0: none */
	unsigned max_per_hour; /* 0: no limit */
	unsigned concurrency;  /* runs at one time, default 4 */

	/* log */
	char *path; /* file to append to */

	/* all */
	uint64_t timeout_ns; /* of one attempt; default 10 s, exec 30 s */
	bool on_firing;	     /* "on": default firing and resolved, for exec firing only */
	bool on_resolved;
	bool used;	   /* some rule names it */
	uint64_t identity; /* hash of what the rule file says of it */
};

/* "slack", "exec", ... */
const char *hook_type_name(enum hook_type type);
/* Is it a header that requests have in any case, and must not be there twice? */
bool hook_header_is_ours(const char *name);

#endif
