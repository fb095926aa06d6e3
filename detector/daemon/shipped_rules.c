/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/shipped_rules.h"

#include <stdlib.h>

/* clang-format off */
#define SHIPPED(symbol, path)                                                                      \
	__asm__(".pushsection .rodata\n"                                                           \
		"rules_" #symbol ":\n"                                                             \
		".incbin \"" path "\"\n"                                                           \
		"rules_" #symbol "_end:\n"                                                         \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char rules_##symbol[], rules_##symbol##_end[];
#include "shipped_rules.inc"
#undef SHIPPED

#define SHIPPED(symbol, path) { path, rules_##symbol, rules_##symbol##_end },
static const struct {
	const char *path;
	const char *start;
	const char *end;
} shipped[] = {
#include "shipped_rules.inc"
};
/* clang-format on */

void shipped_rules_add(struct rule_files *f)
{
	f->files = xrealloc(f->files, f->n + ARRAY_SIZE(shipped), sizeof(*f->files));
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
		size_t len = (size_t)(shipped[i].end - shipped[i].start);

		f->files[f->n++] = (struct rule_file){
			.name = xstrdup(shipped[i].path),
			.text = xstrndup(shipped[i].start, len),
			.len = len,
		};
	}
}
