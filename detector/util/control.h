/* SPDX-License-Identifier: BSD-2-Clause */
/* Which characters a text from outside may not bring onto a terminal or into a line. */
#ifndef UTIL_CONTROL_H
#define UTIL_CONTROL_H

#include "util/base.h"

/*
 * Is the UTF-8 character of n bytes (as utf8_length() gives them) a control, or does it otherwise
 * move the cursor or turn the text around? C0, DEL, C1 (U+0080 to U+009F; some terminals take
 * U+009B for the start of an escape sequence), line separators and bidirectional overrides (U+2028
 * to U+202E, U+2066 to U+2069).
 */
static inline bool is_control(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	if (n == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (n == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	return n == 3 && s[0] == 0xe2 &&
	       ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
		(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

#endif
