/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook/hooks.h"

#include <stdlib.h>

#include "hook/hook.h"
#include "util/clock.h"

#define END_WITHIN_NS (2 * NS_PER_S)

struct hooks {
	struct hook_env env;
	struct hook **by_index; /* as rule_set.hooks; NULL for one that no rule uses */
	unsigned n;
};

struct hooks *hooks_new(const struct hooks_conf *conf, char **ret_error)
{
	struct hooks *h = xcalloc(1, sizeof(*h));

	h->env.loop = conf->loop;
	h->env.log = conf->log;
	h->env.dry_run = conf->dry_run;
	h->env.http = http_new(conf->loop);
	h->n = conf->rules->n_hooks;
	h->by_index = xcalloc(h->n, sizeof(struct hook *));
	if (!h->env.http) {
		*ret_error = xstrdup("libcurl cannot start");
		hooks_free(h);
		return NULL;
	}
	for (unsigned i = 0; i < h->n; i++) {
		if (!conf->rules->hooks[i].used)
			continue;
		h->by_index[i] = hook_new(&h->env, &conf->rules->hooks[i], ret_error);
		if (!h->by_index[i]) {
			hooks_free(h);
			return NULL;
		}
	}
	return h;
}

void hooks_free(struct hooks *h)
{
	uint64_t deadline_ns = clock_monotonic_ns() + END_WITHIN_NS;

	if (!h)
		return;
	for (unsigned i = 0; i < h->n; i++)
		hook_stop(h->by_index[i]);
	for (unsigned i = 0; i < h->n; i++)
		hook_free(h->by_index[i], deadline_ns);
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

void hooks_stats(const struct hooks *h, struct hook_stats *ret_stats)
{
	*ret_stats = (struct hook_stats){ 0 };
	for (unsigned i = 0; i < h->n; i++) {
		const struct hook *hook = h->by_index[i];

		if (!hook)
			continue;
		ret_stats->delivered += hook->stats.delivered;
		ret_stats->retried += hook->stats.retried;
		ret_stats->failed += hook->stats.failed;
		ret_stats->dropped += hook->stats.dropped;
		ret_stats->queued += hook->stats.queued;
	}
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
