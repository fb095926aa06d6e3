/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a rule file: loaded, its messages printed, and what is right put to use. */
#include "rule/rule_load.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What is printed may go to a terminal, whatever the file holds. */
static void check_messages(const struct diags *diags)
{
	AUTO_FREE char *messages = NULL;
	size_t len;
	FILE *out = open_memstream(&messages, &len);

	require(out);
	diags_print(diags, out);
	require(fclose(out) == 0);
	require((len > 0) == (diags_errors(diags) + diags_warnings(diags) > 0));
	for (size_t i = 0; i < len; i++)
		require((unsigned char)messages[i] >= 0x20 || messages[i] == '\n');
}

static void check_rule(const struct rule *r)
{
	const struct condition *when = &r->when;

	require(r->name && r->why && r->on && when->value.text);
	require((when->value.aggregate == AGGREGATE_NONE) == (when->window_ns == 0));
	require(when->above.set || when->below.set || when->has_baseline);
	require(!when->has_baseline || when->baseline.deviations > 0);
	require(r->n_by <= RULE_BY_MAX && r->n_hooks <= RULE_HOOKS_MAX);
}

static void check_set(const struct rule_set *set)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	struct demand demand;

	for (unsigned i = 0; i < n; i++)
		rule_demand(set, &types[i], &demand);
	for (unsigned i = 0; i < set->n_rules; i++)
		check_rule(&set->rules[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_file file = { "fuzz.json", (const char *)data, size };
	struct diags *diags = diags_new();
	struct rule_set *set = rule_load(&file, 1, diags);

	require(!set == (diags_errors(diags) > 0));
	check_messages(diags);
	if (set)
		check_set(set);
	rule_set_free(set);
	diags_free(diags);
	return 0;
}
