/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/hash.h"

/* Smaller ones come from the heap. */
#define LARGE_BYTES (4u << 20)
#define LINE_BYTES  64
/*
 * Large ones all begin at a page, so that what lies at the same place in several tables would fight
 * for the same few lines of a cache: they are shifted by whole lines. The line before tells by how
 * much.
 */
#define SHIFTS 4096

static void *small_new(size_t size)
{
	void *p;

	if (posix_memalign(&p, LINE_BYTES, size ? size : 1) != 0)
		return xcalloc(1, SIZE_MAX); /* ends the process as any allocation that fails */
	return memset(p, 0, size);
}

static size_t shift_bytes(const void *pages)
{
	uint64_t at = (uintptr_t)pages;

	return (1 + hash_keyed(0, &at, sizeof(at)) % SHIFTS) * LINE_BYTES;
}

void *pages_new(size_t size)
{
	size_t shift;
	char *p;

	if (size < LARGE_BYTES)
		return small_new(size);
	size += (SHIFTS + 1) * LINE_BYTES;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return xcalloc(1, SIZE_MAX); /* ends the process as any allocation that fails */
	(void)madvise(p, size, MADV_HUGEPAGE);
	shift = shift_bytes(p);
	memcpy(p + shift - sizeof(shift), &shift, sizeof(shift));
	return p + shift;
}

void pages_free(void *p, size_t size)
{
	size_t shift;

	if (!p || size < LARGE_BYTES) {
		free(p);
		return;
	}
	memcpy(&shift, (char *)p - sizeof(shift), sizeof(shift));
	(void)munmap((char *)p - shift, size + (SHIFTS + 1) * LINE_BYTES);
}
