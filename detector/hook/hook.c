/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of one hook. Alerts are tried in order, as many at a time as the hook has slots, but of
 * one rule and key one at a time: its resolved never overtakes its firing. A try that may work later
 * puts the alert back at the head, so that no later one overtakes it, and delays the whole hook: the
 * back-off belongs to the sink and not to an alert.
 */
#include "hook/hook.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include "hook/one_line.h"
#include "rule/rule_load.h"

#define LOG_LINE_BYTES 4096

static const struct hook_ops *const ops_of[HOOK_TYPES] = {
	[HOOK_SLACK] = &hook_http_ops,	 [HOOK_PAGERDUTY] = &hook_http_ops,
	[HOOK_WEBHOOK] = &hook_http_ops, [HOOK_EXEC] = &hook_exec_ops,
	[HOOK_LOG] = &hook_log_ops,
};

void hook_log(const struct hook *h, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf hidden = { 0 };
	CLEANUP(buf_fini) struct buf line = { 0 };
	AUTO_FREE char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (!text)
		return;
	secrets_hide(&h->secrets, text, strlen(text), &hidden);
	add_one_line(buf_str(&hidden), hidden.len, LOG_LINE_BYTES, &line);
	fprintf(h->env->log, "hook %s: %s\n", h->conf->name, buf_str(&line));
	(void)fflush(h->env->log);
}

char *hook_secret(struct hook *h, const struct secret_ref *ref, char **ret_error)
{
	AUTO_FREE char *warning = NULL;
	char *text;

	/* from here on no core dump, and no debugger of the same user, has a way to it */
	(void)prctl(PR_SET_DUMPABLE, 0);
	text = secret_read(ref, ret_error, &warning);

	if (warning)
		hook_log(h, "warning: %s", warning);
	if (text)
		secrets_add(&h->secrets, text);
	return text;
}

/* Forgets a delivery, which is in no queue any more. */
static void forget(struct hook *h, struct delivery *d)
{
	h->stats.queued--;
	alert_unref(d->alert);
	free(d);
}

static void drop(struct hook *h, struct delivery *d)
{
	TAILQ_REMOVE(&h->waiting, d, link);
	h->stats.dropped++;
	forget(h, d);
}

static bool identity_in_flight(const struct hook *h, const char *identity)
{
	const struct delivery *d;

	TAILQ_FOREACH(d, &h->in_flight, link)
	if (!strcmp(d->alert->identity, identity))
		return true;
	return false;
}

/* The first that may be tried now. Of those with its identity none waits ahead of it: that one
 * would be held up by the same one in flight. */
static struct delivery *next_delivery(const struct hook *h)
{
	struct delivery *d;

	if (h->n_in_flight == h->slots || h->heir_of)
		return NULL;
	TAILQ_FOREACH(d, &h->waiting, link)
	if (!identity_in_flight(h, d->alert->identity))
		return d;
	return NULL;
}

/* Runs the queue as soon as that may do something. */
static void schedule(struct hook *h)
{
	uint64_t now = loop_now_ns(h->env->loop);

	if (next_delivery(h))
		loop_timer_set(h->timer, h->not_before_ns > now ? h->not_before_ns - now : 0);
}

/* --- how a try ended ------------------------------------------------------------------------- */

static uint64_t random_u64(void)
{
	uint64_t n = 0;

	(void)!getrandom(&n, sizeof(n), 0);
	return n;
}

static char *failure_text(const struct hook *h, const struct outcome *o)
{
	CLEANUP(buf_fini) struct buf hidden = { 0 };
	CLEANUP(buf_fini) struct buf text = { 0 };

	buf_adds(&text, o->what);
	if (o->detail_len > 0) {
		secrets_hide(&h->secrets, o->detail, o->detail_len, &hidden);
		buf_adds(&text, " \"");
		add_one_line(buf_str(&hidden), hidden.len, HOOK_LOG_BYTES, &text);
		buf_addc(&text, '"');
	}
	return buf_steal(&text);
}

static void end_failures(struct hook *h)
{
	h->failures = 0;
	h->not_before_ns = 0;
	free(h->last_failure);
	h->last_failure = NULL;
}

static void delivered(struct hook *h, struct delivery *d)
{
	if (h->failures > 0)
		hook_log(h, "works again: alert %s delivered after %u tries", d->alert->id,
			 d->tries);
	end_failures(h);
	h->stats.delivered++;
	forget(h, d);
}

