/* SPDX-License-Identifier: BSD-2-Clause */
/* The first line is a template and, as it stands, a path; the rest is the document. */
#include "rule/template.h"

#include <stdlib.h>
#include <string.h>

#include "util/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct document {
	const char *text;
	size_t len;
};

static void check_span(const struct document *doc, struct json_span span)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	size_t last = 0;

	require(span.key <= span.at && span.len > 0 && span.at + span.len <= doc->len);
	json_span_text(doc->text, span, &text);
	require(text.len <= span.len);
	for (size_t i = 0; i <= text.len; i++) {
		size_t offset = json_string_offset(doc->text, span, i);

		require(offset >= last && offset >= span.at && offset < span.at + span.len);
		last = offset;
	}
}

static void check_member(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	const struct document *doc = ctx;

	require(!key || (key >= doc->text && key + key_len < doc->text + doc->len));
	check_span(doc, value);
}

static void check_scan(struct document doc, const char *path)
{
	struct json_span span;

	if (json_find(doc.text, doc.len, path, &span))
		check_span(&doc, span);
	if (json_find(doc.text, doc.len, "", &span))
		json_each(doc.text, doc.len, span, check_member, &doc);
}

static void check_render(const struct template *t, struct document doc, enum template_escape escape)
{
	CLEANUP(buf_fini) struct buf out = { 0 };
	const char *missing, *first;
	unsigned n = template_render(t, doc.text, doc.len, escape, &out, &missing);
	long at = template_missing_at(t, doc.text, doc.len, &first);

	require(out.len <= TEMPLATE_OUTPUT_MAX);
	require((missing != NULL) == (n > 0) && (first != NULL) == (at >= 0));
	require(!missing || missing == first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t line = newline ? (size_t)(newline - data) : size;
	AUTO_FREE char *text = xstrndup(line ? (const char *)data : "", line);
	/* a copy of exactly that size: nothing may read behind it */
	size_t len = newline ? size - line - 1 : 0;
	AUTO_FREE char *copy = xcalloc(len, 1);
	struct document doc = { .text = copy, .len = len };
	const char *message = NULL;
	size_t offset = 0;
	struct template *t = template_parse(text, &offset, &message);

	if (len)
		memcpy(copy, newline + 1, len);
	check_scan(doc, text);
	if (!t) {
		require(offset <= strlen(text) && message);
		return 0;
	}
	check_render(t, doc, ESCAPE_NONE);
	check_render(t, doc, ESCAPE_JSON);
	template_free(t);
	return 0;
}
