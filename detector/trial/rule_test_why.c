/* SPDX-License-Identifier: BSD-2-Clause */
/* Why an alert that was expected did not come, as far as its rule can be asked at the end. */
#include <stdlib.h>
#include <string.h>

#include "engine/explain.h"
#include "trial/rule_test_parts.h"
#include "util/json_scan.h"

static bool in_test(void *ctx, const struct event_type *type, struct buf *ret_phrase)
{
	(void)ctx;
	buf_addf(ret_phrase, "%s is in the test", type->name);
	return true;
}

/* Adds the text at a path; false if nothing is there. */
static bool add_text(const struct buf *doc, const char *path, struct buf *out)
{
	struct json_span span;

	if (!json_find(doc->data, doc->len, path, &span) || doc->data[span.at] == 'n')
		return false;
	json_span_text(doc->data, span, out);
	return true;
}

/* What a gate says that nothing passed; false if it did, or there is none of that name. */
static bool add_gate(const struct buf *doc, const char *name, struct buf *out)
{
	for (unsigned i = 0;; i++) {
		CLEANUP(buf_fini) struct buf gate = { 0 }, passes = { 0 };
		AUTO_FREE char *gate_path = xasprintf("gates/%u/gate", i);
		AUTO_FREE char *passes_path = xasprintf("gates/%u/passes", i);
		AUTO_FREE char *says_path = xasprintf("gates/%u/says", i);

		if (!add_text(doc, gate_path, &gate))
			return false;
		if (strcmp(buf_str(&gate), name) != 0)
			continue;
		(void)add_text(doc, passes_path, &passes);
		if (strcmp(buf_str(&passes), "false") != 0)
			return false;
		buf_addf(out, "%s: ", name);
		(void)add_text(doc, says_path, out);
		return true;
	}
}

static bool add_nearest(const struct buf *doc, struct buf *out)
{
	CLEANUP(buf_fini) struct buf key = { 0 };
	size_t before = out->len;

	buf_adds(out, "the nearest was ");
	if (!add_text(doc, "nearest_miss/value_text", out)) {
		out->len = before;
		out->data[before] = '\0';
		return false;
	}
	if (add_text(doc, "nearest_miss/key", &key) && key.len)
		buf_addf(out, " (%s)", buf_str(&key));
	buf_adds(out, ", limit ");
	if (!add_text(doc, "nearest_miss/limit_text", out))
		buf_adds(out, "not known");
	buf_adds(out, "; stopped by: ");
	(void)add_text(doc, "nearest_miss/gate", out);
	return true;
}

void test_why_not(struct engine *e, const struct rule *rule, uint64_t now_ns, struct buf *out)
{
	const struct explain_conf conf = {
		.now_ns = now_ns,
		.wall_offset_ns = TEST_OFFSET_NS,
		.source_stands = in_test,
	};
	CLEANUP(buf_fini) struct buf doc = { 0 };
	struct json j = { .out = &doc };
	AUTO_FREE char *error = NULL;

	json_open(&j, '{');
	error = engine_explain(e, rule->name, NULL, &conf, &j);
	json_close(&j, '}');
	buf_adds(out, "    ");
	if (error || (!add_gate(&doc, "events", out) && !add_gate(&doc, "where", out) &&
		      !add_nearest(&doc, out)))
		(void)add_text(&doc, "verdict", out);
	buf_addc(out, '\n');
}
