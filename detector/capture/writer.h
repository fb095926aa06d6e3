/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text into a row of gzip files, by a thread of its own: compressing takes time, and a disk may make
 * one wait for ever, and neither must hold up who has the text. What waits is bounded.
 */
#ifndef CAPTURE_WRITER_H
#define CAPTURE_WRITER_H

#include "util/buf.h"

#define WRITER_WAITING_MAX (16 << 20) /* bytes of text */

struct writer; /* opaque */

struct writer_conf {
	const char *path;   /* copied; older files are path.1 and so on */
	uint64_t max_bytes; /* that all files together take, but for some 16 MiB of text */
	unsigned max_files; /* 2 or more */
};

/* What is at the path becomes path.1 and so on. NULL on failure with one sentence in *ret_error,
 * which the caller frees. */
struct writer *writer_new(const struct writer_conf *conf, char **ret_error);

enum writer_flags {
	WRITER_FLUSH = 1,    /* what was put can be read from now on, whatever comes */
	WRITER_NEW_FILE = 2, /* this text begins a new file */
};

/*
 * Puts a text, which is the writer's from then on; then text is empty. False, and the text is still
 * there, if too much is waiting or writing has failed.
 */
bool writer_put(struct writer *w, struct buf *text, unsigned flags);

/* Is the file so large that the next text should begin a new one? */
bool writer_file_is_full(struct writer *w);
/* 0, or the error number with which writing has failed, for good. */
int writer_error(struct writer *w);
/* Writes what is waiting, for at most 5 s. False if not all of it has been written.
 * *ret_bytes is what all files took. */
bool writer_close(struct writer *w, uint64_t *ret_bytes);

#endif
