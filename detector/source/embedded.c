/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/embedded.h"

#include <string.h>

/* clang-format off */

/* Aligned, because libelf reads the sections in place. */
#define EVENT(event, object, kind, help)                                                           \
	__asm__(".pushsection .rodata\n"                                                           \
		".balign 8\n"                                                                      \
		#object "_object:\n"                                                               \
		".incbin \"" #object ".bpf.o\"\n"                                                  \
		#object "_object_end:\n"                                                           \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char object##_object[], object##_object_end[];
#define NUM(ctype, name, role, unit, help)
#define SCALED(member, name, per, role, unit, help)
#define TEXT(size, name, role, help)
#define ADDR(name, role, help)
#define DERIVED(type, name, role, unit, help)
#define HIDDEN(ctype, name)
#define HIDDEN_TEXT(size, name)
#define END(event)

#include "../bpf/events.def"

#undef EVENT
#define EVENT(event, object, kind, help) { #object, object##_object, object##_object_end },

static const struct {
	const char *stem;
	const char *start;
	const char *end;
} objects[] = {
#include "../bpf/events.def"
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
