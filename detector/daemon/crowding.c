/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/crowding.h"

#include <stdio.h>

#define EVERY_NS (60 * NS_PER_S)

static uint64_t crowded_out(const struct engine *e)
{
	const struct engine_stats *stats = engine_stats(e);

	return stats->evicted + stats->refused;
}

void crowding_list(const struct engine *e, const struct rule_set *rules, unsigned max_keys)
{
	for (unsigned i = 0; i < rules->n_rules; i++) {
		const struct engine_rule_stats *r = engine_rule_stats(e, i);

		if (r->evicted + r->refused)
			fprintf(stderr,
				"kernelsight: rule %s: more than %u keys; so far %llu were "
				"forgotten, and %llu event%s of new ones not judged\n",
				rules->rules[i].name, max_keys ? max_keys : ENGINE_MAX_KEYS,
				(unsigned long long)r->evicted, (unsigned long long)r->refused,
				plural(r->refused));
	}
}

void crowding_tick(struct crowding *c, const struct engine *e, const struct rule_set *rules,
		   unsigned max_keys, uint64_t now_ns)
{
	if (crowded_out(e) == c->said || (c->said_ns && now_ns - c->said_ns < EVERY_NS))
		return;
	c->said = crowded_out(e);
	c->said_ns = now_ns;
	crowding_list(e, rules, max_keys);
}
