/* SPDX-License-Identifier: BSD-2-Clause */
/* Files compressed with gzip. The only user of zlib. */
#ifndef CAPTURE_GZIP_H
#define CAPTURE_GZIP_H

#include "util/base.h"

struct gzip; /* opaque */

/* For reading what is in fd, compressed or not. Owns fd from then on. */
struct gzip *gzip_reader(int fd);
/*
 * Reads up to len bytes: how many, 0 at the end, or -1 where it is broken; then *ret_error lends
 * why. A file that breaks off in the middle is read up to there, and ends with -1.
 */
long gzip_read(struct gzip *g, void *data, size_t len, const char **ret_error);

/* For writing to an empty file. Owns fd from then on. */
struct gzip *gzip_writer(int fd);
/* False on failure with errno set. What is written before a flush can be read whatever comes. */
bool gzip_write(struct gzip *g, const void *data, size_t len);
bool gzip_flush(struct gzip *g);
/* Bytes of the file after the last flush. */
uint64_t gzip_size(struct gzip *g);

/* Ends the file; false if what was written is not all there. NULL is fine. */
bool gzip_close(struct gzip *g);

#endif
