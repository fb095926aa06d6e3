/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/units.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a unit measures; only units of one dimension convert into each other. */
enum dimension { NUMBER, TIME, SIZE, COUNT, SHARE, COUNT_RATE, SIZE_RATE, TIME_RATE };

static const struct {
	const char *name;
	enum dimension dimension;
	double factor; /* to the smallest unit of the dimension */
	enum unit rate;
} units[UNIT_N] = {
	[UNIT_NONE] = { "", NUMBER, 1, UNIT_PER_S },
	[UNIT_NS] = { "ns", TIME, 1, UNIT_MS_PER_S },
	[UNIT_US] = { "us", TIME, 1e3, UNIT_MS_PER_S },
	[UNIT_MS] = { "ms", TIME, 1e6, UNIT_MS_PER_S },
	[UNIT_S] = { "s", TIME, 1e9, UNIT_MS_PER_S },
	[UNIT_BYTES] = { "bytes", SIZE, 1, UNIT_BYTES_PER_S },
	[UNIT_COUNT] = { "count", COUNT, 1, UNIT_PER_S },
	[UNIT_PERCENT] = { "%", SHARE, 1, UNIT_NONE },
	[UNIT_PER_S] = { "/s", COUNT_RATE, 1, UNIT_NONE },
	[UNIT_BYTES_PER_S] = { "bytes/s", SIZE_RATE, 1, UNIT_NONE },
	[UNIT_MS_PER_S] = { "ms/s", TIME_RATE, 1, UNIT_NONE },
};

static const struct suffix {
	const char *text;
	double factor;
	enum unit unit;
} suffixes[] = {
	{ "ns", 1, UNIT_NS },
	{ "us", 1, UNIT_US },
	{ "ms", 1, UNIT_MS },
	{ "s", 1, UNIT_S },
	{ "m", 60, UNIT_S },
	{ "h", 3600, UNIT_S },
	{ "d", 86400, UNIT_S },
	{ "B", 1, UNIT_BYTES },
	{ "kB", 1e3, UNIT_BYTES },
	{ "MB", 1e6, UNIT_BYTES },
	{ "GB", 1e9, UNIT_BYTES },
	{ "KiB", 0x1p10, UNIT_BYTES },
	{ "MiB", 0x1p20, UNIT_BYTES },
	{ "GiB", 0x1p30, UNIT_BYTES },
	{ "%", 1, UNIT_PERCENT },
	{ "/s", 1, UNIT_PER_S },
	{ "B/s", 1, UNIT_BYTES_PER_S },
	{ "kB/s", 1e3, UNIT_BYTES_PER_S },
	{ "MB/s", 1e6, UNIT_BYTES_PER_S },
	{ "GB/s", 1e9, UNIT_BYTES_PER_S },
	{ "KiB/s", 0x1p10, UNIT_BYTES_PER_S },
	{ "MiB/s", 0x1p20, UNIT_BYTES_PER_S },
	{ "GiB/s", 0x1p30, UNIT_BYTES_PER_S },
	{ "ms/s", 1, UNIT_MS_PER_S },
};

const char *unit_name(enum unit unit)
{
	return units[unit].name;
}

enum unit unit_rate(enum unit unit)
{
	return units[unit].rate;
}

/* --- reading --------------------------------------------------------------------------------- */

static size_t digits(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && isdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* Bytes of the decimal number that s starts with; strtod alone would take "inf" and "0x1p3" too. */
static size_t number_length(const char *s, size_t len)
{
	size_t at = len > 0 && s[0] == '-';
	size_t n = digits(s + at, len - at);
	size_t exponent;

	if (n == 0)
		return 0;
	at += n;
	if (at < len && s[at] == '.') {
		n = digits(s + at + 1, len - at - 1);
		at += n ? n + 1 : 0;
	}
	if (at < len && (s[at] == 'e' || s[at] == 'E')) {
		exponent = at + 1;
		if (exponent < len && (s[exponent] == '+' || s[exponent] == '-'))
			exponent++;
		n = digits(s + exponent, len - exponent);
		at = n ? exponent + n : at;
	}
	return at;
}

static size_t number_parse(const char *s, size_t len, double *ret_number)
{
	size_t n = number_length(s, len);
	char text[64];

	if (n == 0 || n >= sizeof(text))
		return 0;
	memcpy(text, s, n);
	text[n] = '\0';
	*ret_number = strtod(text, NULL);
	return n;
}

/* Bytes of what might be meant for a suffix. */
static size_t suffix_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '%' ||
			   s[n] == '/' || s[n] == '.' || (s[n] & 0x80)))
		n++;
	return n;
}

static const struct suffix *suffix_find(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (strlen(suffixes[i].text) == len && memcmp(suffixes[i].text, s, len) == 0)
			return &suffixes[i];
	return NULL;
}

size_t quantity_parse(const char *s, size_t len, double *ret_number, enum unit *ret_unit)
{
	const struct suffix *suffix = NULL;
	double number;
	size_t at = number_parse(s, len, &number);
	size_t space = at < len && s[at] == ' ';
	size_t n = at ? suffix_length(s + at + space, len - at - space) : 0;

	if (n > 0)
		suffix = suffix_find(s + at + space, n);
	if (at == 0 || (n > 0 && !suffix && !space))
		return 0;
	if (suffix) {
		number *= suffix->factor;
		at += space + n;
	}
	if (!isfinite(number))
		return 0;
	*ret_number = number;
	*ret_unit = suffix ? suffix->unit : UNIT_NONE;
	return at;
}

