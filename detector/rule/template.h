/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts with {{path}} in them. A path is names (letters, digits, _ -) with dots between; blanks
 * around it are fine. It is looked up in the alert document (engine/alert.h): first as a whole
 * ("baseline.center", "host.name", "event.latency_ms"), then, if it is a single name, in "event",
 * "process" and "key" in that order. "{{{{" stands for "{{".
 */
#ifndef RULE_TEMPLATE_H
#define RULE_TEMPLATE_H

#include "util/buf.h"

struct template; /* opaque */

enum template_escape {
	ESCAPE_NONE,
	ESCAPE_JSON, /* for a JSON document */
};

/*
 * Parses. NULL if a {{ has no }} or holds no path; then *ret_offset says where and *ret_message
 * what (static text).
 */
struct template *template_parse(const char *text, size_t *ret_offset, const char **ret_message);
void template_free(struct template *t);

/*
 * Renders with an alert document and adds the result to out. Objects and arrays render as JSON,
 * null as "none". A path that the document does not have renders as "{{path}}" and is counted:
 * returns how many there were, and lends the first in *ret_missing (NULL if none).
 *
 * With ESCAPE_JSON, texts are escaped as between the quotes of a JSON string. Where the template
 * has a path outside of such quotes, all that is no text is JSON as it stands, and null and what
 * is missing are `null`.
 *
 * With ESCAPE_NONE the result is cut at TEMPLATE_OUTPUT_MAX bytes. A document that is cut is none:
 * with ESCAPE_JSON nothing at all is added to out if there would be more.
 */
#define TEMPLATE_OUTPUT_MAX 65536
unsigned template_render(const struct template *t, const char *doc, size_t doc_len,
			 enum template_escape escape, struct buf *out, const char **ret_missing);

/* The offset in the template's text of what renders to byte `at` of the output, in the same way. */
size_t template_source_of(const struct template *t, const char *doc, size_t doc_len,
			  enum template_escape escape, size_t at);

/* The offset in the template's text of the first path that reads so; -1 if there is none. */
long template_path_at(const struct template *t, const char *path);

/*
 * The offset in the template's text of the first path that the document does not have, which is
 * lent in *ret_missing; -1, and NULL there, if it has all.
 */
long template_missing_at(const struct template *t, const char *doc, size_t doc_len,
			 const char **ret_missing);

#endif
