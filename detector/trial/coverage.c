/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/coverage.h"

struct report {
	void (*say)(void *ctx, const char *text);
	void *ctx;
	const struct capture_reader *file;
	const struct rule *rule;
	const struct event_type *type; /* that the rule is on, or its second one; NULL: none */
};

static const struct demand *recorded(const struct capture_header *h, const struct event_type *type)
{
	for (unsigned i = 0; i < h->n_sources; i++)
		if (h->sources[i].type == type)
			return &h->sources[i].demand;
	return NULL;
}

static void say_floor(const struct report *r, uint64_t recorded_ns, uint64_t wanted_ns)
{
	CLEANUP(buf_fini) struct buf have = { 0 };
	CLEANUP(buf_fini) struct buf want = { 0 };
	AUTO_FREE char *text = NULL;

	duration_format(&have, recorded_ns);
	duration_format(&want, wanted_ns);
	text = xasprintf("%s holds %s only from %s on; rule %s looks at it from %s on",
			 capture_path(r->file), r->type->name, buf_str(&have), r->rule->name,
			 buf_str(&want));
	r->say(r->ctx, text);
}

static bool lacks_calls(const struct demand *have, const struct demand *want)
{
	for (unsigned i = 0; i < ARRAY_SIZE(have->syscalls); i++)
		if (want->syscalls[i] & ~have->syscalls[i])
			return true;
	return false;
}

static void report_rule(const struct report *r, const struct capture_header *header)
{
	const struct rule_set alone = { .rules = (struct rule *)r->rule, .n_rules = 1 };
	const struct demand *have;
	struct demand want;
	AUTO_FREE char *text = NULL;

	if (!r->type)
		return;
	rule_demand(&alone, r->type, &want);
	have = recorded(header, r->type);
	if (!have)
		text = xasprintf("%s holds no events of %s: rule %s cannot fire",
				 capture_path(r->file), r->type->name, r->rule->name);
	else if (lacks_calls(have, &want))
		text = xasprintf("%s does not hold all system calls that rule %s looks at",
				 capture_path(r->file), r->rule->name);
	if (text)
		r->say(r->ctx, text);
	if (have && have->floor_ns > want.floor_ns)
		say_floor(r, have->floor_ns, want.floor_ns);
}

void coverage_report(const struct streams *s, const struct rule_set *rules,
		     void (*say)(void *ctx, const char *text), void *ctx)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct capture_header *header = capture_header(s->files[i]);

		if (!header || (i > 0 && streams_continues(s, i)))
			continue;
		for (unsigned k = 0; k < rules->n_rules; k++) {
			const struct rule *rule = &rules->rules[k];

			report_rule(&(struct report){ say, ctx, s->files[i], rule, rule->on },
				    header);
			report_rule(&(struct report){ say, ctx, s->files[i], rule, rule->with },
				    header);
		}
	}
}
