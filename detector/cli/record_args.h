/* SPDX-License-Identifier: BSD-2-Clause */
/* The options about recording that `run` and `record` share. */
#ifndef CLI_RECORD_ARGS_H
#define CLI_RECORD_ARGS_H

#include "util/base.h"

/* A size of at least 1 MB. */
bool parse_max_size(const char *text, uint64_t *ret_bytes);
/* A number of files from 2 to RECORDER_FILES_MAX. */
bool parse_max_files(const char *text, unsigned *ret_files);

#endif
