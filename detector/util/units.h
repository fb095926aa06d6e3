/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quantities: "10ms", "4MiB", "5%", 250. Each field states its unit; a quantity in a rule is
 * converted to the unit of the field it is compared with, or refused where that makes no sense.
 */
#ifndef UTIL_UNITS_H
#define UTIL_UNITS_H

#include "util/buf.h"

enum unit {
	UNIT_NONE, /* a number without a unit: an id, a port, a return value */
	UNIT_NS,   /* times, each convertible into the others */
	UNIT_US,
	UNIT_MS,
	UNIT_S,
	UNIT_BYTES,
	UNIT_COUNT, /* how many of something */
	UNIT_PERCENT,
	UNIT_PER_S, /* a rate of counts */
	UNIT_BYTES_PER_S,
	UNIT_MS_PER_S, /* a rate of times: 1000 is one CPU kept busy */
	UNIT_N,
};

/* "ms", "bytes", "count", "/s", ...; "" for UNIT_NONE. */
const char *unit_name(enum unit unit);

/* The unit of rate(f) for a field f of that unit. That of a time is UNIT_MS_PER_S whatever the
 * time's unit: convert the time to UNIT_MS first. */
enum unit unit_rate(enum unit unit);

/*
 * Reads the quantity that s starts with: [-] digits [. digits] [e [+|-] digits] [space] [suffix].
 * Writes the number in the unit it was written in and that unit: "4MiB" gives 4194304 and
 * UNIT_BYTES, "1.5m" 90 and UNIT_S, "12" 12 and UNIT_NONE.
 * Suffixes: ns us ms s m h d; B kB MB GB KiB MiB GiB; %; /s; the sizes with /s; ms/s.
 * Returns the number of bytes read; the caller decides whether anything may follow. Returns 0, and
 * writes nothing, if s starts with no quantity, one too large for a double, or one with anything
 * but a suffix right behind it: "10furlongs" and "10.0.0.1" are none, "10 furlongs" is 10 and more.
 */
size_t quantity_parse(const char *s, size_t len, double *ret_number, enum unit *ret_unit);

/*
 * Converts a number from one unit to another. A number without a unit fits every unit unchanged.
 * Returns false, and writes nothing, where the two do not measure the same thing.
 */
bool unit_convert(double number, enum unit from, enum unit to, double *ret_number);

/*
 * A duration in the whole of s ("30s", "1.5h"; a unit is required) in ns, not negative and at most
 * some 580 years; false, and nothing written, if it is none.
 */
bool duration_parse(const char *s, uint64_t *ret_ns);

/*
 * Writes a number for people:
 *	times, sizes   in the unit that suits them, four digits: "31.2 ms", "1.2 s" for 1200 ms,
 *	               "500 us" for 0.5 ms, "4.2 MiB", "1.5 KiB/s"; from a minute on as a duration
 *	counts, rates  "41,200", "5,123 /s", "250.25 ms/s"; at most two decimals, or two digits of
 *	               a number below one
 *	percent        "12 %", the same
 *	no unit        the same without commas: "41200" is a process or a port
 *
 * What is not finite, in the smallest unit, is "none".
 */
void quantity_format(struct buf *out, double number, enum unit unit);
/* Writes a duration for people: "250 ms", "31 s", "2 min 5 s", "3 h 12 min", "8 d 1 h". */
void duration_format(struct buf *out, uint64_t ns);

#endif