static void refused(struct hook *h, struct delivery *d, const struct outcome *o)
{
	AUTO_FREE char *failure = failure_text(h, o);

	hook_log(h, "%s; alert %s is given up", failure, d->alert->id);
	end_failures(h);
	h->stats.failed++;
	forget(h, d);
}

static void gone(struct hook *h, struct delivery *d, const struct outcome *o)
{
	refused(h, d, o);
	h->gone = true;
	hook_log(h, "the receiver is gone for good: sending nothing more; %llu waiting dropped",
		 (unsigned long long)h->stats.queued);
	while ((d = TAILQ_FIRST(&h->waiting)))
		drop(h, d);
}

/* The same failure try after try is said at the 1st, 2nd, 4th, 8th, ... of them. */
static void log_retry(struct hook *h, const struct outcome *o, uint64_t wait_ns)
{
	char *failure = failure_text(h, o);
	bool same = h->last_failure && !strcmp(failure, h->last_failure);

	if (!same || (h->failures & (h->failures - 1)) == 0)
		hook_log(h, "%s; next try in %.1f s (failed %u times)", failure,
			 (double)wait_ns / NS_PER_S, h->failures);
	free(h->last_failure);
	h->last_failure = failure;
}

static void try_again(struct hook *h, struct delivery *d, const struct outcome *o)
{
	uint64_t wait_ns = o->wait_ns + retry_backoff_ns(h->failures, random_u64());

	h->failures++;
	h->not_before_ns = loop_now_ns(h->env->loop) + wait_ns;
	if (h->not_before_ns - d->queued_ns > RETRY_GIVE_UP_NS) {
		AUTO_FREE char *failure = failure_text(h, o);

		hook_log(h, "%s; alert %s is given up after %u tries", failure, d->alert->id,
			 d->tries);
		h->stats.failed++;
		forget(h, d);
		return;
	}
	TAILQ_INSERT_HEAD(&h->waiting, d, link);
	h->stats.retried++;
	log_retry(h, o, wait_ns);
}

/* Whoever answers there may have taken the alert, and get it anew with each try. */
static void foreign(struct hook *h, struct delivery *d, const struct outcome *o)
{
	if (d->tries < RETRY_FOREIGN_TRIES)
		try_again(h, d, o);
	else
		refused(h, d, o);
}

static void hand_over(struct hook *h)
{
	struct hook *heir = h->heir;
	struct delivery *d;

	/* in order, before all that came to the heir since */
	while ((d = TAILQ_LAST(&h->waiting, delivery_queue))) {
		TAILQ_REMOVE(&h->waiting, d, link);
		TAILQ_INSERT_HEAD(&heir->waiting, d, link);
		h->stats.queued--;
		heir->stats.queued++;
	}
	hook_stats_add(&heir->stats, &h->stats);
	h->stats = (struct hook_stats){ .queued = h->stats.queued };
	if (h->n_in_flight > 0)
		return;
	heir->heir_of--;
	h->heir = NULL;
	schedule(heir);
}

void hook_leave(struct hook *h, struct hook *heir)
{
	h->heir = heir;
	heir->heir_of++;
	loop_timer_cancel(h->timer);
	hand_over(h);
}

void hook_done(struct hook *h, struct delivery *d, const struct outcome *o)
{
	TAILQ_REMOVE(&h->in_flight, d, link);
	h->n_in_flight--;
	d->tries++;
	switch (o->verdict) {
	case VERDICT_DELIVERED:
		delivered(h, d);
		break;
	case VERDICT_RETRY:
		try_again(h, d, o);
		break;
	case VERDICT_FOREIGN:
		foreign(h, d, o);
		break;
	case VERDICT_REFUSED:
		refused(h, d, o);
		break;
	case VERDICT_GONE:
		gone(h, d, o);
		break;
	}
	if (h->heir)
		hand_over(h);
	else
		schedule(h);
}

/* --- the queue ------------------------------------------------------------------------------- */

static void send_dry(struct hook *h, struct delivery *d)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	h->ops->describe(h, d->alert, &text);
	hook_log(h, "%s", buf_str(&text));
	hook_done(h, d, &(struct outcome){ .verdict = VERDICT_DELIVERED });
}

static void start(struct hook *h, struct delivery *d)
{
	const char *reason = h->ops->refuse ? h->ops->refuse(h, d) : NULL;

	if (reason) {
		hook_log(h, "alert %s is dropped: %s", d->alert->id, reason);
		drop(h, d);
		return;
	}
	TAILQ_REMOVE(&h->waiting, d, link);
	TAILQ_INSERT_TAIL(&h->in_flight, d, link);
	h->n_in_flight++;
	if (h->env->dry_run)
		send_dry(h, d);
	else
		h->ops->send(h, d);
}

