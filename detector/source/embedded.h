/* SPDX-License-Identifier: BSD-2-Clause */
/* The BPF objects, which the binary carries in itself. */
#ifndef SOURCE_EMBEDDED_H
#define SOURCE_EMBEDDED_H

#include "util/base.h"

/* The object of that stem ("syscall_tracer"), an ELF file of *ret_len bytes; NULL if there is none. */
const void *embedded_object(const char *stem, size_t *ret_len);

#endif
