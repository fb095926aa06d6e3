/* SPDX-License-Identifier: BSD-2-Clause */
/* A capture file, or any event stream of JSON lines, entry by entry. */
#ifndef CAPTURE_READER_H
#define CAPTURE_READER_H

#include "capture/line.h"

#define CAPTURE_BATCH	 512
#define CAPTURE_LINE_MAX (1 << 20)

struct capture_reader; /* opaque */

/*
 * Opens a file, "-" for standard input, and reads its header if it has one. For fallback see
 * line_reader_new(). NULL on failure with one sentence in *ret_error, which the caller frees.
 */
struct capture_reader *capture_open(const char *path, const struct event_type *fallback,
				    char **ret_error);
/* NULL is fine. */
void capture_close(struct capture_reader *r);

const char *capture_path(const struct capture_reader *r);
/* NULL for a stream without one. */
const struct capture_header *capture_header(const struct capture_reader *r);

/*
 * Reads the next entry: 1, or 0 at the end, or -1 at a line that is wrong. The records of events are
 * there until capture_release(); at most CAPTURE_BATCH of them may be outstanding. After an entry
 * with news, capture_go_on() is due before the next.
 */
int capture_read(struct capture_reader *r, struct capture_entry *ret_entry);
void capture_go_on(struct capture_reader *r);
void capture_release(struct capture_reader *r);
/* Is capture_release() due before the next entry? */
bool capture_is_full(const struct capture_reader *r);

/* After -1: "FILE:LINE:COLUMN: what is wrong". Lends. */
const char *capture_error(const struct capture_reader *r);
/* After the end: what is strange about it (it breaks off, lines are missing); NULL if nothing. */
const char *capture_remark(const struct capture_reader *r);
/* After the end: how many events have a text that no event has there, and the first; NULL if none.
 * They count as they are: another version may know the text. Lends. */
const char *capture_odd_texts(struct capture_reader *r);

#endif