static void end_overflow(struct hook *h)
{
	if (h->overflow > 0 && h->stats.queued <= HOOK_QUEUE_MAX / 2) {
		hook_log(h, "the queue has room again; %llu alerts were dropped",
			 (unsigned long long)h->overflow);
		h->overflow = 0;
	}
}

static void run_queue(void *ctx)
{
	struct hook *h = ctx;
	struct delivery *d;

	while (h->not_before_ns <= loop_now_ns(h->env->loop) && (d = next_delivery(h)))
		start(h, d);
	end_overflow(h);
	schedule(h);
}

/* What a full queue can do without best: a repeat, or else the oldest. */
static struct delivery *least_wanted(const struct hook *h)
{
	struct delivery *d;

	TAILQ_FOREACH(d, &h->waiting, link)
	if (d->alert->repeat)
		return d;
	return TAILQ_FIRST(&h->waiting);
}

static void bound_queue(struct hook *h)
{
	if (h->stats.queued <= HOOK_QUEUE_MAX)
		return;
	if (h->overflow++ == 0)
		hook_log(h, "the queue is full with %d alerts; dropping repeats and the oldest",
			 HOOK_QUEUE_MAX);
	drop(h, least_wanted(h));
}

static bool is_among(const struct delivery_queue *queue, const char *incident)
{
	const struct delivery *d;

	TAILQ_FOREACH(d, queue, link)
	if (!strcmp(d->alert->incident, incident))
		return true;
	return false;
}

static bool is_wanted(const struct hook *h, const struct alert *a)
{
	if (a->state == ALERT_FIRING ? !h->conf->on_firing : !h->conf->on_resolved)
		return false;
	if (!a->repeat)
		return true;
	/* a repeat has no news for a sink that has yet to hear of the incident */
	return !h->ops->ignores_repeats && !is_among(&h->waiting, a->incident) &&
	       !is_among(&h->in_flight, a->incident);
}

void hook_queue(struct hook *h, struct alert *a)
{
	struct delivery *d;

	if (!is_wanted(h, a))
		return;
	if (h->gone) {
		h->stats.dropped++;
		return;
	}
	d = xcalloc(1, sizeof(*d));
	d->alert = alert_ref(a);
	d->queued_ns = loop_now_ns(h->env->loop);
	TAILQ_INSERT_TAIL(&h->waiting, d, link);
	h->stats.queued++;
	bound_queue(h);
	run_queue(h);
}

/* --- life ------------------------------------------------------------------------------------ */

struct hook *hook_new(const struct hook_env *env, const struct rule_set *rules,
		      const struct hook_conf *conf, char **ret_error)
{
	struct hook *h = xcalloc(1, sizeof(*h));
	AUTO_FREE char *error = NULL;

	h->env = env;
	h->rules = rule_set_ref(rules);
	h->conf = conf;
	h->ops = ops_of[conf->type];
	h->slots = h->ops->slots ? h->ops->slots : conf->concurrency;
	TAILQ_INIT(&h->waiting);
	TAILQ_INIT(&h->in_flight);
	h->timer = loop_timer_new(env->loop, run_queue, h);
	if (h->ops->prepare(h, &error))
		return h;
	*ret_error = xasprintf("%s:%u: hook %s: %s", conf->file, conf->line, conf->name, error);
	hook_free(h, 0);
	return NULL;
}

void hook_stop(struct hook *h)
{
	if (h && h->ops->stop)
		h->ops->stop(h);
}

void hook_free(struct hook *h, uint64_t deadline_ns)
{
	struct delivery *d;

	if (!h)
		return;
	h->ops->free(h, deadline_ns);
	TAILQ_CONCAT(&h->waiting, &h->in_flight, link);
	while ((d = TAILQ_FIRST(&h->waiting)))
		drop(h, d);
	loop_timer_free(h->timer);
	secrets_fini(&h->secrets);
	free(h->last_failure);
	rule_set_free(h->rules);
	free(h);
}

bool hook_same(const struct hook *a, const struct hook *b)
{
	if (a->conf->identity != b->conf->identity || a->secrets.n != b->secrets.n)
		return false;
	for (unsigned i = 0; i < a->secrets.n; i++)
		if (strcmp(a->secrets.texts[i], b->secrets.texts[i]) != 0)
			return false;
	return true;
}

void hook_stats_add(struct hook_stats *to, const struct hook_stats *from)
{
	to->delivered += from->delivered;
	to->retried += from->retried;
	to->failed += from->failed;
	to->dropped += from->dropped;
}
