/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/flap.h"

#include <stdlib.h>

#include "engine/lifecycle.h"

void flap_fini(struct flap *f)
{
	free(f->times);
	*f = (struct flap){ 0 };
}

void flap_forget(struct flap *f)
{
	free(f->times);
	f->times = NULL;
	f->n = f->next = 0;
}

bool flap_change(struct flap *f, const struct flap_conf *conf, uint64_t now_ns)
{
	f->last_ns = now_ns;
	if (conf->changes == 0)
		return false;
	if (!f->times)
		f->times = xcalloc(conf->changes, sizeof(*f->times));
	f->times[f->next] = now_ns;
	f->next = (f->next + 1) % conf->changes;
	f->n += f->n < conf->changes;
	if (f->on)
		f->count++;
	/* all that are known lie within the time: the oldest of them does */
	else if (f->n == conf->changes && elapsed_ns(now_ns, f->times[f->next]) < conf->window_ns) {
		f->on = true;
		f->count = f->n;
	}
	return f->on;
}

bool flap_settled(struct flap *f, const struct flap_conf *conf, uint64_t now_ns)
{
	if (elapsed_ns(now_ns, f->last_ns) < conf->window_ns)
		return false;
	f->on = false;
	f->n = 0;
	f->count = 0;
	return true;
}

unsigned flap_recent(const struct flap *f, const struct flap_conf *conf, uint64_t now_ns)
{
	unsigned recent = 0;

	for (unsigned i = 0; i < f->n; i++) {
		unsigned at = (f->next + conf->changes - 1 - i) % conf->changes;

		recent += elapsed_ns(now_ns, f->times[at]) < conf->window_ns;
	}
	return recent;
}
