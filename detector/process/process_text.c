/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/process_text.h"

#include <string.h>

void path_from_names(const char *names, size_t len, bool cut, struct buf *out)
{
	size_t end = len;

	if (cut)
		buf_adds(out, "...");
	while (end > 0) {
		size_t start = end - 1; /* of the name that ends with the NUL there */

		while (start > 0 && names[start - 1] != '\0')
			start--;
		buf_addc(out, '/');
		buf_add(out, names + start, end - 1 - start);
		end = start;
	}
	if (len == 0)
		buf_addc(out, '/');
}

void cmdline_from_args(const char *args, size_t len, bool cut, struct buf *out)
{
	while (!cut && len > 0 && args[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < len; i++)
		buf_addc(out, args[i] ? args[i] : ' ');
	if (cut)
		buf_adds(out, "...");
}
