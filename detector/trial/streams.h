/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The captures that a command was given, put in order: the files of one recording are one stream,
 * whatever order they were named in, and files without a header are one, in the order they were
 * named in.
 */
#ifndef TRIAL_STREAMS_H
#define TRIAL_STREAMS_H

#include "capture/reader.h"

struct streams {
	struct capture_reader **files; /* in order; owned */
	unsigned n;
};

/* Opens n files; "-" is standard input. For fallback see line_reader_new(). False with one sentence
 * in *ret_error, which the caller frees; streams_fini() is due all the same. */
bool streams_open(struct streams *s, char *const *paths, unsigned n,
		  const struct event_type *fallback, char **ret_error);
void streams_fini(struct streams *s);

/* Does file i (not the first) continue the stream of the one before it? */
bool streams_continues(const struct streams *s, unsigned i);

#endif
