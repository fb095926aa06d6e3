/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Samples that are being added up, found by their key: one table per second, emptied when they are
 * sent. Bounded; keys are compared byte by byte, so their padding must be 0.
 */
#ifndef SOURCE_SAMPLE_TABLE_H
#define SOURCE_SAMPLE_TABLE_H

#include "util/base.h"

struct sample_table; /* opaque */

struct sample_table *sample_table_new(size_t key_size, size_t sample_size, unsigned max);
/* NULL is fine. */
void sample_table_free(struct sample_table *t);

/* The sample with that key, all 0 if it is new; NULL if there is no room. Valid until the next call. */
void *sample_table_at(struct sample_table *t, const void *key);

/* Hands every sample to fn, in the order of their first use, and empties the table. */
void sample_table_flush(struct sample_table *t, void (*fn)(void *ctx, void *sample), void *ctx);

#endif
