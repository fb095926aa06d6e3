/* SPDX-License-Identifier: BSD-2-Clause */
/* Integers in and out of records, by the width that the table gives them. */
#ifndef EVENT_MEMBER_H
#define EVENT_MEMBER_H

#include <string.h>

#include "event/event.h"

/* The stored integer of a field: for a real one the number before it is divided. Not for texts and
 * addresses. */
static inline uint64_t member_load(const void *record, const struct field *f)
{
	const char *at = (const char *)record + f->offset;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (f->size) {
	case sizeof(u16):
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case sizeof(u32):
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

/* The same of a signed one. */
static inline int64_t member_load_signed(const void *record, const struct field *f)
{
	unsigned unused_bits = 64 - 8 * f->size;

	return (int64_t)(member_load(record, f) << unused_bits) >> unused_bits;
}

/* Numbers of full size can be missing; then this is stored. */
static inline bool member_can_miss(const struct field *f)
{
	return f->size == sizeof(__u64) &&
	       (f->type == FIELD_UINT || f->type == FIELD_INT || f->type == FIELD_REAL);
}

static inline uint64_t member_not_measured(const struct field *f)
{
	return f->type == FIELD_INT ? (uint64_t)NOT_MEASURED_SIGNED : NOT_MEASURED;
}

static inline bool member_missing(const void *record, const struct field *f)
{
	return member_can_miss(f) && member_load(record, f) == member_not_measured(f);
}

static inline void member_store(void *record, const struct field *f, uint64_t v)
{
	char *at = (char *)record + f->offset;
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	if (f->size == sizeof(u16))
		memcpy(at, &u16, sizeof(u16));
	else if (f->size == sizeof(u32))
		memcpy(at, &u32, sizeof(u32));
	else
		memcpy(at, &v, sizeof(v));
}

#endif
