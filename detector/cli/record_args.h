/* SPDX-License-Identifier: BSD-2-Clause */
/* The options about recording that `run` and `record` share. */
#ifndef CLI_RECORD_ARGS_H
#define CLI_RECORD_ARGS_H

#include "cli/options.h"

/* Read functions: a size of at least 1 MB into a uint64_t of bytes; a number of files, from 2 to
 * RECORDER_FILES_MAX, into an unsigned. */
char *option_max_size(const char *text, void *target);
char *option_max_files(const char *text, void *target);

#endif
