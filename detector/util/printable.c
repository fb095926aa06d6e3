/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/printable.h"

#include "util/control.h"
#include "util/utf8.h"

size_t printable_add(struct buf *out, const char *text, size_t len, size_t max,
		     const char *replacement)
{
	size_t at = 0;

	for (; at < len && max > 0; max--) {
		size_t n = utf8_length(text + at, len - at);

		if (text[at] == '\t')
			buf_addc(out, ' ');
		else if (n == 0 || is_control(text + at, n))
			buf_adds(out, replacement);
		else
			buf_add(out, text + at, n);
		at += n ? n : 1;
	}
	return at;
}
