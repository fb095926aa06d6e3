/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook/one_line.h"

#include "util/control.h"
#include "util/utf8.h"

void add_one_line(const char *text, size_t len, size_t max_bytes, struct buf *out)
{
	size_t start = out->len;
	bool blank = false;

	for (size_t at = 0; at < len;) {
		size_t n = utf8_length(text + at, len - at);
		size_t need = n ? n : 1;

		if (n && (text[at] == ' ' || is_control(text + at, n))) {
			blank = out->len > start;
		} else {
			if (out->len - start + blank + need > max_bytes) {
				buf_adds(out, "...");
				return;
			}
			if (blank)
				buf_addc(out, ' ');
			blank = false;
			buf_add(out, n ? text + at : "?", need);
		}
		at += need;
	}
}
