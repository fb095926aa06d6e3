/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One hook: its queue, its retries, and the table through which the types of hooks do their part.
 * Private to detector/hook.
 */
#ifndef HOOK_HOOK_H
#define HOOK_HOOK_H

#include <sys/queue.h>

#include "hook/hooks.h"
#include "hook/http.h"
#include "hook/judge.h"
#include "hook/secret.h"

#define HOOK_LOG_BYTES 512 /* of an answer or output in a log line */

/* One alert on its way to one hook. */
struct delivery {
	TAILQ_ENTRY(delivery) link;
	struct alert *alert;
	uint64_t queued_ns;
	unsigned tries;
};

TAILQ_HEAD(delivery_queue, delivery);

/* How a try went. Everything lends. */
struct outcome {
	enum verdict verdict;
	const char *what;   /* "https://hooks.slack.com answered 429" */
	const char *detail; /* the other side's own words, any bytes; may be NULL */
	size_t detail_len;
	uint64_t wait_ns; /* do not try again before */
};

struct hook;

struct hook_ops {
	unsigned slots; /* tries at a time; 0: conf->concurrency */
	bool ignores_repeats;
	/* Sets h->impl. False with a message in *ret_error, without file and name of the hook, that
	 * the caller frees; free() is called all the same. */
	bool (*prepare)(struct hook *h, char **ret_error);
	/* A reason (static) why this alert must never be sent, or NULL; optional. */
	const char *(*refuse)(struct hook *h, const struct delivery *d);
	/* Starts a try. It ends with one hook_done(), here or later from the loop. */
	void (*send)(struct hook *h, struct delivery *d);
	/* What send would do, in words and without secrets. */
	void (*describe)(struct hook *h, const struct alert *a, struct buf *out);
	/* Asks what still runs to end; optional. */
	void (*stop)(struct hook *h);
	/* Ends what still runs, without hook_done(), waiting for it until the time deadline_ns of
	 * CLOCK_MONOTONIC, and frees h->impl, which may be half-built or NULL. */
	void (*free)(struct hook *h, uint64_t deadline_ns);
};

extern const struct hook_ops hook_http_ops; /* slack, pagerduty, webhook */
extern const struct hook_ops hook_exec_ops;
extern const struct hook_ops hook_log_ops;

/* What all hooks share. */
struct hook_env {
	struct loop *loop;
	struct http *http;
	FILE *log;
	bool dry_run;
};

struct hook {
	const struct hook_env *env;
	const struct rule_set *rules; /* held, for conf */
	const struct hook_conf *conf;
	const struct hook_ops *ops;
	void *impl;
	struct secrets secrets;
	struct delivery_queue waiting; /* in order */
	struct delivery_queue in_flight;
	unsigned slots;
	unsigned n_in_flight;
	struct timer *timer;	/* runs the queue */
	uint64_t not_before_ns; /* back-off: no try earlier */
	unsigned failures;	/* tries in a row that ended in VERDICT_RETRY */
	char *last_failure;	/* what the log said last, NULL after a success */
	uint64_t overflow;	/* alerts dropped in this burst because the queue was full */
	bool gone;		/* the sink wants nothing more */
	struct hook *heir;	/* takes over the queue when the last try has ended; or NULL */
	unsigned heir_of;	/* hooks that it waits for before it starts a try */
	struct hook_stats stats;
};

/* conf is of that rule set. NULL with *ret_error as for hooks_new(). */
struct hook *hook_new(const struct hook_env *env, const struct rule_set *rules,
		      const struct hook_conf *conf, char **ret_error);
void hook_stop(struct hook *h);
/* NULL is fine. For the deadline see hook_ops. */
void hook_free(struct hook *h, uint64_t deadline_ns);

/* Would the one do all that the other does? */
bool hook_same(const struct hook *a, const struct hook *b);
/* From now on `heir` delivers what h has not begun to, after what h has; and counts what h did. */
void hook_leave(struct hook *h, struct hook *heir);
/* Adds what the one counted to the other, but what is queued. */
void hook_stats_add(struct hook_stats *to, const struct hook_stats *from);

/* Queues the alert if the hook wants it, and starts a try at once if there is nothing to wait for. */
void hook_queue(struct hook *h, struct alert *a);
/* Ends a try of d, which is gone afterwards unless it will be tried again. */
void hook_done(struct hook *h, struct delivery *d, const struct outcome *o);

/* Writes one line about the hook, secrets hidden. */
void hook_log(const struct hook *h, const char *fmt, ...) PRINTF(2, 3);
/* Reads a secret of the hook, which no message of it will show. As secret_read(). */
char *hook_secret(struct hook *h, const struct secret_ref *ref, char **ret_error);

#endif
