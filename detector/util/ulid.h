/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ULIDs (github.com/ulid/spec): 48 bits of milliseconds since 1970 and 80 random bits as 26
 * characters that sort by time. Random bits come from a generator seeded by the owner, so that a
 * replay gives the same ids.
 */
#ifndef UTIL_ULID_H
#define UTIL_ULID_H

#include "util/base.h"

#define ULID_LEN 26

struct ulid_source {
	uint64_t state; /* the seed; any value */
	uint64_t last_ms;
	uint64_t last_high; /* random part of the last id: 16 bits and 64 bits */
	uint64_t last_low;
};

/*
 * Writes the next id, which sorts after the one before: within one millisecond they count up, and a
 * time before that of the last id (a late event, a clock set back) counts as that.
 */
void ulid_next(struct ulid_source *s, uint64_t wall_ms, char ret_id[ULID_LEN + 1]);

#endif
