/* SPDX-License-Identifier: BSD-2-Clause */
/* The two texts of an alert: the JSON document and the line that sums it up. */
#ifndef ENGINE_ALERT_DOC_H
#define ENGINE_ALERT_DOC_H

#include "engine/alert.h"

/* Longest summary, in characters. */
#define SUMMARY_MAX 1000

/* Longest label that is rendered, in characters. */
#define LABEL_TEXT_MAX 500

/*
 * Writes the document without its labels and its summary, and returns the offset where these belong,
 * in that order. process may be NULL.
 */
size_t alert_write_doc(const struct transition *t, const struct process_info *process,
		       const struct host_info *host, struct buf *out);

/* Writes the member "labels", with a comma before it, rendered with doc. */
void alert_write_labels(const struct transition *t, const struct buf *doc, struct buf *out);

/* Writes the rule's summary, rendered with doc, or the built-in one: one printable line. */
void alert_write_summary(const struct transition *t, const struct process_info *process,
			 const struct buf *doc, struct buf *out);

#endif
