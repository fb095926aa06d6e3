/* SPDX-License-Identifier: BSD-2-Clause */
/* Zeroed memory for large tables, in large pages where the machine has them: what is read here and
 * there misses the caches as it is, and need not miss the page tables too. */
#ifndef UTIL_PAGES_H
#define UTIL_PAGES_H

#include "util/base.h"

/* Never NULL; begins at a cache line. Takes up only what is written to. */
void *pages_new(size_t size);
/* Of the size it was made with; NULL is fine. */
void pages_free(void *p, size_t size);

#endif
