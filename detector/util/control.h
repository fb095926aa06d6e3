/* SPDX-License-Identifier: BSD-2-Clause */
/* Which characters a text from outside may not bring onto a terminal or into a line. */
#ifndef UTIL_CONTROL_H
#define UTIL_CONTROL_H

#include "util/base.h"

/*
 * Is the UTF-8 character of n bytes (as utf8_length() gives them) a control, or does it otherwise
 * move the cursor, turn the text around or print nothing? C0, DEL, C1 (U+0080 to U+009F; some
 * terminals take U+009B for the start of an escape sequence), characters without width (U+200B to
 * U+200D, U+2060 to U+2064, U+FEFF), line separators, marks and overrides of direction (U+200E,
 * U+200F, U+2028 to U+202E, U+2066 to U+206F).
 */
static inline bool is_control(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	if (n == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (n == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	if (n == 3 && s[0] == 0xe2)
		return (s[1] == 0x80 &&
			((s[2] >= 0x8b && s[2] <= 0x8f) || (s[2] >= 0xa8 && s[2] <= 0xae))) ||
		       (s[1] == 0x81 && s[2] >= 0xa0 && s[2] <= 0xaf);
	return n == 3 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf;
}

#endif
