/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/json_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Digits alone; false also if they are too many for 64 bits. */
static bool parse_digits(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if (len == 0 || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned char)s[i] - '0';

		if (digit > 9)
			return false;
		if (i < 19)
			v = v * 10 + digit;
		else if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return true;
}

bool json_double(const struct json_member *m, double *ret)
{
	char text[64];
	char *end;

	if (m->kind != JSON_NUMBER || m->len >= sizeof(text))
		return false;
	memcpy(text, m->value, m->len);
	text[m->len] = '\0';
	*ret = strtod(text, &end);
	return *end == '\0' && isfinite(*ret);
}

bool json_unsigned(const struct json_member *m, uint64_t *ret)
{
	double v;

	if (m->kind != JSON_NUMBER)
		return false;
	if (parse_digits(m->value, m->len, ret))
		return true;
	if (!memchr(m->value, '.', m->len) && !memchr(m->value, 'e', m->len) &&
	    !memchr(m->value, 'E', m->len))
		return false;
	if (!json_double(m, &v) || v < 0 || v > 0x1p53 || v != floor(v))
		return false;
	*ret = (uint64_t)v;
	return true;
}

bool json_signed(const struct json_member *m, int64_t *ret)
{
	struct json_member rest = *m;
	bool negative = m->kind == JSON_NUMBER && *m->value == '-';
	uint64_t v;

	rest.value += negative;
	rest.len -= negative;
	if (!json_unsigned(&rest, &v) || v > (uint64_t)INT64_MAX + negative)
		return false;
	*ret = negative ? (int64_t)-v : (int64_t)v;
	return true;
}

/* A number with a decimal point as an integer of that many decimals, rounded. */
static bool parse_fixed(const char *s, size_t len, unsigned decimals, uint64_t *ret)
{
	const char *point = memchr(s, '.', len);
	size_t whole_len = point ? (size_t)(point - s) : len, taken;
	uint64_t v, fraction = 0;

	if (!parse_digits(s, whole_len, &v))
		return false;
	for (unsigned i = 0; i < decimals; i++)
		if (__builtin_mul_overflow(v, 10, &v))
			return false;
	if (point) {
		size_t n = len - whole_len - 1;

		taken = n < decimals ? n : decimals;
		if (taken && !parse_digits(point + 1, taken, &fraction))
			return false;
		for (size_t i = taken; i < decimals; i++)
			fraction *= 10;
		if (n > decimals && point[1 + decimals] >= '5')
			fraction++;
		for (size_t i = taken; i < n; i++)
			if (point[1 + i] < '0' || point[1 + i] > '9')
				return false;
	}
	return !__builtin_add_overflow(v, fraction, ret);
}

bool json_scaled(const struct json_member *m, double per, unsigned decimals, uint64_t *ret)
{
	double v;

	if (m->kind != JSON_NUMBER)
		return false;
	if (parse_fixed(m->value, m->len, decimals, ret))
		return true;
	if (!json_double(m, &v) || v < 0 || v * per >= 0x1p63)
		return false;
	*ret = (uint64_t)(v * per + 0.5);
	return true;
}
