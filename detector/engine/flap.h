/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does an alert fire and resolve too often to be said each time? It flaps from its n-th change
 * within a length of time on, until there was none for as long. Knows nothing but the times.
 */
#ifndef ENGINE_FLAP_H
#define ENGINE_FLAP_H

#include "util/base.h"

struct flap_conf {
	unsigned changes; /* 0: never flaps */
	uint64_t window_ns;
};

/* Starts zeroed; owns `times`. */
struct flap {
	uint64_t *times; /* of the latest changes, conf->changes of them; NULL before the first */
	unsigned next;	 /* index of the oldest */
	unsigned n;	 /* how many are known, up to conf->changes */
	bool on;	 /* it flaps */
	uint64_t count;	 /* while it flaps: changes so far, those that made it so included */
	uint64_t last_ns;
};

void flap_fini(struct flap *f);
/* Forgets when it changed, for another conf; what flaps goes on to flap. */
void flap_forget(struct flap *f);
/* The alert fired or resolved, not before the change before. Does it flap now? */
bool flap_change(struct flap *f, const struct flap_conf *conf, uint64_t now_ns);
/* Was there no change for conf->window_ns? Then it flaps no more, and what came before is forgotten. */
bool flap_settled(struct flap *f, const struct flap_conf *conf, uint64_t now_ns);
/* How many of the changes lie less than conf->window_ns back. */
unsigned flap_recent(const struct flap *f, const struct flap_conf *conf, uint64_t now_ns);

#endif
