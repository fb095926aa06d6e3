/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/changes.h"

#include <string.h>

static void count(struct engine_stats *stats, enum change change)
{
	if (change == CHANGE_FIRED) {
		stats->fired++;
		stats->firing++;
	} else if (change == CHANGE_RESOLVED) {
		stats->resolved++;
		stats->firing--;
	}
}

static void give_ids(struct engine_shared *shared, const struct alert_change *c)
{
	struct transition *tr = c->transition;
	uint64_t wall_ns = c->now_ns + (uint64_t)tr->wall_offset_ns;

	ulid_next(&shared->ids, wall_ns / NS_PER_MS, tr->id);
	if (c->change == CHANGE_FIRED)
		memcpy(c->incident, tr->id, sizeof(tr->id));
	memcpy(tr->incident, c->incident, sizeof(tr->incident));
}

void changes_take(struct engine_shared *shared, const struct alert_change *c)
{
	give_ids(shared, c);
	count(&shared->stats, c->change);
	if (shared->conf.on_transition)
		shared->conf.on_transition(shared->conf.ctx, c->transition);
}

void changes_tick(struct engine_shared *shared, uint64_t now_ns, int64_t wall_offset_ns)
{
	(void)shared;
	(void)now_ns;
	(void)wall_offset_ns;
}
