/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/embedded.h"

#include <string.h>

/* clang-format off */

/* Aligned, because libelf reads the sections in place. */
#define OBJECT(stem)                                                                               \
	__asm__(".pushsection .rodata\n"                                                           \
		".balign 8\n"                                                                      \
		#stem "_object:\n"                                                                 \
		".incbin \"" #stem ".bpf.o\"\n"                                                    \
		#stem "_object_end:\n"                                                             \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char stem##_object[], stem##_object_end[];
#include "objects.inc"
#undef OBJECT

#define OBJECT(stem) { #stem, stem##_object, stem##_object_end },
static const struct {
	const char *stem;
	const char *start;
	const char *end;
} objects[] = {
#include "objects.inc"
};

/* clang-format on */

const void *embedded_object(const char *stem, size_t *ret_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		if (strcmp(objects[i].stem, stem) == 0) {
			*ret_len = (size_t)(objects[i].end - objects[i].start);
			return objects[i].start;
		}
	}
	return NULL;
}
