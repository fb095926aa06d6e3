/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook/hooks.h"

#include <stdlib.h>
#include <string.h>

#include "hook/hook.h"
#include "rule/rule_load.h"
#include "util/clock.h"

#define END_WITHIN_NS (2 * NS_PER_S)
#define REAP_NS	      NS_PER_S

struct hooks {
	struct hook_env env;
	struct hook **by_index; /* as rule_set.hooks; NULL for one that no rule uses */
	unsigned n;
	/* no longer among the rules' hooks, and not done yet; the oldest first */
	struct hook *leaving[HOOKS_LEAVING_MAX];
	unsigned n_leaving;
	struct timer *reap;	/* looks which of them are done */
	struct hook_stats past; /* of those that are */
};

struct hooks_plan {
	struct hook **by_index; /* a new one for each hook that a rule uses */
	unsigned n;
};

static void free_all(struct hook **list, unsigned n)
{
	uint64_t deadline_ns = clock_monotonic_ns() + END_WITHIN_NS;

	for (unsigned i = 0; i < n; i++)
		hook_stop(list[i]);
	for (unsigned i = 0; i < n; i++)
		hook_free(list[i], deadline_ns);
}

/* --- other rules ----------------------------------------------------------------------------- */

struct hooks_plan *hooks_plan(struct hooks *h, const struct rule_set *rules, char **ret_error)
{
	struct hooks_plan *p = xcalloc(1, sizeof(*p));

	p->n = rules->n_hooks;
	p->by_index = xcalloc(p->n, sizeof(struct hook *));
	for (unsigned i = 0; i < p->n; i++) {
		if (!rules->hooks[i].used)
			continue;
		p->by_index[i] = hook_new(&h->env, rules, &rules->hooks[i], ret_error);
		if (!p->by_index[i]) {
			hooks_plan_free(p);
			return NULL;
		}
	}
	return p;
}

void hooks_plan_free(struct hooks_plan *p)
{
	if (!p)
		return;
	free_all(p->by_index, p->n);
	free(p->by_index);
	free(p);
}

static void forget_leaving(struct hooks *h, unsigned i)
{
	if (h->leaving[i]->heir)
		h->leaving[i]->heir->heir_of--;
	hook_stats_add(&h->past, &h->leaving[i]->stats);
	h->past.dropped += h->leaving[i]->stats.queued;
	free_all(&h->leaving[i], 1);
	h->n_leaving--;
	memmove(&h->leaving[i], &h->leaving[i + 1], (h->n_leaving - i) * sizeof(struct hook *));
}

static void on_reap(void *ctx)
{
	struct hooks *h = ctx;

	for (unsigned i = h->n_leaving; i-- > 0;)
		if (h->leaving[i]->stats.queued == 0 && h->leaving[i]->heir_of == 0)
			forget_leaving(h, i);
	if (h->n_leaving)
		loop_timer_set(h->reap, REAP_NS);
}

/* Those that have to hand over their queue do it to another one. */
static void pass_on(struct hooks *h, struct hook *from, struct hook *heir)
{
	for (unsigned i = 0; i < h->n_leaving; i++) {
		if (h->leaving[i]->heir != from)
			continue;
		h->leaving[i]->heir = heir;
		from->heir_of--;
		heir->heir_of++;
	}
}

static struct hook *find_hook(const struct hooks *h, const char *name)
{
	for (unsigned i = 0; i < h->n; i++)
		if (h->by_index[i] && strcmp(h->by_index[i]->conf->name, name) == 0)
			return h->by_index[i];
	return NULL;
}

static void forget_hook(struct hooks *h, const struct hook *hook)
{
	for (unsigned i = 0; i < h->n; i++)
		if (h->by_index[i] == hook)
			h->by_index[i] = NULL;
}

static void leave(struct hooks *h, struct hook *old)
{
	if (h->n_leaving == HOOKS_LEAVING_MAX) {
		hook_log(h->leaving[0], "gives up: too many hooks that are no longer there");
		forget_leaving(h, 0);
	}
	h->leaving[h->n_leaving++] = old;
	loop_timer_set(h->reap, REAP_NS);
}

/* What stands for that hook of the new rules from now on. */
static struct hook *replace(struct hooks *h, struct hook *new)
{
	struct hook *old = find_hook(h, new->conf->name);

	if (!old)
		return new;
	forget_hook(h, old);
	if (hook_same(old, new)) {
		hook_free(new, 0);
		return old;
	}
	pass_on(h, old, new);
	hook_leave(old, new);
	leave(h, old);
	return new;
}

void hooks_apply(struct hooks *h, struct hooks_plan *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->by_index[i])
			p->by_index[i] = replace(h, p->by_index[i]);
	for (unsigned i = 0; i < h->n; i++)
		if (h->by_index[i])
			leave(h, h->by_index[i]);
	free(h->by_index);
	h->by_index = p->by_index;
	h->n = p->n;
	free(p);
}

/* --- life ------------------------------------------------------------------------------------ */

struct hooks *hooks_new(const struct hooks_conf *conf, char **ret_error)
{
	struct hooks *h = xcalloc(1, sizeof(*h));
	struct hooks_plan *plan;

	h->env.loop = conf->loop;
	h->env.log = conf->log;
	h->env.dry_run = conf->dry_run;
	h->env.http = http_new(conf->loop);
	h->reap = loop_timer_new(conf->loop, on_reap, h);
	if (!h->env.http) {
		*ret_error = xstrdup("libcurl cannot start");
		hooks_free(h);
		return NULL;
	}
	plan = hooks_plan(h, conf->rules, ret_error);
	if (!plan) {
		hooks_free(h);
		return NULL;
	}
	hooks_apply(h, plan);
	return h;
}

void hooks_free(struct hooks *h)
{
	if (!h)
		return;
	free_all(h->by_index, h->n);
	free_all(h->leaving, h->n_leaving);
	loop_timer_free(h->reap);
	http_free(h->env.http);
	free(h->by_index);
	free(h);
}

void hooks_deliver(struct hooks *h, struct alert *a)
{
	for (unsigned i = 0; i < a->n_hooks; i++)
		if (a->hooks[i] < h->n && h->by_index[a->hooks[i]])
			hook_queue(h->by_index[a->hooks[i]], a);
}

static void add_stats(struct hook_stats *sum, struct hook *const *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!list[i])
			continue;
		hook_stats_add(sum, &list[i]->stats);
		sum->queued += list[i]->stats.queued;
	}
}

void hooks_stats(const struct hooks *h, struct hook_stats *ret_stats)
{
	*ret_stats = h->past;
	add_stats(ret_stats, h->by_index, h->n);
	add_stats(ret_stats, h->leaving, h->n_leaving);
}

bool hooks_view(const struct hooks *h, unsigned i, struct hook_view *ret_view)
{
	const struct hook *hook = i < h->n ? h->by_index[i] : NULL;

	if (!hook)
		return false;
	*ret_view = (struct hook_view){
		.conf = hook->conf,
		.stats = hook->stats,
		.in_flight = hook->n_in_flight,
		.failures = hook->failures,
		.not_before_ns = hook->not_before_ns,
		.last_failure = hook->last_failure,
		.gone = hook->gone,
	};
	return true;
}

bool hooks_idle(const struct hooks *h)
{
	struct hook_stats stats;

	hooks_stats(h, &stats);
	return stats.queued == 0;
}
