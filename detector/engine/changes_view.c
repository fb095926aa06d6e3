/* SPDX-License-Identifier: BSD-2-Clause */
/* How alerts stand, for those who ask. */
#include "engine/changes_parts.h"

void changes_view(const struct engine_shared *shared, unsigned rule, const unsigned char *packed,
		  size_t len, const struct value *key, uint64_t now_ns, struct alert_view *ret)
{
	const struct changes *ch = shared->changes;
	const struct standing *s = standing_find(ch, rule, packed, len);

	*ret = (struct alert_view){
		.hold = changes_hold(
			ch, rule, key,
			s && s->up ? s->latest->severity : ch->rules[rule].rule->severity, now_ns),
	};
	if (!s)
		return;
	ret->up = s->up;
	ret->silenced_by = s->silence;
	ret->said = s->said;
	ret->flaps = s->flap.on;
	ret->recent_changes = flap_recent(&s->flap, &ch->rules[rule].flap, now_ns);
}

const struct rule_alert_stats *changes_stats(const struct engine_shared *shared, unsigned rule)
{
	return &shared->changes->rules[rule].stats;
}

struct silences *changes_silences(const struct engine_shared *shared)
{
	return shared->changes->silences;
}

static unsigned count_fitting(const struct standings *list, const struct rule *rule,
			      const struct silence *silence)
{
	const struct standing *s;
	unsigned n = 0;

	TAILQ_FOREACH(s, list, link)
	{
		n += s->up && silence_fits(silence, rule, s->latest->key, s->latest->severity);
	}
	return n;
}

unsigned changes_silenced(const struct engine_shared *shared, const struct silence *silence)
{
	const struct changes *ch = shared->changes;
	unsigned n = 0;

	for (unsigned i = 0; i < ch->n_rules; i++) {
		n += count_fitting(&ch->rules[i].firing, ch->rules[i].rule, silence);
		n += count_fitting(&ch->rules[i].quiet, ch->rules[i].rule, silence);
	}
	return n;
}

struct composites *changes_composites(const struct engine_shared *shared)
{
	return shared->changes->composites;
}

bool engine_in_grace(const struct engine_shared *shared, unsigned rule, uint64_t now_ns)
{
	return elapsed_ns(now_ns, shared->began_ns[rule]) + LIFECYCLE_SLACK_NS <
	       shared->conf.rules->rules[rule].grace_ns;
}