bool unit_convert(double number, enum unit from, enum unit to, double *ret_number)
{
	if (from == UNIT_NONE || from == to) {
		*ret_number = number;
		return true;
	}
	if (units[from].dimension != units[to].dimension)
		return false;
	*ret_number = number * units[from].factor / units[to].factor;
	return true;
}

bool duration_parse(const char *s, uint64_t *ret_ns)
{
	size_t len = strlen(s);
	enum unit unit;
	double ns;

	if (len == 0 || quantity_parse(s, len, &ns, &unit) != len || unit == UNIT_NONE ||
	    !unit_convert(ns, unit, UNIT_NS, &ns) || signbit(ns) || ns >= 0x1p64)
		return false;
	*ret_ns = (uint64_t)round(ns);
	return true;
}

/* --- writing --------------------------------------------------------------------------------- */

/* The fixed-point text of a number, without zeros at the end of the fraction. */
static void add_fixed(struct buf *out, double number, int decimals, bool commas)
{
	char text[400];
	char *point;
	size_t whole;

	(void)snprintf(text, sizeof(text), "%.*f", decimals, number);
	point = strchr(text, '.');
	whole = point ? (size_t)(point - text) : strlen(text);
	if (point) {
		char *end = point + strlen(point);

		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			*--end = '\0';
	}
	for (size_t i = 0; i < whole; i++) {
		if (commas && i > 0 && (whole - i) % 3 == 0 && text[i - 1] != '-')
			buf_addc(out, ',');
		buf_addc(out, text[i]);
	}
	buf_adds(out, text + whole);
}

/* Counts and the like; beyond 15 digits a double has no more to say. */
static void add_number(struct buf *out, double number, bool commas)
{
	double size = fabs(number);
	int decimals = 2;

	if (size >= 1e15 || (size > 0 && size < 1e-6)) {
		buf_addf(out, "%.4g", number);
		return;
	}
	if (size > 0 && size < 1)
		decimals = 1 - (int)floor(log10(size));
	add_fixed(out, number, decimals, commas);
}

/* One size of a scale: how many of the smallest make it, and its name. */
struct step {
	double factor;
	const char *name;
};

/* Four digits in the largest of n steps that is not too large. */
static void add_scaled(struct buf *out, double number, const struct step *steps, size_t n)
{
	size_t i = 0;
	double shown;
	int decimals;

	/* what would be rounded up to the next step belongs there: 999.99 us are 1 ms */
	while (i + 1 < n && fabs(number) >= steps[i + 1].factor * 0.99995)
		i++;
	shown = number / steps[i].factor;
	decimals = shown != 0 ? 3 - (int)floor(log10(fabs(shown))) : 0;
	if (decimals > 6 || fabs(shown) >= 1e15)
		buf_addf(out, "%.4g", shown);
	else
		add_fixed(out, shown, decimals > 0 ? decimals : 0, true);
	buf_addf(out, " %s", steps[i].name);
}

static void add_time(struct buf *out, double ns)
{
	static const struct step steps[] = {
		{ 1, "ns" }, { 1e3, "us" }, { 1e6, "ms" }, { 1e9, "s" }
	};

	if (fabs(ns) < 60e9 || fabs(ns) >= 0x1p64) {
		add_scaled(out, ns, steps, ARRAY_SIZE(steps));
		return;
	}
	if (ns < 0)
		buf_addc(out, '-');
	duration_format(out, (uint64_t)fabs(ns));
}

static void add_size(struct buf *out, double bytes)
{
	static const struct step steps[] = { { 1, "B" },
					     { 0x1p10, "KiB" },
					     { 0x1p20, "MiB" },
					     { 0x1p30, "GiB" },
					     { 0x1p40, "TiB" } };

	add_scaled(out, bytes, steps, ARRAY_SIZE(steps));
}

void quantity_format(struct buf *out, double number, enum unit unit)
{
	number *= units[unit].factor;
	if (!isfinite(number)) {
		buf_adds(out, "none");
		return;
	}
	switch (units[unit].dimension) {
	case TIME:
		add_time(out, number);
		break;
	case SIZE:
		add_size(out, number);
		break;
	case SIZE_RATE:
		add_size(out, number);
		buf_adds(out, "/s");
		break;
	case NUMBER:
		add_number(out, number, false);
		break;
	case COUNT:
		add_number(out, number, true);
		break;
	default:
		add_number(out, number, true);
		buf_addf(out, " %s", unit_name(unit));
	}
}

void duration_format(struct buf *out, uint64_t ns)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} parts[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	uint64_t seconds = ns / NS_PER_S;
	size_t i = 0;

	if (seconds < 60) {
		add_time(out, ns < NS_PER_S ? (double)ns : (double)(ns / (NS_PER_S / 10)) * 1e8);
		return;
	}
	while (seconds < parts[i].seconds)
		i++;
	buf_addf(out, "%llu %s", (unsigned long long)(seconds / parts[i].seconds), parts[i].name);
	seconds = seconds % parts[i].seconds / parts[i + 1].seconds;
	if (seconds)
		buf_addf(out, " %llu %s", (unsigned long long)seconds, parts[i + 1].name);
}
