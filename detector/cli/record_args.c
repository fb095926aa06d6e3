/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/record_args.h"

#include <stdlib.h>
#include <string.h>

#include "capture/recorder.h"
#include "util/units.h"

#define SIZE_MIN       1e6
#define SIZE_MAX_BYTES 1e15

bool parse_max_size(const char *text, uint64_t *ret_bytes)
{
	size_t len = strlen(text);
	enum unit unit;
	double bytes;

	if (len == 0 || quantity_parse(text, len, &bytes, &unit) != len || unit != UNIT_BYTES ||
	    !(bytes >= SIZE_MIN && bytes <= SIZE_MAX_BYTES))
		return false;
	*ret_bytes = (uint64_t)bytes;
	return true;
}

bool parse_max_files(const char *text, unsigned *ret_files)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < 2 || n > RECORDER_FILES_MAX)
		return false;
	*ret_files = (unsigned)n;
	return true;
}
