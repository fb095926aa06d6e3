/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/record_args.h"

#include <stdlib.h>
#include <string.h>

#include "capture/recorder.h"
#include "util/units.h"

#define SIZE_MIN       1e6
#define SIZE_MAX_BYTES 1e15

char *option_max_size(const char *text, void *target)
{
	size_t len = strlen(text);
	enum unit unit;
	double bytes;

	if (len == 0 || quantity_parse(text, len, &bytes, &unit) != len || unit != UNIT_BYTES ||
	    !(bytes >= SIZE_MIN && bytes <= SIZE_MAX_BYTES))
		return xasprintf("expected a size of 1MB or more, such as 256MB, not \"%s\"", text);
	*(uint64_t *)target = (uint64_t)bytes;
	return NULL;
}

char *option_max_files(const char *text, void *target)
{
	uint64_t n;
	char *error = option_number(text, 2, RECORDER_FILES_MAX, &n);

	*(unsigned *)target = (unsigned)n;
	return error;
}
