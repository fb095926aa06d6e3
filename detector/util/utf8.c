/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/utf8.h"

static bool tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t c;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] < 0xe0 && len >= 2 && tail(s[1]))
		return 2;
	if ((s[0] & 0xf0) == 0xe0 && len >= 3 && tail(s[1]) && tail(s[2])) {
		c = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
		return c >= 0x800 && (c < 0xd800 || c > 0xdfff) ? 3 : 0;
	}
	if ((s[0] & 0xf8) == 0xf0 && len >= 4 && tail(s[1]) && tail(s[2]) && tail(s[3])) {
		c = (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 |
		    (s[3] & 0x3fu);
		return c >= 0x10000 && c <= 0x10ffff ? 4 : 0;
	}
	return 0;
}

size_t utf8_prefix(const char *s, size_t len, size_t characters)
{
	size_t at = 0;

	while (at < len && characters-- > 0) {
		size_t n = utf8_length(s + at, len - at);

		at += n ? n : 1;
	}
	return at;
}
