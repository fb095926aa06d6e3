/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows. `struct buf b = {0};` is an empty one; buf_fini() frees it. */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include "util/base.h"

struct buf {
	char *data; /* NUL behind the text; NULL while nothing was added */
	size_t len;
	size_t cap;
};

void buf_fini(struct buf *b);
/* Forgets the text and keeps the memory. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const char *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* The text; "" if nothing was added. Lends: good until the next buf_ call. */
const char *buf_str(const struct buf *b);
/* Gives the text to the caller, who frees it; b is empty afterwards. */
char *buf_steal(struct buf *b);

#endif
